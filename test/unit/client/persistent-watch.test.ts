import { describe, expect, it } from 'vitest'

import { KazooClient, UnimplementedError, type PersistentWatchEvent } from '../../../src/index.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/testing/index.ts'

interface World {
  readonly sim: Simulation
  readonly server: EmbeddedServer
  readonly watcher: KazooClient
  readonly other: KazooClient
  readonly seen: string[]
  readonly note: (event: PersistentWatchEvent) => void
}

async function world(script: (world: World) => Promise<void>): Promise<void> {
  const sim = new Simulation()
  await sim.run(async () => {
    const runtime = sim.runtime('server')
    const server = await new EmbeddedServer({ runtime, host: '0.0.0.0', port: 2181, tickTime: 1_000 }).start()
    const connect = (host: string): Promise<KazooClient> =>
      new KazooClient({ hosts: 'server/root', runtime: sim.runtime(host), sessionTimeout: 6_000 }).start()
    const [watcher, other] = await Promise.all([connect('watcher'), connect('other')])
    await other.ensurePath('/')
    const seen: string[] = []
    const note = ({ type, path }: PersistentWatchEvent): void => void seen.push(`${type} ${path}`)
    await script({ sim, server, watcher, other, seen, note })
    await Promise.all([watcher.stop(), other.stop()])
    await server.stop()
  })
}

describe('a watch that lasts', () => {
  it('tells of data and children of one znode, again and again, whether or not it exists', () =>
    world(async ({ sim, watcher, other, seen, note }) => {
      await watcher.watch('/a', { listener: note })
      await other.create('/a')
      await other.set('/a', '1')
      await other.set('/a', '2')
      await other.create('/a/b')
      await other.delete('/a/b')
      await other.delete('/a')
      await sim.until(() => seen.length === 6)
      expect(seen).toEqual(['CREATED /a', 'CHANGED /a', 'CHANGED /a', 'CHILD /a', 'CHILD /a', 'DELETED /a'])
    }))

  it('tells of all below it when it is recursive, and never of lists of children', () =>
    world(async ({ sim, watcher, other, seen, note }) => {
      await watcher.watch('/', { recursive: true, listener: note })
      // A one-shot watch on the same connection has the server send what the recursive one must not pass on.
      await watcher.getChildren('/', { watch: () => void seen.push('one-shot') })
      await other.create('/a')
      await other.create('/a/b')
      await other.set('/a/b', 'x')
      await other.delete('/a/b')
      await sim.until(() => seen.length === 5)
      expect(seen).toEqual(['CREATED /a', 'one-shot', 'CREATED /a/b', 'CHANGED /a/b', 'DELETED /a/b'])
    }))

  it('says which transaction it was', () =>
    world(async ({ sim, watcher, other }) => {
      const zxids: bigint[] = []
      await watcher.watch('/a', {
        listener: (event) => void zxids.push('zxid' in event ? (event.zxid ?? 0n) : 0n),
      })
      const { stat } = await other.create('/a', '', { includeStat: true })
      await sim.until(() => zxids.length === 1)
      expect(zxids).toEqual([stat.czxid])
    }))

  it('says RESYNC after a reconnect, and goes on: each kind on its own', () =>
    world(async ({ sim, watcher, other, seen, note }) => {
      for (const recursive of [false, true]) {
        seen.length = 0
        const watch = await watcher.watch('/a', { recursive, listener: note })
        sim.network.partition(['watcher'], ['server'])
        await sim.until(() => watcher.state === 'SUSPENDED')
        await other.create('/a', 'missed')
        sim.network.heal()
        await sim.until(() => seen.length === 1)
        // What is read after RESYNC was read after the watch was set again.
        expect(String((await watcher.get('/a')).data)).toBe('missed')
        await other.set('/a', 'seen')
        await sim.until(() => seen.length === 2)
        expect(seen).toEqual(['RESYNC /a', 'CHANGED /a'])
        await watch.stop()
        await other.delete('/a')
      }
    }))

  it('says RESYNC in a new session, and goes on', () =>
    world(async ({ sim, server, watcher, other, seen, note }) => {
      await watcher.watch('/a', { recursive: true, listener: note })
      server.expireSession(watcher.session!.id)
      await sim.until(() => seen.length === 1)
      await other.create('/a/b', '', { makePath: true })
      await sim.until(() => seen.length === 3)
      expect(seen).toEqual(['RESYNC /a', 'CREATED /a', 'CREATED /a/b'])
    }))

  it("removes the server's watch when it is stopped, and not the watch of another", () =>
    world(async ({ sim, watcher, other, seen, note }) => {
      const first = await watcher.watch('/a', { listener: note })
      const second = await watcher.watch('/a', { listener: (event) => void seen.push(`second ${event.type}`) })
      await first.stop()
      await first.stop()
      await other.create('/a')
      await sim.until(() => seen.length === 1)
      expect(seen).toEqual(['second CREATED'])
      expect(await other.command('wchp')).toContain('/root/a')
      await second.stop()
      expect(await other.command('wchp')).not.toContain('/root/a')
    }))

  it('yields events to an iterator, and ends it when the client stops', () =>
    world(async ({ watcher, other }) => {
      const watch = await watcher.watch('/a')
      const iterator = watch[Symbol.asyncIterator]()
      await other.create('/a')
      await other.set('/a', 'x')
      expect((await iterator.next()).value?.type).toBe('CREATED')
      expect((await iterator.next()).value?.type).toBe('CHANGED')
      const last = iterator.next()
      await watcher.stop()
      expect((await last).done).toBe(true)
      expect(await watch.closed).toBeUndefined()
    }))

  it('tells an iterator that fell far behind to resync, instead of keeping everything', () =>
    world(async ({ watcher, other }) => {
      const watch = await watcher.watch('/a')
      const iterator = watch[Symbol.asyncIterator]()
      await other.create('/a')
      for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 101 }, () => other.set('/a', '')))
      await watcher.sync('/')
      const { value } = await iterator.next()
      expect(value).toEqual({ type: 'RESYNC', path: '/a' })
    }))

  it('is refused by servers that are too old, before it costs the connection', async () => {
    const sim = new Simulation({ fragmentation: 0 })
    await sim.run(async () => {
      const old = sim.runtime('server')
      const server = await new EmbeddedServer({ runtime: old, host: '0.0.0.0', port: 2181 }).start()
      // In front of it somebody who says that it is an old release.
      await old.listen({ host: '0.0.0.0', port: 2182 }, (socket) => {
        const behind = old.dial(
          { host: '127.0.0.1', port: 2181 },
          {
            received: (chunk) => {
              const text = chunk.toString('latin1').replace(/version: \d+\.\d+\.\d+/, 'version: 3.5.9')
              socket.write(Buffer.from(text, 'latin1'))
            },
            closed: () => socket.end(),
          },
        )
        return { received: (chunk) => void behind.write(chunk), closed: () => behind.destroy() }
      })
      const client = await new KazooClient({ hosts: 'server:2182', runtime: sim.runtime('client') }).start()
      const states: string[] = []
      client.addListener((state) => void states.push(state))
      await expect(client.watch('/a')).rejects.toBeInstanceOf(UnimplementedError)
      await expect(client.whoAmI()).rejects.toBeInstanceOf(UnimplementedError)
      await expect(client.multiRead().get('/').commit()).rejects.toBeInstanceOf(UnimplementedError)
      expect(await client.getChildren('/')).toEqual(['zookeeper'])
      expect(states).toEqual([])
      await client.stop()
      await server.stop()
    })
  })
})
