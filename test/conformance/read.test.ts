import { describe, expect, it } from 'vitest'

import { NoNodeError, Stat } from '../../src/index.ts'
import { failure } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'

onEachServerAndChroot((ground) => {
  describe('exists', () => {
    it('resolves to the Stat, or to null', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), 'four')
      const stat = await zk.exists(ground.at('/node'))
      expect(stat).toBeInstanceOf(Stat)
      expect(stat).toMatchObject({ version: 0, dataLength: 4, numChildren: 0 })
      expect(await zk.exists(ground.at('/missing'))).toBeNull()
      expect(await zk.exists(ground.at('/missing/child'))).toBeNull()
      expect(await zk.exists('/')).not.toBeNull()
    })
  })

  describe('get', () => {
    it('resolves to data and Stat', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), 'a value')
      const { data, stat } = await zk.get(ground.at('/node'))
      expect(Buffer.isBuffer(data)).toBe(true)
      expect(data.toString()).toBe('a value')
      expect(stat).toEqual(await zk.exists(ground.at('/node')))
    })

    it('gives each caller data of its own', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), 'a value')
      const [first, second] = await Promise.all([zk.get(ground.at('/node')), zk.get(ground.at('/node'))])
      first.data.fill(0)
      expect(second.data.toString()).toBe('a value')
    })

    it('rejects with NoNodeError', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.get(ground.at('/missing')))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({
        code: 'NO_NODE',
        errno: -101,
        op: 'get',
        path: ground.at('/missing'),
        retryable: false,
        maybeApplied: false,
        message: `no such znode: get ${ground.at('/missing')}`,
      })
    })

    it('answers a thousand at a time, in order', async () => {
      const zk = await ground.connect()
      await Promise.all(Array.from({ length: 100 }, (_, index) => zk.create(ground.at(`/${index}`), String(index))))
      const order: string[] = []
      await Promise.all(
        Array.from({ length: 1000 }, (_, index) =>
          zk.get(ground.at(`/${index % 100}`)).then(({ data }) => order.push(data.toString())),
        ),
      )
      expect(order).toEqual(Array.from({ length: 1000 }, (_, index) => String(index % 100)))
    })
  })

  describe('getChildren', () => {
    it('resolves to the names', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/parent'))
      expect(await zk.getChildren(ground.at('/parent'))).toEqual([])
      await zk.create(ground.at('/parent/b'))
      await zk.create(ground.at('/parent/a'))
      await zk.create(ground.at('/parent/a/below'))
      expect((await zk.getChildren(ground.at('/parent'))).toSorted()).toEqual(['a', 'b'])
      expect(await zk.getChildren('/')).toContain(ground.place === 'chroot' ? 'parent' : 'zookeeper')
    })

    it('resolves to names and the Stat with includeStat', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/parent'), 'four')
      await zk.create(ground.at('/parent/child'))
      const { children, stat } = await zk.getChildren(ground.at('/parent'), { includeStat: true })
      expect(children).toEqual(['child'])
      expect(stat).toEqual(await zk.exists(ground.at('/parent')))
      expect(stat).toMatchObject({ numChildren: 1, dataLength: 4 })
    })

    it('lists many', async () => {
      const zk = await ground.connect()
      const names = Array.from({ length: 2000 }, (_, index) => `a-name-of-some-length-${index}`)
      await Promise.all(names.map((name) => zk.create(ground.at(`/${name}`))))
      expect((await zk.getChildren(ground.at('/'))).toSorted()).toEqual(names.toSorted())
    })

    it.each([false, true])('rejects with NoNodeError (includeStat: %s)', async (includeStat) => {
      const zk = await ground.connect()
      const error = await failure(zk.getChildren(ground.at('/missing'), { includeStat }))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'getChildren', path: ground.at('/missing') })
    })
  })

  describe('sync', () => {
    it('resolves to the path, whether or not there is such a znode', async () => {
      const zk = await ground.connect()
      expect(await zk.sync(ground.at('/'))).toBe(ground.at('/'))
      expect(await zk.sync(ground.at('/missing'))).toBe(ground.at('/missing'))
    })

    it('lets reads after it see what others wrote before it', async () => {
      const zk = await ground.connect()
      for (let round = 0; round < 10; round++) {
        await ground.admin.create(ground.full(`/${round}`))
        const [, stat] = await Promise.all([zk.sync(ground.at('/')), zk.exists(ground.at(`/${round}`))])
        expect(stat).not.toBeNull()
      }
    })
  })
})
