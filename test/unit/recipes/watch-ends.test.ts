import { describe, expect, it } from 'vitest'

import { ChildrenWatch, DataWatch, KazooClient, type KazooClientOptions } from '../../../src/index.ts'
import { eventTypes } from '../../../src/protocol/constants.ts'
import { Stat } from '../../../src/protocol/stat.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { eventFrame, replyFrame, type ScriptedConnection } from '../../support/scripted-server.ts'
import { failure, timeout, world } from '../../support/world.ts'

interface Embedded {
  readonly sim: Simulation
  readonly server: EmbeddedServer
  readonly client: KazooClient
}

async function embedded(script: (world: Embedded) => Promise<void>, options: KazooClientOptions = {}): Promise<void> {
  const sim = new Simulation()
  await sim.run(async () => {
    const runtime = sim.runtime('server')
    const server = await new EmbeddedServer({ runtime, host: '0.0.0.0', port: 2181, tickTime: 1_000 }).start()
    const client = await new KazooClient({
      hosts: 'server',
      runtime: sim.runtime('client'),
      sessionTimeout: 6_000,
      ...options,
    }).start()
    await script({ sim, server, client })
    await client.stop()
    await server.stop()
  })
}

const answer = (text: string, version = 0): { data: Buffer; stat: Stat } => ({
  data: Buffer.from(text),
  stat: new Stat(1n, BigInt(version + 1), 0, 0, version, 0, 0, 0n, text.length, 0, 1n),
})

/** Answers the read that a watch begins with. */
async function begin<T>(connection: ScriptedConnection, starting: Promise<T>): Promise<T> {
  connection.answer(await connection.expect('getData'), 'getData', answer('x'))
  return starting
}

describe('a restart that fails', () => {
  it('ends watches and their iterators', () =>
    embedded(async ({ server, client }) => {
      const data = await new DataWatch(client, '/a', () => {}).start()
      const children = await new ChildrenWatch(client, '/').start()
      const iterator = children[Symbol.asyncIterator]()
      expect((await iterator.next()).done).toBe(false)
      const next = iterator.next()
      await server.stop()
      await failure(client.restart({ timeout: 300 }))
      expect(await data.closed).toEqual({ reason: 'client-stopped' })
      expect(await children.closed).toEqual({ reason: 'client-stopped' })
      expect((await next).done).toBe(true)
    }))
})

describe('a watch that was stopped', () => {
  it('is not set again after a reconnect', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      for (let i = 0; i < 3; i++) {
        const watch = await begin(connection, new DataWatch(client, '/a', () => {}).start())
        await watch.stop()
      }
      connection.socket.destroy()
      const next = await server.next()
      await next.accept({ timeout })
      const marker = client.exists('/marker')
      next.fail(await next.expect('exists'), -101)
      expect(await marker).toBeNull()
    }))

  it('leaves the watch of another on the same znode alone', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const seen: string[] = []
      const stopped = await begin(
        connection,
        new DataWatch(client, '/a', (data) => void seen.push(`no ${String(data)}`)).start(),
      )
      await begin(connection, new DataWatch(client, '/a', (data) => void seen.push(String(data))).start())
      await stopped.stop()
      connection.socket.destroy()
      const next = await server.next()
      await next.accept({ timeout })
      const request = await next.expect('setWatches')
      expect(request.values.dataWatches).toEqual(['/a'])
      next.answer(request, 'setWatches', undefined)
      next.socket.write(eventFrame(eventTypes.dataChanged, '/a'))
      next.answer(await next.expect('getData'), 'getData', answer('y', 1))
      await sim.until(() => seen.includes('y'))
      expect(seen).toEqual(['no x', 'x', 'y'])
    }))

  it('reads nothing when its event comes after all', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const watch = await begin(connection, new DataWatch(client, '/a', () => {}).start())
      await watch.stop()
      connection.socket.write(eventFrame(eventTypes.dataChanged, '/a'))
      const marker = client.exists('/marker')
      connection.fail(await connection.expect('exists'), -101)
      expect(await marker).toBeNull()
    }))
})

