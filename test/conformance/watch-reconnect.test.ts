import { describe, expect, it } from 'vitest'

import type { EventType, KazooClient } from '../../src/index.ts'
import { operations as wire } from '../../src/protocol/operations.ts'
import { fence, States, suspend, watch, type Watch } from './support/events.ts'
import { type Ground, onEachServerAndChroot } from './support/ground.ts'
import { WireTap } from './support/wire-tap.ts'

type Arm = (zk: KazooClient, path: string, called: Watch) => Promise<unknown>

const get: Arm = (zk, path, called) => zk.get(path, { watch: called })
const exists: Arm = (zk, path, called) => zk.exists(path, { watch: called })
const getChildren: Arm = (zk, path, called) => zk.getChildren(path, { watch: called })

interface Case {
  readonly name: string
  readonly type: EventType
  readonly arm: Arm
  /** Whether `/node` is there at first. */
  readonly there: boolean
  readonly change: (ground: Ground) => Promise<unknown>
}

const node = (ground: Ground): string => ground.full('/node')

const cases: readonly Case[] = [
  { name: 'get, CHANGED', type: 'CHANGED', arm: get, there: true, change: (g) => g.admin.set(node(g), 'x') },
  { name: 'get, DELETED', type: 'DELETED', arm: get, there: true, change: (g) => g.admin.delete(node(g)) },
  { name: 'exists, CHANGED', type: 'CHANGED', arm: exists, there: true, change: (g) => g.admin.set(node(g), 'x') },
  { name: 'exists, DELETED', type: 'DELETED', arm: exists, there: true, change: (g) => g.admin.delete(node(g)) },
  { name: 'exists, CREATED', type: 'CREATED', arm: exists, there: false, change: (g) => g.admin.create(node(g)) },
  {
    name: 'getChildren, CHILD',
    type: 'CHILD',
    arm: getChildren,
    there: true,
    change: (g) => g.admin.create(`${node(g)}/child`),
  },
  {
    name: 'getChildren, DELETED',
    type: 'DELETED',
    arm: getChildren,
    there: true,
    change: (g) => g.admin.delete(node(g)),
  },
]

onEachServerAndChroot((ground) => {
  describe.each(cases)('a watch of $name', ({ type, arm, there, change }) => {
    it('is called after the reconnect for what changed while the client was away, once', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      if (there) await ground.admin.create(node(ground))
      const called = watch()
      await arm(zk, ground.at('/node'), called)
      await suspend(zk, proxy)
      await change(ground)
      expect(called.events).toEqual([])
      await proxy.setMode('forward')
      await fence(zk)
      expect(called.events).toMatchObject([{ type, path: ground.at('/node') }])
      if (type === 'DELETED') await ground.admin.create(node(ground))
      else await ground.admin.set(node(ground), 'again')
      await fence(zk)
      expect(called.events).toHaveLength(1)
    })

    it('stays armed over reconnects where nothing changed, and is called once', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      if (there) await ground.admin.create(node(ground))
      const called = watch()
      await arm(zk, ground.at('/node'), called)
      for (let round = 0; round < 2; round++) {
        const connected = new States(zk).next('CONNECTED')
        proxy.cut()
        await connected
        await fence(zk)
      }
      expect(called.events).toEqual([])
      await change(ground)
      expect(await called.first).toMatchObject({ type, path: ground.at('/node') })
      await fence(zk)
      expect(called.events).toHaveLength(1)
    })
  })

  describe('watches over a reconnect', () => {
    it('are armed before any request that waited: its changes call them', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const called = watch()
      await zk.get(ground.at('/node'), { watch: called })
      await suspend(zk, proxy)
      const changed = zk.set(ground.at('/node'), 'x')
      await proxy.setMode('forward')
      await changed
      expect(called.events).toMatchObject([{ type: 'CHANGED' }])
    })

    it('tell of a change that the client knows of no more than it has to', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      await ground.admin.set(ground.full('/node'), 'seen')
      const called = watch()
      await zk.get(ground.at('/node'), { watch: called })
      const connected = new States(zk).next('CONNECTED')
      proxy.cut()
      await connected
      await fence(zk)
      expect(called.events).toEqual([])
    })

    it('are not there any more when they were called before it', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const called = watch()
      await zk.get(ground.at('/node'), { watch: called })
      await zk.set(ground.at('/node'), 'x')
      const connected = new States(zk).next('CONNECTED')
      proxy.cut()
      await connected
      await zk.set(ground.at('/node'), 'y')
      await fence(zk)
      expect(called.events).toHaveLength(1)
    })

    it('are not left behind by a call whose reply was lost', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const called = watch()
      proxy.toClient.cutAfter(0)
      await expect(zk.get(ground.at('/node'), { watch: called })).rejects.toThrow()
      await zk.set(ground.at('/node'), 'x')
      await fence(zk)
      expect(called.events).toEqual([])
    })

    it('are called though the event was lost with the connection', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const called = watch()
      await zk.get(ground.at('/node'), { watch: called })
      proxy.toClient.cutAfter(7)
      await ground.admin.set(ground.full('/node'), 'x')
      expect(await called.first).toMatchObject({ type: 'CHANGED', path: ground.at('/node') })
    })

    it('hear of a session no more than of the weather', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const called = watch()
      await zk.getChildren(ground.at('/'), { watch: called })
      const states = new States(zk)
      const connected = states.next('CONNECTED')
      proxy.cut()
      await connected
      await zk.stop()
      expect(called.events).toEqual([])
    })
  })

  describe('watches by the hundred kibibytes', () => {
    it('are armed again in several portions, all of them', async () => {
      const tap = new WireTap()
      const { zk, proxy } = await ground.connectThroughProxy({ runtime: tap.runtime })
      const name = 'n'.repeat(900)
      const paths = Array.from({ length: 330 }, (_, index) => `/${name}-${index}`)
      const third = paths.length / 3
      const arms = [get, getChildren, exists]
      await Promise.all(paths.slice(0, 2 * third).map((path) => ground.admin.create(ground.full(path))))
      const watches = paths.map(() => watch())
      await Promise.all(
        paths.map((path, index) => arms[Math.floor(index / third)]!(zk, ground.at(path), watches[index]!)),
      )

      tap.sent.length = 0
      const connected = new States(zk).next('CONNECTED')
      proxy.cut()
      await connected
      await fence(zk)
      const portions = tap.sent.filter(({ opcode }) => opcode === wire.setWatches.opcode)
      expect(portions.length).toBeGreaterThanOrEqual(3)
      for (const { size } of portions) expect(size).toBeLessThanOrEqual(128 * 1024 + 100)
      expect(tap.sent.slice(0, portions.length)).toEqual(portions)

      await Promise.all(
        paths.map((path, index) => {
          if (index < third) return ground.admin.set(ground.full(path), 'x')
          return index < 2 * third ? ground.admin.delete(ground.full(path)) : ground.admin.create(ground.full(path))
        }),
      )
      await fence(zk)
      const types: EventType[] = ['CHANGED', 'DELETED', 'CREATED']
      for (const [index, { events }] of watches.entries()) {
        expect(events).toMatchObject([{ type: types[Math.floor(index / third)], path: ground.at(paths[index]!) }])
      }
    })
  })
})
