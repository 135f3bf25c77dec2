import { describe, expect, it } from 'vitest'

import { ChildrenWatch, DataWatch, KazooClient, NoAuthError, type Stat } from '../../../src/index.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'

interface World {
  readonly sim: Simulation
  readonly server: EmbeddedServer
  /** The client whose watches are tested, and one that changes things. */
  readonly watcher: KazooClient
  readonly other: KazooClient
}

async function world(script: (world: World) => Promise<void>): Promise<void> {
  const sim = new Simulation()
  await sim.run(async () => {
    const runtime = sim.runtime('server')
    const server = await new EmbeddedServer({ runtime, host: '0.0.0.0', port: 2181, tickTime: 1_000 }).start()
    const connect = (host: string): Promise<KazooClient> =>
      new KazooClient({ hosts: 'server', runtime: sim.runtime(host), sessionTimeout: 6_000 }).start()
    const [watcher, other] = await Promise.all([connect('watcher'), connect('other')])
    await script({ sim, server, watcher, other })
    await Promise.all([watcher.stop(), other.stop()])
    await server.stop()
  })
}

/** A function for a DataWatch that notes what it is given, and whether it has been given something. */
function noting(): { seen: (string | null)[]; fn: (data: Buffer | null, stat: Stat | null) => void } {
  const seen: (string | null)[] = []
  return { seen, fn: (data) => void seen.push(data === null ? null : String(data)) }
}

describe('DataWatch', () => {
  it('calls at the start and on every change, with the event', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', 'one')
      const seen: unknown[] = []
      const watch = await new DataWatch(watcher, '/a', (data, stat, event) => {
        seen.push([String(data), stat?.version, event?.type])
      }).start()
      expect(seen).toEqual([['one', 0, undefined]])
      await other.set('/a', 'two')
      await sim.until(() => seen.length === 2)
      await other.set('/a', 'three')
      await sim.until(() => seen.length === 3)
      expect(seen.slice(1)).toEqual([
        ['two', 1, 'CHANGED'],
        ['three', 2, 'CHANGED'],
      ])
      await watch.stop()
    }))

  it('follows a znode that is missing, made, deleted and made again', () =>
    world(async ({ sim, watcher, other }) => {
      const { seen, fn } = noting()
      await new DataWatch(watcher, '/a', fn).start()
      expect(seen).toEqual([null])
      await other.create('/a', '')
      await sim.until(() => seen.length === 2)
      await other.delete('/a')
      await sim.until(() => seen.length === 3)
      await other.create('/a', 'again')
      await sim.until(() => seen.length === 4)
      expect(seen).toEqual([null, '', null, 'again'])
    }))

  it('goes on over a reconnect, with what changed meanwhile', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', 'one')
      const { seen, fn } = noting()
      await new DataWatch(watcher, '/a', fn).start()
      sim.network.cut('watcher', 'server')
      await sim.until(() => watcher.state === 'SUSPENDED')
      await other.set('/a', 'two')
      await sim.until(() => seen.length === 2)
      expect(seen).toEqual(['one', 'two'])
      await other.set('/a', 'three')
      await sim.until(() => seen.length === 3)
    }))

  it('goes on over a new session, and is not called when nothing changed', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', 'one')
      const { seen, fn } = noting()
      await new DataWatch(watcher, '/a', fn).start()
      const session = watcher.session?.id
      sim.network.partition(['watcher'], ['server'])
      await sim.until(() => watcher.state === 'LOST')
      sim.network.heal()
      await sim.until(() => watcher.state === 'CONNECTED')
      expect(watcher.session?.id).not.toBe(session)
      await sim.sleep(1_000)
      expect(seen).toEqual(['one'])
      await other.set('/a', 'two')
      await sim.until(() => seen.length === 2)
      expect(seen).toEqual(['one', 'two'])
    }))

  it('notices a znode that was deleted and made again while it looked away', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', 'same')
      const { seen, fn } = noting()
      await new DataWatch(watcher, '/a', fn).start()
      sim.network.partition(['watcher'], ['server'])
      await sim.until(() => watcher.state === 'SUSPENDED')
      await other.delete('/a')
      await other.create('/a', 'same')
      sim.network.heal()
      await sim.until(() => seen.length === 2)
      expect(seen).toEqual(['same', 'same'])
    }))

  it('survives a client that is restarted, and ends with one that is stopped', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', 'one')
      const { seen, fn } = noting()
      const watch = await new DataWatch(watcher, '/a', fn).start()
      await watcher.restart()
      await other.set('/a', 'two')
      await sim.until(() => seen.length === 2)
      await watcher.stop()
      expect(await watch.closed).toEqual({ reason: 'client-stopped' })
    }))

  it('ends when its function returns false, or a promise of it', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', 'one')
      const seen: string[] = []
      const watch = await new DataWatch(watcher, '/a', (data) => {
        seen.push(String(data))
        return Promise.resolve(seen.length < 2)
      }).start()
      await other.set('/a', 'two')
      expect(await watch.closed).toEqual({ reason: 'returned-false' })
      await other.set('/a', 'three')
      await sim.sleep(1_000)
      expect(seen).toEqual(['one', 'two'])
    }))

  it('waits for a promise before it calls again, and skips to the latest', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', '0')
      const seen: string[] = []
      let running = 0
      await new DataWatch(watcher, '/a', async (data) => {
        expect(++running).toBe(1)
        seen.push(String(data))
        await sim.sleep(500)
        running--
      }).start()
      for (let i = 1; i <= 20; i++) await other.set('/a', String(i))
      await sim.until(() => seen.at(-1) === '20')
      expect(seen.length).toBeLessThan(20)
    }))

  it('fails with what trying again does not mend, and says so', () =>
    world(async ({ watcher, other }) => {
      await other.create('/secret', 'x', { acl: [{ perms: 2, id: { scheme: 'world', id: 'anyone' } }] })
      const watch = new DataWatch(watcher, '/secret')
      await expect(watch.start()).rejects.toBeInstanceOf(NoAuthError)
      const { reason, error } = await watch.closed
      expect(reason).toBe('failed')
      expect(error).toBeInstanceOf(NoAuthError)
      await expect(watch[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(NoAuthError)
    }))

  it('yields the latest value to an iterator, and stops with the loop', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/a', '1')
      const watch = await new DataWatch(watcher, '/a').start()
      const seen: (string | null)[] = []
      const loop = (async () => {
        for await (const { data, stat } of watch) {
          expect(data === null).toBe(stat === null)
          seen.push(data === null ? null : String(data))
          if (data === null) break
        }
      })()
      await sim.until(() => seen.length === 1)
      await other.set('/a', '2')
      await sim.until(() => seen.length === 2)
      await other.delete('/a')
      await loop
      expect(seen).toEqual(['1', '2', null])
      expect(await watch.closed).toEqual({ reason: 'stopped' })
    }))

  it('gives up the first read when the time is up', () =>
    world(async ({ sim, watcher }) => {
      sim.network.partition(['watcher'], ['server'])
      const watch = new DataWatch(watcher, '/a')
      await expect(watch.start({ timeout: 100 })).rejects.toMatchObject({ code: 'OPERATION_TIMEOUT' })
      expect(await watch.closed).toMatchObject({ reason: 'failed' })
    }))
})

