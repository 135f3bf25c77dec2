import { describe, expect, it } from 'vitest'

import { type KazooClient, OPEN_ACL_UNSAFE, type Stat, type StatFields } from '../../src/index.ts'
import { onEachServer } from './support/ground.ts'

const fields = (stat: StatFields): StatFields => ({ ...stat })

async function statOf(zk: KazooClient, path: string): Promise<Stat> {
  const found = await zk.exists(path)
  if (found === null) throw new Error(`there is no ${path}`)
  return found
}

onEachServer((ground) => {
  describe('the Stat', () => {
    it('of a new znode', async () => {
      const zk = await ground.connect()
      const before = Date.now()
      const { stat: created } = await zk.create(ground.at('/node'), 'four', { includeStat: true })
      const after = Date.now()
      expect(created.toJSON()).toMatchObject({ version: 0, cversion: 0, aversion: 0, dataLength: 4, numChildren: 0 })
      expect(created.ephemeralOwner).toBe(0n)
      expect(created.czxid).toBeGreaterThan(0n)
      expect([created.mzxid, created.pzxid]).toEqual([created.czxid, created.czxid])
      expect(created.mtime).toBe(created.ctime)
      // By the server's clock, which is this machine's.
      expect(created.ctime).toBeGreaterThanOrEqual(before - 1_000)
      expect(created.ctime).toBeLessThanOrEqual(after + 1_000)
      expect(zk.lastZxid).toBe(created.czxid)
      expect(created).toEqual(await statOf(ground.admin, ground.at('/node')))
    })

    it('of an ephemeral names its session, a negative id included', async () => {
      const zk = await ground.connect()
      const { stat: created } = await zk.create(ground.at('/node'), '', { ephemeral: true, includeStat: true })
      expect(created.ephemeralOwner).toBe(zk.session?.id)
    })

    it('after a set', async () => {
      const zk = await ground.connect()
      const { stat: created } = await zk.create(ground.at('/node'), 'four', { includeStat: true })
      const changed = await zk.set(ground.at('/node'), 'seven')
      expect(changed).toMatchObject({
        ...fields(created),
        version: 1,
        dataLength: 5,
        mzxid: zk.lastZxid,
        mtime: changed.mtime,
      })
      expect(changed.mzxid).toBeGreaterThan(created.mzxid)
      expect(changed.mtime).toBeGreaterThanOrEqual(created.mtime)
    })

    it('after a setAcls', async () => {
      const zk = await ground.connect()
      const { stat: created } = await zk.create(ground.at('/node'), '', { includeStat: true })
      expect(await zk.setAcls(ground.at('/node'), OPEN_ACL_UNSAFE)).toMatchObject({ ...fields(created), aversion: 1 })
      // It is a transaction, which no field of the Stat tells of.
      expect(zk.lastZxid).toBeGreaterThan(created.pzxid)
    })

    it('after children come and go', async () => {
      const zk = await ground.connect()
      const { stat: created } = await zk.create(ground.at('/node'), '', { includeStat: true })
      const child = await zk.create(ground.at('/node/child'), '', { includeStat: true })
      expect(await statOf(ground.admin, ground.at('/node'))).toMatchObject({
        ...fields(created),
        cversion: 1,
        numChildren: 1,
        pzxid: child.stat.czxid,
      })
      await zk.set(ground.at('/node/child'), 'no matter to the parent')
      expect((await statOf(ground.admin, ground.at('/node'))).pzxid).toBe(child.stat.czxid)
      await zk.delete(ground.at('/node/child'))
      expect(await statOf(ground.admin, ground.at('/node'))).toMatchObject({
        ...fields(created),
        cversion: 2,
        numChildren: 0,
        pzxid: zk.lastZxid,
      })
    })

    it('after the children of a transaction: they share its zxid', async () => {
      const zk = await ground.connect()
      const { stat: created } = await zk.create(ground.at('/node'), '', { includeStat: true })
      await zk
        .transaction()
        .create(ground.at('/node/a'))
        .create(ground.at('/node/b'))
        .set(ground.at('/node'), 'x')
        .commit()
      const [node, a, b] = await Promise.all(
        ['/node', '/node/a', '/node/b'].map((path) => statOf(ground.admin, ground.at(path))),
      )
      expect([a?.czxid, b?.czxid, node?.mzxid, node?.pzxid]).toEqual(Array(4).fill(zk.lastZxid))
      expect(node).toMatchObject({ czxid: created.czxid, version: 1, cversion: 2, numChildren: 2 })
    })

    it('of one that was deleted and made again starts anew', async () => {
      const zk = await ground.connect()
      const first = await zk.create(ground.at('/node'), 'x', { includeStat: true })
      await zk.set(ground.at('/node'), 'y')
      await zk.delete(ground.at('/node'))
      const second = await zk.create(ground.at('/node'), 'z', { includeStat: true })
      expect(second.stat).toMatchObject({ version: 0, cversion: 0 })
      expect(second.stat.czxid).toBeGreaterThan(first.stat.czxid)
    })

    it('gives each change a greater zxid', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      const stats = await Promise.all(
        Array.from({ length: 50 }, (_, index) => zk.set(ground.at('/node'), String(index))),
      )
      expect(stats.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
      for (const [index, { mzxid }] of stats.entries()) {
        if (index > 0) expect(mzxid).toBeGreaterThan(stats[index - 1]!.mzxid)
      }
      expect(zk.lastZxid).toBe(stats.at(-1)?.mzxid)
    })
  })
})
