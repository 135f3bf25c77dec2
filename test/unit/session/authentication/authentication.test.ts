import { describe, expect, it } from 'vitest'

import { AuthFailedError } from '../../../../src/index.ts'
import { eventTypes } from '../../../../src/protocol/constants.ts'
import { eventFrame, frameOf, someStat, type ScriptedConnection } from '../../../support/scripted-server.ts'
import { ReplyHeader } from '../../../../src/protocol/records.ts'
import { failure, timeout, world } from '../../../support/world.ts'

const xid = -4
const accepted = frameOf((writer) => ReplyHeader.write(writer, { xid, zxid: 0n, err: 0 }))

/** Accepts credentials, and says which they were. */
async function acceptAuth(connection: ScriptedConnection): Promise<string> {
  const request = await connection.expect('auth')
  connection.answer(request, 'auth', undefined)
  return `${request.values.scheme} ${String(request.values.auth)}`
}

describe('credentials that cannot be sent', () => {
  it('fail the start: a client is never connected without them', () =>
    world(
      async ({ client, server, states }) => {
        const starting = failure(client.start({ timeout: 1_000 }))
        await (await server.next()).accept({ timeout })
        const error = await starting
        expect(error).toBeInstanceOf(AuthFailedError)
        expect(error.cause).toBeInstanceOf(RangeError)
        expect(error.message + String(error.cause)).not.toContain('long-password')
        expect(states.map(([state]) => state)).not.toContain('CONNECTED')
      },
      { maxBuffer: 20, authData: [{ scheme: 'digest', credential: 'user:long-password' }] },
    ))
})

describe('equal credentials', () => {
  it('are presented once on a reconnect, and once after a restart', () =>
    world(
      async ({ client, server }) => {
        const started = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        expect(await acceptAuth(connection)).toBe('digest a:1')
        await started
        for (const credential of ['a:1', Buffer.from('a:1'), 'b:2', 'b:2', Buffer.from('b:2')]) {
          const adding = client.addAuth('digest', credential)
          await acceptAuth(connection)
          await adding
        }
        connection.socket.destroy()
        const second = await server.next()
        await second.accept({ timeout })
        expect([await acceptAuth(second), await acceptAuth(second)]).toEqual(['digest a:1', 'digest b:2'])
        // Were there a third, it would come before this.
        const marker = client.exists('/marker')
        second.answer(await second.expect('exists'), 'exists', { stat: someStat })
        await marker
        const restarting = client.restart()
        second.answer(await second.expect('closeSession'), 'closeSession', undefined)
        const third = await server.next()
        await third.accept({ timeout, sessionId: 2n })
        expect([await acceptAuth(third), await acceptAuth(third)]).toEqual(['digest a:1', 'digest b:2'])
        await restarting
      },
      { authData: [{ scheme: 'digest', credential: 'a:1' }] },
    ))
})

describe('addAuth, in one chunk with an event', () => {
  const event = eventFrame(eventTypes.dataChanged, '/a')

  it.each([
    ['that came first', [event, accepted], ['event', 'reply']],
    ['that came after it', [accepted, event], ['reply', 'event']],
  ])('is resolved in the order of arrival: %s', (_name, frames, expected) =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      const seen: string[] = []
      const watched = client.get('/a', { watch: () => void seen.push('event') })
      connection.answer(await connection.expect('getData'), 'getData', { data: null, stat: someStat })
      await watched
      void (async () => {
        await client.addAuth('digest', 'a:1', { timeout: 1_000 })
        seen.push('reply')
      })()
      await connection.expect('auth')
      connection.socket.write(Buffer.concat(frames))
      await sim.until(() => seen.length === 2)
      expect(seen).toEqual(expected)
    }),
  )
})