describe('ChildrenWatch', () => {
  it('calls at the start and on every change of the list', () =>
    world(async ({ sim, watcher, other }) => {
      await other.create('/p')
      const seen: (string[] | null)[] = []
      await using watch = await new ChildrenWatch(watcher, '/p', (children) => {
        seen.push(children)
      }).start()
      await other.create('/p/a')
      await sim.until(() => seen.length === 2)
      await other.set('/p/a', 'not of interest')
      await other.create('/p/b')
      await sim.until(() => seen.length === 3)
      expect(seen.map((names) => names?.toSorted())).toEqual([[], ['a'], ['a', 'b']])
      expect(watch.path).toBe('/p')
    }))

  it('tells a missing znode from one without children, and waits for it', () =>
    world(async ({ sim, watcher, other }) => {
      const seen: (string[] | null)[] = []
      await new ChildrenWatch(watcher, '/p', (children) => void seen.push(children)).start()
      await other.create('/p')
      await sim.until(() => seen.length === 2)
      await other.create('/p/a')
      await sim.until(() => seen.length === 3)
      await other.delete('/p', { recursive: true })
      await sim.until(() => seen.at(-1) === null)
      await other.create('/p/b', '', { makePath: true })
      await sim.until(() => seen.at(-1)?.[0] === 'b')
      expect(seen.slice(0, 3)).toEqual([null, [], ['a']])
    }))

  it('re-reads over a new session', () =>
    world(async ({ sim, server, watcher, other }) => {
      await other.create('/p')
      const seen: (string[] | null)[] = []
      await new ChildrenWatch(watcher, '/p', (children) => void seen.push(children)).start()
      server.expireSession(watcher.session!.id)
      await other.create('/p/a')
      await sim.until(() => seen.at(-1)?.length === 1)
      await other.create('/p/b')
      await sim.until(() => seen.at(-1)?.length === 2)
    }))

  it('yields lists to several iterators; leaving one does not end the other', () =>
    world(async ({ watcher, other }) => {
      await other.create('/p')
      const watch = await new ChildrenWatch(watcher, '/p').start()
      const [first, second] = [watch[Symbol.asyncIterator](), watch[Symbol.asyncIterator]()]
      expect((await first.next()).value).toEqual([])
      expect((await second.next()).value).toEqual([])
      await first.return?.()
      const next = second.next()
      await other.create('/p/a')
      expect((await next).value).toEqual(['a'])
      await second.return?.()
      expect(await watch.closed).toEqual({ reason: 'stopped' })
    }))
})
