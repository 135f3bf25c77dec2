import { describe, expect, it } from 'vitest'

import { KazooClient, SessionExpiredError, SessionMovedError } from '../../../src/index.ts'
import { Simulation } from '../../../src/testing/index.ts'
import { ScriptedServer, someStat } from '../../support/scripted-server.ts'
import { failure, timeout, world } from '../../support/world.ts'

describe('the numbers of requests', () => {
  it('go on over connections: a member would take the old one’s write for the new one’s (ZOOKEEPER-2684)', () =>
    world(async ({ server, client, connect, sim }) => {
      const first = await connect()
      const lost = [failure(client.set('/a', 'x')), failure(client.set('/a', 'y'))]
      expect((await first.expect('setData')).xid).toBe(1)
      expect((await first.expect('setData')).xid).toBe(2)
      first.socket.destroy()
      await Promise.all(lost)
      const second = await server.next()
      await second.accept({ timeout })
      const setting = client.set('/a', 'z')
      const request = await second.expect('setData')
      expect(request.xid).toBe(3)
      second.answer(request, 'setData', { stat: someStat })
      await setting
      // In a new session, too.
      second.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      await (await server.next()).refuse()
      const third = await server.next()
      await third.accept({ timeout, sessionId: 0x77n })
      const found = client.exists('/a')
      const exists = await third.expect('exists')
      expect(exists.xid).toBe(4)
      third.answer(exists, 'exists', { stat: someStat })
      await found
    }))

  it('begin anywhere in a session that somebody else may have numbered', async () => {
    const first = async (seed: number): Promise<number> => {
      const sim = new Simulation({ seed, latency: () => 1, fragmentation: 0 })
      return await sim.run(async () => {
        const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
        const session = { id: 0x10n, password: Buffer.alloc(16) }
        const client = new KazooClient({ hosts: 'server', runtime: sim.runtime('client'), session })
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout, sessionId: 0x10n })
        await starting
        const found = client.exists('/a')
        const request = await connection.expect('exists')
        connection.answer(request, 'exists', { stat: someStat })
        await found
        await server.stop()
        await client.stop()
        return request.xid
      })
    }
    const [one, two] = [await first(1), await first(2)]
    expect(one).not.toBe(two)
    expect(Math.min(one, two)).toBeGreaterThan(1_000)
  })
})

describe('a transaction whose session is over', () => {
  it.each([
    [SessionExpiredError, -112],
    [SessionMovedError, -118],
  ] as const)('is no failure of one of its operations: %s', (type, err) =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const hold = client.hold()
      connection.answer(await connection.expect('sync'), 'sync', { path: '/' })
      await hold
      const committing = failure(client.transaction().create('/a').delete('/b').commit())
      const behind = failure(client.exists('/c'))
      const request = await connection.expect('multi')
      connection.answer(request, 'multi', [
        { op: 'error', body: { err } },
        { op: 'error', body: { err: -2 } },
      ])
      expect(await committing).toBeInstanceOf(type)
      expect(await committing).toMatchObject({ op: 'transaction' })
      expect(await behind).toMatchObject({ code: 'CONNECTION_LOSS' })
      expect(client.state).toBe('SUSPENDED')
    }),
  )
})
