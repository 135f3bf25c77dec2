import { describe, expect, it } from 'vitest'

import type { KazooClient, PersistentWatchEvent, WatchedEvent } from '../../src/index.ts'
import { fence, States, suspend } from './support/events.ts'
import { type Ground, onEachServerAndChroot } from './support/ground.ts'

/** What watches told, each by its name. */
class Ear {
  readonly heard: string[] = []
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  as(name: string): (event: PersistentWatchEvent | WatchedEvent) => void {
    return ({ type, path }) => void this.heard.push(`${name}: ${type} ${path.slice(this.#root.length) || '/'}`)
  }

  /** What was told since the last time, in the order of the names. */
  take(): string[] {
    return this.heard.splice(0).toSorted()
  }
}

interface Scene {
  readonly zk: KazooClient
  readonly ear: Ear
  readonly path: string
  /** Lets something happen, and resolves to what was heard of it. */
  readonly after: (change: (admin: KazooClient, full: string) => Promise<unknown>) => Promise<string[]>
}

async function scene(ground: Ground, zk: KazooClient): Promise<Scene> {
  const path = ground.at('/p')
  await zk.create(path)
  const ear = new Ear(path)
  const after: Scene['after'] = async (change) => {
    await change(ground.admin, ground.full('/p'))
    await zk.sync(path)
    await fence(zk)
    return ear.take()
  }
  return { zk, ear, path, after }
}

type Skip = (condition: boolean, note: string) => void

/**
 * A server up to 3.8 keeps one mode for a path and a connection (ZOOKEEPER-4466): what is set later there takes the place
 * of what was set before.
 */
