import { describe, expect, it } from 'vitest'

import { NoNodeError, OPEN_ACL_UNSAFE } from '../../src/index.ts'
import { xids } from '../../src/protocol/constants.ts'
import { failure, fence, watch } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'
import { WireTap } from './support/wire-tap.ts'

onEachServerAndChroot((ground) => {
  /** What somebody else does to the tree. */
  const others = {
    create: (path: string) => ground.admin.create(ground.full(path)),
    set: (path: string) => ground.admin.set(ground.full(path), 'changed'),
    delete: (path: string) => ground.admin.delete(ground.full(path)),
  }

  describe.each(['get', 'exists'] as const)('a watch of %s', (verb) => {
    it('is called with CHANGED, once', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const called = watch()
      await zk[verb](ground.at('/node'), { watch: called })
      await others.set('/node')
      expect(await called.first).toMatchObject({ type: 'CHANGED', path: ground.at('/node') })
      await others.set('/node')
      await others.delete('/node')
      await fence(zk)
      expect(called.events).toHaveLength(1)
    })

    it('is called with DELETED, once', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const called = watch()
      await zk[verb](ground.at('/node'), { watch: called })
      await others.delete('/node')
      expect(await called.first).toMatchObject({ type: 'DELETED', path: ground.at('/node') })
      await others.create('/node')
      await fence(zk)
      expect(called.events).toHaveLength(1)
    })

    it('is not called for children, ACLs, or others', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const called = watch()
      await zk[verb](ground.at('/node'), { watch: called })
      await others.create('/node/child')
      await others.set('/node/child')
      await others.delete('/node/child')
      await ground.admin.setAcls(ground.full('/node'), OPEN_ACL_UNSAFE)
      await others.create('/node-beside')
      await fence(zk)
      expect(called.events).toEqual([])
      await others.set('/node')
      expect(await called.first).toMatchObject({ type: 'CHANGED' })
    })

    it("is called for the client's own changes, before the change resolves", async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      const called = watch()
      await zk[verb](ground.at('/node'), { watch: called })
      await zk.set(ground.at('/node'), 'x')
      expect(called.events).toMatchObject([{ type: 'CHANGED', path: ground.at('/node') }])
    })
  })

  describe('a watch of exists on a missing znode', () => {
    it('is called with CREATED, once', async () => {
      const zk = await ground.connect()
      const called = watch()
      expect(await zk.exists(ground.at('/node'), { watch: called })).toBeNull()
      await others.create('/node')
      expect(await called.first).toMatchObject({ type: 'CREATED', path: ground.at('/node') })
      await others.set('/node')
      await others.delete('/node')
      await fence(zk)
      expect(called.events).toHaveLength(1)
    })

    it('may be far from anything there is', async () => {
      const zk = await ground.connect()
      const called = watch()
      await zk.exists(ground.at('/a/b/c'), { watch: called })
      await ground.admin.ensurePath(ground.full('/a/b/c'))
      expect(await called.first).toMatchObject({ type: 'CREATED', path: ground.at('/a/b/c') })
    })
  })

  describe.each([false, true])('a watch of getChildren (includeStat: %s)', (includeStat) => {
    it('is called with CHILD when one is created or deleted, once', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const [first, second] = [watch(), watch()]
      await zk.getChildren(ground.at('/node'), { watch: first, includeStat })
      await others.create('/node/child')
      expect(await first.first).toMatchObject({ type: 'CHILD', path: ground.at('/node') })
      await zk.getChildren(ground.at('/node'), { watch: second, includeStat })
      await others.delete('/node/child')
      expect(await second.first).toMatchObject({ type: 'CHILD', path: ground.at('/node') })
      await fence(zk)
      expect([first.events.length, second.events.length]).toEqual([1, 1])
    })

    it('is called with DELETED when the znode itself is deleted', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const called = watch()
      await zk.getChildren(ground.at('/node'), { watch: called, includeStat })
      await others.delete('/node')
      expect(await called.first).toMatchObject({ type: 'DELETED', path: ground.at('/node') })
      await others.create('/node')
      await others.create('/node/child')
      await fence(zk)
      expect(called.events).toHaveLength(1)
    })

    it('is not called for data, grandchildren, or what the children hold', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      await others.create('/node/child')
      const called = watch()
      await zk.getChildren(ground.at('/node'), { watch: called, includeStat })
      await others.set('/node')
      await others.set('/node/child')
      await others.create('/node/child/below')
      await others.delete('/node/child/below')
      await fence(zk)
      expect(called.events).toEqual([])
      await others.delete('/node/child')
      await called.first
    })
  })

  describe('watches', () => {
    it('are not left behind by a get or a getChildren that found nothing', async () => {
      const zk = await ground.connect()
      const called = watch()
      for (const verb of ['get', 'getChildren'] as const) {
        expect(await failure(zk[verb](ground.at('/node'), { watch: called }))).toBeInstanceOf(NoNodeError)
      }
      await others.create('/node')
      await others.create('/node/child')
      await fence(zk)
      expect(called.events).toEqual([])
    })

    it('are called each, and once a function however often it watches', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const [once, other] = [watch(), watch()]
      for (const each of [once, once, other]) await zk.get(ground.at('/node'), { watch: each })
      await zk.exists(ground.at('/node'), { watch: once })
      await zk.getChildren(ground.at('/node'), { watch: once })
      await others.delete('/node')
      await other.first
      await fence(zk)
      expect(once.events).toMatchObject([{ type: 'DELETED' }])
      expect(other.events).toMatchObject([{ type: 'DELETED' }])
    })

    it('of data and of children are apart', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const [data, children] = [watch(), watch()]
      await zk.get(ground.at('/node'), { watch: data })
      await zk.getChildren(ground.at('/node'), { watch: children })
      await others.create('/node/child')
      expect(await children.first).toMatchObject({ type: 'CHILD' })
      await fence(zk)
      expect(data.events).toEqual([])
      await others.set('/node')
      expect(await data.first).toMatchObject({ type: 'CHANGED' })
      expect(children.events).toHaveLength(1)
    })

    it('of data and of children hear of a deletion by one event', async () => {
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      await others.create('/node')
      const [data, children] = [watch(), watch()]
      await zk.get(ground.at('/node'), { watch: data })
      await zk.getChildren(ground.at('/node'), { watch: children })
      tap.received.length = 0
      await others.delete('/node')
      expect(await data.first).toEqual(await children.first)
      await fence(zk)
      expect(tap.received.filter((frame) => frame.readInt32BE(0) === xids.notification)).toHaveLength(1)
    })

    it('of several clients do not disturb each other', async () => {
      const clients = await Promise.all([ground.connect(), ground.connect(), ground.connect()])
      await others.create('/node')
      const watches = await Promise.all(
        clients.map(async (zk) => {
          const called = watch()
          await zk.get(ground.at('/node'), { watch: called })
          return called
        }),
      )
      await clients[0].stop()
      await others.set('/node')
      await Promise.all(watches.slice(1).map(({ first }) => first))
      expect(watches.map(({ events }) => events.length)).toEqual([0, 1, 1])
    })

    it('may be set again by the function itself, which misses nothing', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      let last = -1
      const done = new Promise<void>((resolve, reject) => {
        const read = (): void => {
          zk.get(ground.at('/node'), { watch: read }).then(({ stat }) => {
            last = stat.version
            if (last === 20) resolve()
          }, reject)
        }
        read()
      })
      for (let round = 0; round < 20; round++) await others.set('/node')
      await done
      expect(last).toBe(20)
    })

    it('tell of the transaction from 3.9 on', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const called = watch()
      await zk.get(ground.at('/node'), { watch: called })
      const { mzxid } = await others.set('/node')
      const { zxid } = await called.first
      expect(zxid).toBe(ground.isSince('3.9.0') ? mzxid : undefined)
    })

    it('do not move lastZxid, which tells what the client has read', async () => {
      const zk = await ground.connect()
      await others.create('/node')
      const called = watch()
      const { stat } = await zk.get(ground.at('/node'), { watch: called })
      const before = zk.lastZxid
      expect(before).toBeGreaterThanOrEqual(stat.mzxid)
      await others.set('/node')
      await called.first
      expect(zk.lastZxid).toBe(before)
    })

    it('come in the order of the changes', async () => {
      const zk = await ground.connect()
      const names = Array.from({ length: 100 }, (_, index) => `/node-${index}`)
      const order: string[] = []
      const all = new Promise<void>((resolve) => {
        const called = ({ path }: { path: string }): void => {
          if (order.push(path) === names.length) resolve()
        }
        for (const name of names) void zk.exists(ground.at(name), { watch: called })
      })
      await fence(zk)
      await Promise.all(names.map(others.create))
      await all
      expect(order).toEqual(names.map((name) => ground.at(name)))
    })

    it('are not set by a call that was aborted under way', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await others.create('/node')
      const called = watch()
      const controller = new AbortController()
      proxy.toClient.pause()
      const held = proxy.once('held')
      const failed = failure(zk.get(ground.at('/node'), { watch: called, signal: controller.signal }))
      await held
      controller.abort(new Error('changed my mind'))
      await failed
      proxy.toClient.resume()
      await others.set('/node')
      await fence(zk)
      expect(called.events).toEqual([])
    })
  })
})
