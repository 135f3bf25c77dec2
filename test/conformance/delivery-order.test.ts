import { describe, expect, it } from 'vitest'

import type { CallOptions, KazooClient, WatchOptions } from '../../src/index.ts'
import { fence } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'
import { WireTap } from './support/wire-tap.ts'

type Verb = (zk: KazooClient, path: string, options: CallOptions) => Promise<unknown>

/** What older servers do not know: it is asked of them only once their version is known, and then as any other. */
const since36 = {
  multiRead: (zk, path, options) => zk.multiRead().get(path).commit(options),
  getAllChildrenNumber: (zk, path, options) => zk.getAllChildrenNumber(path, options),
  getEphemerals: (zk, path, options) => zk.getEphemerals(path, options),
  'watch, recursive': (zk, path, options) => zk.watch(path, { ...options, recursive: true }),
} satisfies Record<string, Verb>

const verbs: Record<string, Verb> = {
  get: (zk, path, options) => zk.get(path, options),
  'get with a watch': (zk, path, options) => zk.get(path, { ...options, watch: () => {} } satisfies WatchOptions),
  exists: (zk, path, options) => zk.exists(path, options),
  'exists on a missing znode': (zk, path, options) => zk.exists(`${path}-missing`, options),
  getChildren: (zk, path, options) => zk.getChildren(path, options),
  getAcls: (zk, path, options) => zk.getAcls(path, options),
  sync: (zk, path, options) => zk.sync(path, options),
  set: (zk, path, options) => zk.set(path, 'x', options),
  create: (zk, path, options) => zk.create(`${path}/child`, '', options),
  transaction: (zk, path, options) => zk.transaction().set(path, 'x').commit(options),
  'a failure': (zk, path, options) => zk.get(`${path}-missing`, options),
  ...since36,
}

const limits: Record<string, () => CallOptions> = {
  'without limits': () => ({}),
  'with a signal and a timeout': () => ({ signal: new AbortController().signal, timeout: 60_000 }),
}

onEachServerAndChroot((ground) => {
  describe.each(Object.keys(limits))('%s', (limit) => {
    describe.each(Object.keys(verbs).filter((name) => !(name in since36) || ground.isSince('3.6.0')))('%s', (name) => {
      /** Has an event and a reply brought to the client in one chunk, and tells the order in which user code saw them. */
      const order = async (first: 'event' | 'reply'): Promise<string[]> => {
        const tap = new WireTap()
        const zk = await ground.connect({ runtime: tap.runtime })
        await ground.admin.create(ground.full('/watched'))
        await ground.admin.create(ground.full('/node'))
        // From now on the version is known, where it counts.
        if (name in since36) await zk.getAllChildrenNumber(ground.at('/node'))
        const seen: string[] = []
        await zk.get(ground.at('/watched'), { watch: () => void seen.push('event') })
        const change = () => ground.admin.set(ground.full('/watched'), 'x')
        const call = async (): Promise<void> => {
          try {
            await verbs[name]!(zk, ground.at('/node'), limits[limit]!())
          } catch {
            // A failure is an answer, too.
          }
          seen.push('reply')
        }
        tap.hold()
        if (first === 'event') await change()
        if (first === 'event') await tap.held(1)
        const called = call()
        await tap.held(first === 'event' ? 2 : 1)
        if (first === 'reply') await change()
        await tap.held(2)
        expect(seen).toEqual([])
        tap.release()
        await called
        await fence(zk)
        return seen
      }

      it('sees an event first that came before the reply', async () => {
        expect(await order('event')).toEqual(['event', 'reply'])
      })

      it('sees the reply first that came before an event', async () => {
        expect(await order('reply')).toEqual(['reply', 'event'])
      })
    })
  })

  it.runIf(ground.isSince('3.6.0'))(
    'are sent in the order of the calls, whatever release they take (since 3.6)',
    async () => {
      const zk = await ground.connect()
      const path = await ground.admin.create(ground.full('/order'), 'old')
      await zk.getAllChildrenNumber(ground.at('/order'))
      const read = zk.multiRead().get(ground.at('/order')).commit()
      const count = zk.getAllChildrenNumber(ground.at('/order'))
      const watching = zk.watch(ground.at('/order'))
      const written = Promise.all([zk.set(ground.at('/order'), 'new'), zk.create(ground.at('/order/child'))])
      const [before] = await read
      expect(before).toMatchObject({ data: Buffer.from('old') })
      expect(await count).toBe(0)
      await using watch = await watching
      await written
      const seen: string[] = []
      for await (const { type } of watch) if (seen.push(type) === 2) break
      expect(seen).toEqual(['CHANGED', 'CHILD'])
      expect(path).toBe(ground.full('/order'))
    },
  )

  it('keeps to the order of the wire over many of both', async () => {
    const tap = new WireTap()
    const zk = await ground.connect({ runtime: tap.runtime })
    await ground.admin.create(ground.full('/node'))
    const seen: string[] = []
    const count = 20
    for (let index = 0; index < count; index++) {
      await zk.exists(ground.at(`/${index}`), { watch: () => void seen.push(`event ${index}`) })
    }
    tap.hold()
    const calls: Promise<unknown>[] = []
    for (let index = 0; index < count; index++) {
      calls.push(zk.get(ground.at('/node')).then(() => seen.push(`reply ${index}`)))
      await tap.held(2 * index + 1)
      await ground.admin.create(ground.full(`/${index}`))
      await tap.held(2 * index + 2)
    }
    tap.release()
    await Promise.all(calls)
    await fence(zk)
    expect(seen).toEqual(Array.from({ length: count }, (_, index) => [`reply ${index}`, `event ${index}`]).flat())
  })

  it('a reply that is awaited behind others of the same chunk comes in turn', async () => {
    const tap = new WireTap()
    const zk = await ground.connect({ runtime: tap.runtime })
    tap.hold()
    const seen: number[] = []
    const calls = Array.from({ length: 50 }, (_, index) =>
      zk.exists(ground.at(`/${index}`)).then(() => seen.push(index)),
    )
    await tap.held(50)
    tap.release()
    await Promise.all(calls)
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index))
  })
})