describe('a function that is not wanted any more', () => {
  it.each(['get', 'exists', 'getChildren'] as const)(
    'is forgotten by unwatch, whichever of %s and others set it',
    (verb) =>
      embedded(async ({ client }) => {
        await client.create('/a', '')
        const seen: string[] = []
        const unwanted = (): void => void seen.push('unwanted')
        const kept = (): void => void seen.push('kept')
        for (const watch of [unwanted, kept]) await client[verb]('/a', { watch })
        client.unwatch('/a', unwanted)
        await client.delete('/a')
        expect(seen).toEqual(['kept'])
      }),
  )
})

describe("the client's commandRetry", () => {
  it('limits calls, not watches: they outlive an outage longer than its deadline', () =>
    embedded(
      async ({ sim, client }) => {
        const other = await new KazooClient({ hosts: 'server', runtime: sim.runtime('other') }).start()
        await other.create('/a', 'one')
        const seen: string[] = []
        const watch = await new DataWatch(client, '/a', (data) => void seen.push(String(data))).start()
        let ended = false
        void watch.closed.then(() => (ended = true))
        sim.network.partition(['client'], ['server'])
        await sim.until(() => client.state === 'SUSPENDED')
        await other.set('/a', 'two')
        await sim.until(() => client.state === 'LOST')
        // Somewhere in here a first read fails, and goes on failing for longer than the deadline.
        for (let i = 0; i < 4; i++) {
          sim.network.heal()
          await sim.until(() => client.state === 'CONNECTED')
          sim.network.partition(['client'], ['server'])
          await sim.until(() => client.state === 'LOST')
        }
        sim.network.heal()
        await sim.until(() => ended || seen.length === 2)
        expect(ended).toBe(false)
        expect(seen).toEqual(['one', 'two'])
        await other.stop()
      },
      { commandRetry: { maxTries: 2, deadline: 1_000 } },
    ))
})

describe('the event that a DataWatch tells', () => {
  it('comes with the data that was read for it, not with data from before', () =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      const seen: unknown[] = []
      const starting = new DataWatch(client, '/a', (data, _stat, event) => {
        seen.push([String(data), event?.type])
      }).start()
      const first = await connection.expect('getData')
      // The znode changes right after it was read: both are in one chunk.
      const reply = replyFrame(first.xid, 'getData', answer('one'))
      connection.socket.write(Buffer.concat([reply, eventFrame(eventTypes.dataChanged, '/a')]))
      await starting
      const second = await connection.expect('getData')
      const reread = replyFrame(second.xid, 'getData', answer('two', 1))
      // Deleted, and by the next read made again.
      connection.socket.write(Buffer.concat([reread, eventFrame(eventTypes.deleted, '/a')]))
      connection.answer(await connection.expect('getData'), 'getData', answer('three', 2))
      await sim.until(() => seen.length === 3)
      expect(seen).toEqual([
        ['one', undefined],
        ['two', 'CHANGED'],
        ['three', 'DELETED'],
      ])
    }))
})

describe('the limits of a start', () => {
  it('are over once the value was read: what the function is called with first is no part of it', () =>
    embedded(async ({ sim, client }) => {
      await client.create('/a', 'one')
      const controller = new AbortController()
      const seen: string[] = []
      const watch = await new DataWatch(client, '/a', async (data) => {
        seen.push(String(data))
        controller.abort()
        // Longer than the start may take.
        await sim.sleep(1_000)
      }).start({ signal: controller.signal, timeout: 500 })
      await client.set('/a', 'two')
      await Promise.race([sim.until(() => seen.length === 2), watch.closed])
      expect(seen).toEqual(['one', 'two'])
      await watch.stop()
      expect(await watch.closed).toEqual({ reason: 'stopped' })
    }))
})
