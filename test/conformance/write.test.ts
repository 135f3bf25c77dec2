import { describe, expect, it } from 'vitest'

import { BadArgumentsError, BadVersionError, KazooClient, NoNodeError, NotEmptyError, Stat } from '../../src/index.ts'
import { failure } from './support/events.ts'
import { onEachServer, onEachServerAndChroot } from './support/ground.ts'
import { WireTap } from './support/wire-tap.ts'

onEachServerAndChroot((ground) => {
  describe('set', () => {
    it('resolves to the new Stat', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), 'old')
      const stat = await zk.set(ground.at('/node'), 'newer')
      expect(stat).toBeInstanceOf(Stat)
      expect(stat).toMatchObject({ version: 1, dataLength: 5 })
      const read = await zk.get(ground.at('/node'))
      expect(read.data.toString()).toBe('newer')
      expect(read.stat).toEqual(stat)
    })

    it('takes null and empty, and tells them apart on the wire', async () => {
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      await zk.create(ground.at('/node'), 'old')
      for (const [data, length] of [
        [null, -1],
        ['', 0],
      ] as const) {
        expect(await zk.set(ground.at('/node'), data)).toMatchObject({ dataLength: 0 })
        expect((await zk.get(ground.at('/node'))).data).toEqual(Buffer.alloc(0))
        expect(tap.received.at(-1)?.readInt32BE(16)).toBe(length)
      }
    })

    it('compares the version', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), '0')
      const { version } = await zk.set(ground.at('/node'), '1', { version: 0 })
      expect(version).toBe(1)
      for (const wrong of [0, 2, 0x7fff_ffff]) {
        const error = await failure(zk.set(ground.at('/node'), '2', { version: wrong }))
        expect(error).toBeInstanceOf(BadVersionError)
        expect(error).toMatchObject({
          code: 'BAD_VERSION',
          errno: -103,
          op: 'set',
          path: ground.at('/node'),
          retryable: false,
          maybeApplied: false,
        })
      }
      await zk.set(ground.at('/node'), '2', { version: -1 })
      expect((await zk.get(ground.at('/node'))).data.toString()).toBe('2')
    })

    it('lets one of many win a version', async () => {
      const clients = await Promise.all([ground.connect(), ground.connect(), ground.connect()])
      await ground.admin.create(ground.full('/node'))
      const outcomes = await Promise.allSettled(
        clients.map((zk, index) => zk.set(ground.at('/node'), String(index), { version: 0 })),
      )
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
    })

    it('rejects with NoNodeError', async () => {
      const zk = await ground.connect()
      for (const version of [-1, 0]) {
        const error = await failure(zk.set(ground.at('/missing'), '', { version }))
        expect(error).toBeInstanceOf(NoNodeError)
        expect(error).toMatchObject({ op: 'set', path: ground.at('/missing') })
      }
    })

    it('takes as much as the server does, and no more', async () => {
      const zk = await ground.connect()
      const path = ground.at('/node')
      await zk.create(path)
      // A header of 8 bytes, two lengths, the path and the version.
      const most = 1_048_575 - 8 - 12 - Buffer.byteLength(zk.chroot + path)
      expect(await zk.set(path, Buffer.alloc(most, 1))).toMatchObject({ dataLength: most })
      // Comparing a mebibyte with toEqual takes seconds.
      expect((await zk.get(path)).data.equals(Buffer.alloc(most, 1))).toBe(true)
      const error = await failure(zk.set(path, Buffer.alloc(most + 1)))
      expect(error).toBeInstanceOf(RangeError)
      expect((error as Error).message).toMatch(/data.*maxBuffer/)
      expect((await zk.exists(path))?.version).toBe(1)
      expect(zk.state).toBe('CONNECTED')
    })
  })

  describe('delete', () => {
    it('deletes', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      expect(await zk.delete(ground.at('/node'))).toBeUndefined()
      expect(await ground.admin.exists(ground.full('/node'))).toBeNull()
    })

    it('compares the version', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      await zk.set(ground.at('/node'), 'x')
      const error = await failure(zk.delete(ground.at('/node'), { version: 0 }))
      expect(error).toBeInstanceOf(BadVersionError)
      expect(error).toMatchObject({ code: 'BAD_VERSION', errno: -103, op: 'delete', path: ground.at('/node') })
      await zk.delete(ground.at('/node'), { version: 1 })
      expect(await zk.exists(ground.at('/node'))).toBeNull()
    })

    it('rejects with NoNodeError', async () => {
      const zk = await ground.connect()
      for (const version of [-1, 0]) {
        const error = await failure(zk.delete(ground.at('/missing'), { version }))
        expect(error).toBeInstanceOf(NoNodeError)
        expect(error).toMatchObject({ op: 'delete', path: ground.at('/missing') })
      }
    })

    it('rejects with NotEmptyError, and with BadVersionError before that', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node/child'), '', { makePath: true })
      const error = await failure(zk.delete(ground.at('/node')))
      expect(error).toBeInstanceOf(NotEmptyError)
      expect(error).toMatchObject({ code: 'NOT_EMPTY', errno: -111, op: 'delete', path: ground.at('/node') })
      expect(await failure(zk.delete(ground.at('/node'), { version: 7 }))).toBeInstanceOf(BadVersionError)
      expect(await zk.getChildren(ground.at('/node'))).toEqual(['child'])
    })
  })

  describe('delete with recursive', () => {
    it('deletes all that is below, and nothing beside it', async () => {
      const zk = await ground.connect()
      const paths = ['/tree/a/1', '/tree/a/2', '/tree/b/1/x', '/tree/c', '/tree-beside']
      await Promise.all(paths.map((path) => zk.create(ground.at(path), '', { makePath: true })))
      await zk.create(ground.at('/tree/ephemeral'), '', { ephemeral: true })
      expect(await zk.delete(ground.at('/tree'), { recursive: true })).toBeUndefined()
      expect(await zk.getChildren(ground.at('/'))).toEqual(['tree-beside'])
    })

    it('deletes a wide tree', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/tree'))
      await Promise.all(Array.from({ length: 1500 }, (_, index) => zk.create(ground.at(`/tree/${index}`))))
      await zk.delete(ground.at('/tree'), { recursive: true })
      expect(await zk.exists(ground.at('/tree'))).toBeNull()
    })

    it('is no worse for others deleting and creating meanwhile', async () => {
      const [zk, other] = await Promise.all([ground.connect(), ground.connect()])
      const paths = Array.from({ length: 200 }, (_, index) => ground.at(`/tree/${index}/x`))
      await Promise.all(paths.map((path) => zk.create(path, '', { makePath: true })))
      const [, late] = await Promise.all([
        Promise.all([zk, other].map((each) => each.delete(ground.at('/tree'), { recursive: true }))),
        other.create(ground.at('/tree/150/late')).catch((error: unknown) => error),
      ])
      if (late instanceof Error) expect(late).toBeInstanceOf(NoNodeError)
      expect(await zk.exists(ground.at('/tree'))).toBeNull()
    })

    it('rejects with NoNodeError', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.delete(ground.at('/missing'), { recursive: true }))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'delete', path: ground.at('/missing') })
    })
  })
})

onEachServer((ground) => {
  it.each(['/zookeeper', '/zookeeper/quota'])('the server keeps its own znode %s', async (path) => {
    const error = await failure(ground.admin.delete(path))
    expect(error).toBeInstanceOf(BadArgumentsError)
    expect(error).toMatchObject({ code: 'BAD_ARGUMENTS', errno: -8, op: 'delete', path })
    expect(await ground.admin.exists(path)).not.toBeNull()
  })

  it('a smaller maxBuffer holds for requests that wait as well', async () => {
    const zk = new KazooClient({ hosts: ground.hosts, maxBuffer: 1000 })
    const started = zk.start()
    const error = await failure(zk.set(ground.at('/'), Buffer.alloc(1000)))
    expect(error).toBeInstanceOf(RangeError)
    await started
    expect(await failure(zk.set(ground.at('/'), Buffer.alloc(1000)))).toBeInstanceOf(RangeError)
    expect((await zk.exists(ground.at('/')))?.version).toBe(0)
    await zk.stop()
  })
})
