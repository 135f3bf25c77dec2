import { getEventListeners } from 'node:events'

import { describe, expect, it } from 'vitest'

import { KazooClient, OperationTimeoutError, SessionExpiredError, UnimplementedError } from '../../../src/index.ts'
import { Simulation } from '../../../src/testing/index.ts'
import { eventFrame, ScriptedServer, someStat, type ScriptedConnection } from '../../support/scripted-server.ts'
import { failure } from '../../support/world.ts'

interface World {
  readonly sim: Simulation
  readonly server: ScriptedServer
  readonly client: KazooClient
  readonly connection: ScriptedConnection
}

async function world(script: (world: World) => Promise<void>, options: object = {}): Promise<void> {
  const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
  await sim.run(async () => {
    const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
    server.words.set('srvr', 'Zookeeper version: 3.9.5-x\n')
    const client = new KazooClient({
      hosts: 'server:2181/root',
      runtime: sim.runtime('client'),
      sessionTimeout: 6_000,
      ...options,
    })
    const starting = client.start()
    const connection = await server.next()
    await connection.accept()
    await starting
    await script({ sim, server, client, connection })
    await server.stop()
    await client.stop()
  })
}

describe('what only some releases know', () => {
  it('is sent in the order of the calls once the version is known', () =>
    world(async ({ client, connection }) => {
      const first = client.getAllChildrenNumber('/a')
      connection.answer(await connection.expect('getAllChildrenNumber'), 'getAllChildrenNumber', { total: 1 })
      expect(await first).toBe(1)
      for (const pending of [
        client.getAllChildrenNumber('/a'),
        client.exists('/a'),
        client.watch('/a'),
        client.getEphemerals(),
        client.set('/a', 'x'),
      ]) {
        pending.catch(() => {})
      }
      for (const op of ['getAllChildrenNumber', 'exists', 'addWatch', 'getEphemerals', 'setData']) {
        expect((await connection.next()).op).toBe(op)
      }
    }))

  it('asks nothing else of a server, and fails in its own name', () =>
    world(async ({ sim, server, client, connection }) => {
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const controller = new AbortController()
      const limited = failure<OperationTimeoutError>(client.watch('/a', { timeout: 100, signal: controller.signal }))
      const unlimited = client.getAllChildrenNumber('/b')
      expect(await limited).toMatchObject({
        code: 'OPERATION_TIMEOUT',
        op: 'watch',
        path: '/a',
        message: 'timed out after 100 ms: watch /a',
        maybeApplied: false,
      })
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
      const next = await server.next()
      await next.accept()
      const request = await next.next()
      expect(request.op).toBe('getAllChildrenNumber')
      next.answer(request, 'getAllChildrenNumber', { total: 7 })
      expect(await unlimited).toBe(7)
    }))

  it('waits for a connection of this session, and no longer', () =>
    world(async ({ sim, server, client, connection }) => {
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const waiting = failure(client.multiRead().get('/a').commit())
      await (await server.next()).refuse()
      expect(await waiting).toBeInstanceOf(SessionExpiredError)
      const stopped = failure(client.getEphemerals())
      await client.stop()
      expect(await stopped).toMatchObject({ code: 'CONNECTION_CLOSED', op: 'getEphemerals' })
    }))

  it('is refused by the version of the server there is, not by that of an earlier one', () =>
    world(async ({ server, client, connection }) => {
      server.words.set('srvr', 'Zookeeper version: 3.5.10-x\n')
      expect(await failure(client.watch('/a'))).toBeInstanceOf(UnimplementedError)
      expect(await failure(client.getAllChildrenNumber('/a'))).toMatchObject({ op: 'getAllChildrenNumber', path: '/a' })
      server.words.set('srvr', 'Zookeeper version: 3.9.5-x\n')
      connection.socket.destroy()
      const next = await server.next()
      await next.accept()
      const count = client.getAllChildrenNumber('/a')
      next.answer(await next.expect('getAllChildrenNumber'), 'getAllChildrenNumber', { total: 2 })
      expect(await count).toBe(2)
    }))

  it('takes the bytes of a caller as they were at the call', () =>
    world(async ({ client, connection }) => {
      const data = Buffer.from('then')
      const creating = client.create('/a', data, { ttl: 1_000 }).catch(() => {})
      data.write('now!')
      const request = await connection.expect('createTtl')
      expect(String(request.values.data)).toBe('then')
      connection.socket.destroy()
      await creating
    }))

  it('rejects a path that takes too much, and nothing more happens', () =>
    world(
      async ({ client, connection }) => {
        const error = await failure(client.watch(`/${'x'.repeat(300)}`))
        expect(error).toBeInstanceOf(RangeError)
        const again = await failure(client.watch(`/${'x'.repeat(300)}`))
        expect(again).toBeInstanceOf(RangeError)
        const found = client.exists('/a')
        const request = await connection.next()
        expect(request.op).toBe('exists')
        connection.answer(request, 'exists', { stat: someStat })
        expect(await found).not.toBeNull()
      },
      { maxBuffer: 200 },
    ))
})

describe('the events of a watch', () => {
  it('are kept for its first iterator, from its beginning on', () =>
    world(async ({ client, connection, sim }) => {
      const watching = client.watch('/a')
      connection.answer(await connection.expect('addWatch'), 'addWatch', { err: 0 })
      // Right behind the answer.
      connection.socket.write(eventFrame(3, '/root/a'))
      const watch = await watching
      connection.socket.write(eventFrame(4, '/root/a'))
      await sim.sleep(50)
      const seen: string[] = []
      for await (const { type } of watch) if (seen.push(type) === 2) break
      expect(seen).toEqual(['CHANGED', 'CHILD'])
    }))

  it('end with the wait that a stop was given, and the server is told all the same', () =>
    world(async ({ client, connection }) => {
      const watching = client.watch('/a')
      connection.answer(await connection.expect('addWatch'), 'addWatch', { err: 0 })
      const watch = await watching
      const stopped = failure(watch.stop({ timeout: 50 }))
      expect((await connection.expect('removeWatches')).values).toMatchObject({ path: '/root/a' })
      expect(await stopped).toMatchObject({ code: 'OPERATION_TIMEOUT', op: 'removeWatch', path: '/a' })
      expect(await watch.closed).toBeUndefined()
    }))
})
