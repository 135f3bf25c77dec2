import { describe, expect, it } from 'vitest'

import { WatchRegistry } from '../../../../src/session/watches/watch-registry.ts'
import { watchPortions } from '../../../../src/session/watches/set-watches.ts'
import { errorFrame, someStat, type ScriptedConnection } from '../../../support/scripted-server.ts'
import { timeout, world } from '../../../support/world.ts'

const xid = -8

async function answerReads(connection: ScriptedConnection, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    connection.answer(await connection.expect('getData'), 'getData', { data: null, stat: someStat })
  }
}

describe('watches that are set again', () => {
  it('and refused, cost the connection, and are tried on the next', () =>
    world(async ({ sim, client, server, states, connect }) => {
      const causes: (string | undefined)[] = []
      client.addListener((_state, { cause }) => void causes.push(cause?.message))
      const connection = await connect()
      const watched = client.get('/a', { watch: () => {} })
      await answerReads(connection, 1)
      await watched
      connection.socket.destroy()
      const second = await server.next()
      await second.accept({ timeout })
      await second.expect('setWatches')
      second.socket.write(errorFrame(xid, -6))
      await second.closed
      const third = await server.next()
      await third.accept({ timeout })
      const request = await third.expect('setWatches')
      expect(request.values.dataWatches).toEqual(['/a'])
      third.answer(request, 'setWatches', undefined)
      await sim.until(() => client.state === 'CONNECTED')
      expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'CONNECTED', 'SUSPENDED', 'CONNECTED'])
      expect(causes[3]).toBe('the server refused to set the watches again: error -6')
    }))

  it('go in portions that the server accepts, whatever its limit', () => {
    const maxBuffer = 1_000
    const paths = Array.from({ length: 100 }, (_, i) => `/some/path/of/mine/${i}`)
    return world(
      async ({ client, server, connect }) => {
        const connection = await connect()
        const watched = Promise.all(paths.map((path) => client.get(path, { watch: () => {} })))
        await answerReads(connection, paths.length)
        await watched
        connection.socket.destroy()
        const second = await server.next()
        await second.accept({ timeout })
        const seen: string[] = []
        while (seen.length < paths.length) {
          const { body } = await second.request().then(({ op, body }) => {
            expect(op).toBe('setWatches')
            return { body }
          })
          // With the header, and the counts of the three lists.
          expect(body.remaining + 8).toBeLessThanOrEqual(maxBuffer / 2 + 28)
          body.long()
          for (let count = body.int(); count > 0; count--) seen.push(body.string()!)
        }
        expect(seen).toEqual(paths)
      },
      { maxBuffer },
    )
  })

  it('go alone where a path is longer than a portion', () => {
    const watches = new WatchRegistry()
    const paths = ['/a', `/${'b'.repeat(500)}`, '/c']
    for (const path of paths) watches.add('data', path, () => {}, '')
    expect([...watchPortions(watches, 600)].map(({ data }) => data)).toEqual(paths.map((path) => [path]))
  })
})