onEachServerAndChroot((ground) => {
  const begin = async (skip: Skip): Promise<Scene> => {
    skip(!ground.isSince('3.6.0'), `watches that last need ZooKeeper 3.6.0, and this is ${ground.server.version}`)
    return scene(ground, await ground.connect())
  }

  const lasting = [
    ['persistent', false],
    ['recursive', true],
  ] as const

  describe.each(lasting)('on a path with a %s watch', (_name, recursive) => {
    const created = recursive ? 'lasting: CREATED /c' : 'lasting: CHILD /'

    it('a one-shot watch of data ends nothing but itself', async ({ skip }) => {
      const { zk, ear, path, after } = await begin(skip)
      await zk.watch(path, { recursive, listener: ear.as('lasting') })
      await zk.get(path, { watch: ear.as('get') })
      await zk.exists(path, { watch: ear.as('exists') })
      const first = await after((admin, full) => admin.set(full, '1'))
      expect(first).toEqual(['exists: CHANGED /', 'get: CHANGED /', 'lasting: CHANGED /'])
      expect(await after((admin, full) => admin.set(full, '2'))).toEqual(['lasting: CHANGED /'])
      expect(await after((admin, full) => admin.create(`${full}/c`))).toEqual([created])
      expect(await after((admin, full) => admin.set(`${full}/c`, '3'))).toEqual(
        recursive ? ['lasting: CHANGED /c'] : [],
      )
    })

    it('a one-shot watch of children ends nothing but itself', async ({ skip }) => {
      const { zk, ear, path, after } = await begin(skip)
      await zk.getChildren(path, { watch: ear.as('before') })
      await zk.watch(path, { recursive, listener: ear.as('lasting') })
      await zk.getChildren(path, { watch: ear.as('after'), includeStat: true })
      const first = await after((admin, full) => admin.create(`${full}/c`))
      expect(first).toEqual(['after: CHILD /', 'before: CHILD /', created])
      expect(await after((admin, full) => admin.set(full, '2'))).toEqual(['lasting: CHANGED /'])
      expect(await after((admin, full) => admin.delete(`${full}/c`))).toEqual([
        recursive ? 'lasting: DELETED /c' : 'lasting: CHILD /',
      ])
    })

    it('one-shot watches of children that were set before are told', async ({ skip }) => {
      const { zk, ear, path, after } = await begin(skip)
      await zk.getChildren(path, { watch: ear.as('once') })
      await zk.watch(path, { recursive, listener: ear.as('lasting') })
      expect(await after((admin, full) => admin.create(`${full}/c`))).toEqual([created, 'once: CHILD /'])
    })

    it('a one-shot watch that is set while it is on its way works, and so does it', async ({ skip }) => {
      const { zk, ear, path, after } = await begin(skip)
      const [, read] = await Promise.all([
        zk.watch(path, { recursive, listener: ear.as('lasting') }),
        zk.get(path, { watch: ear.as('once') }),
        zk.getChildren(path, { watch: ear.as('children') }),
      ])
      expect(read.data.toString()).toBe('')
      expect(await after((admin, full) => admin.set(full, '1'))).toEqual(['lasting: CHANGED /', 'once: CHANGED /'])
      expect(await after((admin, full) => admin.set(full, '2'))).toEqual(['lasting: CHANGED /'])
      expect(await after((admin, full) => admin.create(`${full}/c`))).toEqual(['children: CHILD /', created])
    })

    it('one-shot watches stay when it is stopped', async ({ skip }) => {
      const { zk, ear, path, after } = await begin(skip)
      const watch = await zk.watch(path, { recursive, listener: ear.as('lasting') })
      await zk.get(path, { watch: ear.as('get') })
      await zk.getChildren(path, { watch: ear.as('children') })
      const flying = zk.exists(path, { watch: ear.as('exists') })
      await watch.stop()
      await flying
      expect(await after((admin, full) => admin.create(`${full}/c`))).toEqual(['children: CHILD /'])
      expect(await after((admin, full) => admin.set(`${full}/c`, 'x'))).toEqual([])
      expect(await after((admin, full) => admin.set(full, '1'))).toEqual(['exists: CHANGED /', 'get: CHANGED /'])
      expect(await after((admin, full) => admin.set(full, '2'))).toEqual([])
    })

    it('says which transaction it was since 3.9, and tells RESYNC after a reconnect on each release', async ({
      skip,
    }) => {
      skip(!ground.isSince('3.6.0'), `watches that last need ZooKeeper 3.6.0, and this is ${ground.server.version}`)
      const { zk, proxy } = await ground.connectThroughProxy()
      const { path, after } = await scene(ground, zk)
      const events: PersistentWatchEvent[] = []
      await zk.watch(path, { recursive, listener: (event) => void events.push(event) })
      await after((admin, full) => admin.set(full, '1'))
      const zxid = ground.isSince('3.9.0') ? { zxid: (await zk.exists(path))?.mzxid } : {}
      expect(events.splice(0)).toEqual([{ type: 'CHANGED', path, ...zxid }])
      await suspend(zk, proxy)
      await ground.admin.set(ground.full('/p'), '2')
      const connected = new States(zk).next('CONNECTED')
      await proxy.setMode('forward')
      await connected
      // What happens before the server has the watch again is told by RESYNC alone.
      await fence(zk)
      await after((admin, full) => admin.set(full, '3'))
      expect(events.map(({ type }) => type)).toEqual(['RESYNC', 'CHANGED'])
    })
  })

  describe.each([
    ['persistent', 'recursive'],
    ['recursive', 'persistent'],
  ] as const)('a %s and then a %s watch on one path', (...kinds) => {
    const arm = async ({ zk, path, ear }: Scene) => {
      const [one, two] = await Promise.all(
        kinds.map((kind) => zk.watch(path, { recursive: kind === 'recursive', listener: ear.as(kind) })),
      )
      return kinds[0] === 'persistent' ? { persistent: one!, recursive: two! } : { persistent: two!, recursive: one! }
    }

    const tellBoth = async ({ after }: Scene): Promise<void> => {
      const change = await after((admin, full) => admin.set(full, '1'))
      expect(change).toEqual(['persistent: CHANGED /', 'recursive: CHANGED /'])
      const create = await after((admin, full) => admin.create(`${full}/c`))
      expect(create).toEqual(['persistent: CHILD /', 'recursive: CREATED /c'])
      expect(await after((admin, full) => admin.set(`${full}/c`, '1'))).toEqual(['recursive: CHANGED /c'])
      const remove = await after((admin, full) => admin.delete(`${full}/c`))
      expect(remove).toEqual(['persistent: CHILD /', 'recursive: DELETED /c'])
    }

    it('tell what each is for', async ({ skip }) => {
      const it = await begin(skip)
      await arm(it)
      await tellBoth(it)
    })

    it('tell it after a reconnect, too', async ({ skip }) => {
      skip(!ground.isSince('3.6.0'), `watches that last need ZooKeeper 3.6.0, and this is ${ground.server.version}`)
      const { zk, proxy } = await ground.connectThroughProxy()
      const it = await scene(ground, zk)
      await arm(it)
      const connected = new States(zk).next('CONNECTED')
      proxy.cut()
      await connected
      await fence(zk)
      expect(it.ear.take()).toEqual(['persistent: RESYNC /', 'recursive: RESYNC /'])
      await tellBoth(it)
    })

    it('leave one another be when one is stopped', async ({ skip }) => {
      const { zk, path, ear, after, ...rest } = await begin(skip)
      for (const stopped of ['persistent', 'recursive'] as const) {
        const watches = await arm({ zk, path, ear, after, ...rest })
        await watches[stopped].stop()
        const recursive = stopped === 'persistent'
        const left = recursive ? 'recursive' : 'persistent'
        expect(await after((admin, full) => admin.set(full, '1'))).toEqual([`${left}: CHANGED /`])
        const create = await after((admin, full) => admin.create(`${full}/c`))
        expect(create).toEqual([recursive ? 'recursive: CREATED /c' : 'persistent: CHILD /'])
        const remove = await after((admin, full) => admin.delete(`${full}/c`))
        expect(remove).toEqual([recursive ? 'recursive: DELETED /c' : 'persistent: CHILD /'])
        await watches[left].stop()
        expect(await after((admin, full) => admin.set(full, '2'))).toEqual([])
      }
    })
  })
})
