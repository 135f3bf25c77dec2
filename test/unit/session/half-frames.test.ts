import { describe, expect, it } from 'vitest'

import type { Acl } from '../../../src/index.ts'
import { someStat } from '../../support/scripted-server.ts'
import { failure, timeout, world } from '../../support/world.ts'

/** An ACL that is right when it is checked, and breaks while it is written: after the path and the data. */
function brokenAcl(): Acl[] {
  let reads = 0
  const id = {
    scheme: 'world',
    get id(): string {
      if (++reads > 1) throw new Error('broken')
      return 'anyone'
    },
  }
  return [{ perms: 31, id }]
}

describe('a request that cannot be encoded', () => {
  it('fails alone: those before and after it are sent as if it had never been', () =>
    world(async ({ client, connect, states }) => {
      const connection = await connect()
      const before = client.set('/before', 'x')
      const broken = failure(client.create('/broken', 'x'.repeat(100), { acl: brokenAcl() }))
      const after = client.set('/after', 'x')
      expect(await broken).toMatchObject({ message: 'broken' })
      for (const [path, xid] of [
        ['/before', 1],
        ['/after', 2],
      ] as const) {
        const request = await connection.expect('setData')
        expect([request.values.path, request.xid]).toEqual([path, xid])
        connection.answer(request, 'setData', { stat: someStat })
      }
      await Promise.all([before, after])
      expect(states).toEqual([['CONNECTED', undefined]])
    }))

  it('leaves nothing when it is the only one of its batch', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      expect(await failure(client.setAcls('/broken', brokenAcl()))).toMatchObject({ message: 'broken' })
      const after = client.set('/after', 'x')
      const request = await connection.expect('setData')
      expect([request.values.path, request.xid]).toEqual(['/after', 1])
      connection.answer(request, 'setData', { stat: someStat })
      await after
      expect(client.state).toBe('CONNECTED')
    }))

  it('fails at once while it would have to wait, and is not counted as waiting', () =>
    world(
      async ({ sim, client, server, connect }) => {
        const connection = await connect()
        connection.socket.destroy()
        await sim.until(() => client.state === 'SUSPENDED')
        for (let i = 0; i < 3; i++) {
          const error = await failure(client.setAcls('/broken', brokenAcl()))
          expect(error).toMatchObject({ message: 'broken' })
        }
        const waiting = client.set('/kept', 'x')
        const next = await server.next()
        await next.accept({ timeout })
        next.answer(await next.expect('setData'), 'setData', { stat: someStat })
        await waiting
      },
      { maxPending: 1 },
    ))

  it('is none when only the ACL that the options were made from was broken later', () => {
    const acl: (Acl | null)[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
    return world(
      async ({ client, connect }) => {
        const connection = await connect()
        acl[0] = null
        const creating = client.create('/a')
        const request = await connection.expect('create')
        expect(request.values.acl).toEqual([{ perms: 31, id: { scheme: 'world', id: 'anyone' } }])
        connection.answer(request, 'create', { path: '/a' })
        expect(await creating).toBe('/a')
      },
      { defaultAcl: acl as Acl[] },
    )
  })
})
