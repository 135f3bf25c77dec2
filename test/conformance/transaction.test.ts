import { describe, expect, it } from 'vitest'

import {
  BadVersionError,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  RolledBackError,
  RuntimeInconsistencyError,
  Stat,
  type Transaction,
  TransactionError,
} from '../../src/index.ts'
import { failure, watch } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'

onEachServerAndChroot((ground) => {
  describe('a transaction', () => {
    it('is applied as one, and resolves to a result for each operation', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/set'), 'old')
      await zk.create(ground.at('/delete'))
      await zk.create(ground.at('/check'))
      const [checked, created, set, deleted] = await zk
        .transaction()
        .check(ground.at('/check'), 0)
        .create(ground.at('/create'), 'a value')
        .set(ground.at('/set'), 'new!')
        .delete(ground.at('/delete'))
        .commit()
      expect(checked).toBe(true)
      expect(created).toBe(ground.at('/create'))
      expect(set).toBeInstanceOf(Stat)
      expect(set).toMatchObject({ version: 1, dataLength: 4 })
      expect(deleted).toBe(true)
      expect((await ground.admin.getChildren(ground.full('/'))).toSorted()).toEqual(['check', 'create', 'set'])
      expect((await zk.get(ground.at('/create'))).data.toString()).toBe('a value')
      expect((await zk.exists(ground.at('/create')))?.czxid).toBe(set.mzxid)
    })

    it('sees in each operation what those before it did', async () => {
      const zk = await ground.connect()
      const results = await zk
        .transaction()
        .create(ground.at('/a'))
        .create(ground.at('/a/b'))
        .set(ground.at('/a/b'), 'x', { version: 0 })
        .check(ground.at('/a/b'), 1)
        .delete(ground.at('/a/b'), { version: 1 })
        .delete(ground.at('/a'))
        .create(ground.at('/a'), 'again')
        .commit()
      expect(results).toEqual([ground.at('/a'), ground.at('/a/b'), expect.any(Stat), true, true, true, ground.at('/a')])
      expect((await zk.get(ground.at('/a'))).data.toString()).toBe('again')
    })

    it('creates ephemerals and sequences, with ACLs', async () => {
      const zk = await ground.connect()
      const acl = [
        { perms: 31, id: { scheme: 'world', id: 'anyone' } },
        { perms: 1, id: { scheme: 'ip', id: '127.0.0.1' } },
      ]
      const paths = await zk
        .transaction()
        .create(ground.at('/e'), '', { ephemeral: true })
        .create(ground.at('/n-'), null, { sequence: true, acl })
        .create(ground.place === 'chroot' ? '/' : `${ground.at('/')}/`, '', { sequence: true })
        .commit()
      expect(paths.slice(0, 2)).toEqual([ground.at('/e'), ground.at('/n-0000000001')])
      expect(paths[2]).toBe(ground.at('/0000000002'))
      expect((await zk.exists(ground.at('/e')))?.ephemeralOwner).toBe(zk.session?.id)
      expect((await zk.getAcls(ground.at('/n-0000000001'))).acls).toEqual(acl)
    })

    it('may be empty', async () => {
      const zk = await ground.connect()
      expect(await zk.transaction().commit()).toEqual([])
    })

    it('may be large', async () => {
      const zk = await ground.connect()
      let transaction: Transaction<readonly unknown[]> = zk.transaction()
      for (let index = 0; index < 1000; index++) transaction = transaction.create(ground.at(`/${index}`), String(index))
      expect(await transaction.commit()).toHaveLength(1000)
      expect(await zk.getChildren(ground.at('/'))).toHaveLength(1000)
    })

    it('is committed once', async () => {
      const zk = await ground.connect()
      const transaction = zk.transaction().create(ground.at('/node'))
      await transaction.commit()
      expect(await failure(transaction.commit())).toBeInstanceOf(TypeError)
      expect((await zk.exists(ground.at('/')))?.numChildren).toBe(1)
    })

    it('calls the watches of all that it changed', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/set'))
      await zk.create(ground.at('/delete'))
      const [set, deleted, created, children] = [watch(), watch(), watch(), watch()]
      await zk.get(ground.at('/set'), { watch: set })
      await zk.exists(ground.at('/delete'), { watch: deleted })
      await zk.exists(ground.at('/create'), { watch: created })
      await zk.getChildren(ground.at('/'), { watch: children })
      await ground.admin
        .transaction()
        .set(ground.full('/set'), 'x')
        .delete(ground.full('/delete'))
        .create(ground.full('/create'))
        .commit()
      expect(await set.first).toMatchObject({ type: 'CHANGED', path: ground.at('/set') })
      expect(await deleted.first).toMatchObject({ type: 'DELETED', path: ground.at('/delete') })
      expect(await created.first).toMatchObject({ type: 'CREATED', path: ground.at('/create') })
      expect(await children.first).toMatchObject({ type: 'CHILD', path: ground.at('/') })
    })
  })

  describe('a transaction of which one operation fails', () => {
    it('is rolled back, and says which one and why', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/set'), 'old')
      const called = watch()
      await zk.get(ground.at('/set'), { watch: called })
      const before = await zk.exists(ground.at('/'))
      const error = await failure(
        zk
          .transaction()
          .create(ground.at('/new'))
          .set(ground.at('/set'), 'new')
          .delete(ground.at('/missing'))
          .create(ground.at('/other'))
          .check(ground.at('/set'))
          .commit(),
      )
      expect(error).toBeInstanceOf(TransactionError)
      expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', op: 'transaction', index: 2, maybeApplied: false })
      const { cause, results } = error as TransactionError
      expect(cause).toBeInstanceOf(NoNodeError)
      expect(cause).toMatchObject({ code: 'NO_NODE', errno: -101, op: 'delete', path: ground.at('/missing') })
      expect(results[2]).toBe(cause)
      expect(results.map(({ constructor }) => constructor)).toEqual([
        RolledBackError,
        RolledBackError,
        NoNodeError,
        RuntimeInconsistencyError,
        RuntimeInconsistencyError,
      ])
      expect(results.map(({ op }) => op)).toEqual(['create', 'set', 'delete', 'create', 'check'])
      expect(results.map(({ path }) => path)).toEqual(
        ['/new', '/set', '/missing', '/other', '/set'].map((path) => ground.at(path)),
      )
      expect((await zk.get(ground.at('/set'))).data.toString()).toBe('old')
      expect(await zk.exists(ground.at('/'))).toEqual(before)
      expect(await zk.exists(ground.at('/new'))).toBeNull()
      expect(called.events).toEqual([])
    })

    it.each([
      ['create', NodeExistsError, (t: Transaction) => t.create(ground.at('/node'))],
      ['create', NoNodeError, (t: Transaction) => t.create(ground.at('/missing/node'))],
      ['set', NoNodeError, (t: Transaction) => t.set(ground.at('/missing'), '')],
      ['set', BadVersionError, (t: Transaction) => t.set(ground.at('/node'), '', { version: 9 })],
      ['delete', NoNodeError, (t: Transaction) => t.delete(ground.at('/missing'))],
      ['delete', BadVersionError, (t: Transaction) => t.delete(ground.at('/leaf'), { version: 9 })],
      ['delete', NotEmptyError, (t: Transaction) => t.delete(ground.at('/node'))],
      ['check', NoNodeError, (t: Transaction) => t.check(ground.at('/missing'))],
      ['check', BadVersionError, (t: Transaction) => t.check(ground.at('/node'), 9)],
    ] as const)('%s: %o', async (op, type, build) => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node/child'), '', { makePath: true })
      await zk.create(ground.at('/leaf'))
      const error = await failure(build(zk.transaction()).commit())
      expect(error).toBeInstanceOf(TransactionError)
      expect(error).toMatchObject({ index: 0, results: [expect.any(type)] })
      expect((error as TransactionError).cause).toBeInstanceOf(type)
      expect((error as TransactionError).cause).toMatchObject({ op, errno: type.errno, code: type.code })
      expect((error as TransactionError).retryable).toBe(false)
    })

    it('takes back a counter that it has used', async () => {
      const zk = await ground.connect()
      const sequence = { sequence: true } as const
      await failure(zk.transaction().create(ground.at('/n-'), '', sequence).check(ground.at('/missing')).commit())
      expect(await zk.create(ground.at('/n-'), '', sequence)).toBe(ground.at('/n-0000000000'))
    })

    it('is seen by nobody in between', async () => {
      const zk = await ground.connect()
      const other = await ground.connect()
      await zk.create(ground.at('/node'), 'old')
      const seen = new Set<string>()
      const reads: Promise<unknown>[] = []
      const fails: Promise<unknown>[] = []
      for (let round = 0; round < 50; round++) {
        fails.push(failure(zk.transaction().set(ground.at('/node'), 'new').check(ground.at('/missing')).commit()))
        reads.push(other.get(ground.at('/node')).then(({ data }) => seen.add(data.toString())))
      }
      await Promise.all([...fails, ...reads])
      expect([...seen]).toEqual(['old'])
    })
  })
})
