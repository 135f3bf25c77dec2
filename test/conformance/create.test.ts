import { describe, expect, it } from 'vitest'

import {
  InvalidAclError,
  makeAcl,
  NoChildrenForEphemeralsError,
  NodeExistsError,
  NoNodeError,
  OPEN_ACL_UNSAFE,
  Permissions,
  READ_ACL_UNSAFE,
} from '../../src/index.ts'
import { failure } from './support/events.ts'
import { onEachServerAndChroot, owner } from './support/ground.ts'
import { WireTap } from './support/wire-tap.ts'

onEachServerAndChroot((ground) => {
  describe('create', () => {
    it('resolves to the path, and the znode is where the server should have it', async () => {
      const zk = await ground.connect()
      expect(await zk.create(ground.at('/node'), 'a value')).toBe(ground.at('/node'))
      const { data, stat } = await ground.admin.get(ground.full('/node'))
      expect(data.toString()).toBe('a value')
      expect(stat.ephemeralOwner).toBe(0n)
    })

    it('takes bytes of any value, and keeps what they were when it was called', async () => {
      const zk = await ground.connect()
      const bytes = Uint8Array.from({ length: 256 }, (_, value) => value)
      const created = zk.create(ground.at('/node'), bytes)
      const before = Buffer.from(bytes)
      bytes.fill(0)
      await created
      expect((await zk.get(ground.at('/node'))).data).toEqual(before)
    })

    it('tells null from empty on the wire; both are read as empty', async () => {
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      await zk.create(ground.at('/null'), null)
      await zk.create(ground.at('/empty'), '')
      await zk.create(ground.at('/default'))
      const lengths: number[] = []
      for (const name of ['/null', '/empty', '/default']) {
        const { data, stat } = await zk.get(ground.at(name))
        expect(data).toEqual(Buffer.alloc(0))
        expect(stat.dataLength).toBe(0)
        lengths.push(tap.received.at(-1)!.readInt32BE(16))
      }
      expect(lengths).toEqual([-1, 0, 0])
    })

    it('takes names beyond ASCII', async () => {
      const zk = await ground.connect()
      const path = ground.at('/größe 日本 €')
      expect(await zk.create(path, 'ü')).toBe(path)
      expect(await zk.getChildren(ground.at('/'))).toEqual(['größe 日本 €'])
      expect((await zk.get(path)).data.toString()).toBe('ü')
    })

    it('resolves to path and Stat with includeStat', async () => {
      const zk = await ground.connect()
      const { path, stat } = await zk.create(ground.at('/node'), 'four', { includeStat: true })
      expect(path).toBe(ground.at('/node'))
      expect(stat).toEqual(await zk.exists(path))
      expect(stat.dataLength).toBe(4)
    })

    it('keeps send order: a create is seen by what was called after it', async () => {
      const zk = await ground.connect()
      const [path, stat, data] = await Promise.all([
        zk.create(ground.at('/node'), 'x'),
        zk.exists(ground.at('/node')),
        zk.get(ground.at('/node')),
      ])
      expect(path).toBe(ground.at('/node'))
      expect(stat).toEqual(data.stat)
    })
  })

  describe('an ephemeral', () => {
    it('belongs to the session, and goes with it', async () => {
      const zk = await ground.connect()
      expect(await zk.create(ground.at('/node'), '', { ephemeral: true })).toBe(ground.at('/node'))
      expect((await ground.admin.exists(ground.full('/node')))?.ephemeralOwner).toBe(zk.session?.id)
      await zk.stop()
      expect(await ground.admin.exists(ground.full('/node'))).toBeNull()
    })

    it('cannot have children', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), '', { ephemeral: true })
      const error = await failure(zk.create(ground.at('/node/child')))
      expect(error).toBeInstanceOf(NoChildrenForEphemeralsError)
      expect(error).toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS', errno: -108, path: ground.at('/node/child') })
    })
  })

  describe('a sequence', () => {
    it('appends a counter of ten digits, that deleting does not take back', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/queue'))
      const options = { sequence: true } as const
      expect(await zk.create(ground.at('/queue/item-'), '', options)).toBe(ground.at('/queue/item-0000000000'))
      expect(await zk.create(ground.at('/queue/item-'), '', options)).toBe(ground.at('/queue/item-0000000001'))
      await zk.delete(ground.at('/queue/item-0000000001'))
      expect(await zk.create(ground.at('/queue/item-'), '', options)).toBe(ground.at('/queue/item-0000000002'))
      // The counter is the parent's, whatever the name, and counts every child that was created.
      await zk.create(ground.at('/queue/plain'))
      expect(await zk.create(ground.at('/queue/other'), '', options)).toBe(ground.at('/queue/other0000000004'))
    })

    it('may be the whole name', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/queue'))
      const path = await zk.create(ground.at('/queue/'), '', { sequence: true })
      expect(path).toBe(ground.at('/queue/0000000000'))
      expect(await zk.getChildren(ground.at('/queue'))).toEqual(['0000000000'])
      const next = await zk.create(ground.at('/queue/'), '', { sequence: true, includeStat: true, makePath: true })
      expect(next.path).toBe(ground.at('/queue/0000000001'))
    })

    it("may be ephemeral, and is then the session's", async () => {
      const zk = await ground.connect()
      const path = await zk.create(ground.at('/member-'), 'x', { sequence: true, ephemeral: true })
      expect(path).toBe(ground.at('/member-0000000000'))
      expect((await zk.get(path)).stat.ephemeralOwner).toBe(zk.session?.id)
      await zk.stop()
      expect(await ground.admin.getChildren(ground.full('/'))).toEqual([])
    })

    it('numbers those that are created at the same time', async () => {
      const zk = await ground.connect()
      const other = await ground.connect()
      const paths = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? zk : other).create(ground.at('/n-'), '', { sequence: true }),
        ),
      )
      const expected = Array.from({ length: 40 }, (_, index) => ground.at(`/n-${String(index).padStart(10, '0')}`))
      expect(paths.toSorted()).toEqual(expected)
    })
  })

  describe('makePath', () => {
    it('creates the missing parents, empty, with the same ACL', async () => {
      const zk = await ground.connect({ authData: [owner] })
      const acl = [makeAcl('auth', '', { all: true }), ...READ_ACL_UNSAFE]
      expect(await zk.create(ground.at('/a/b/c'), 'x', { makePath: true, acl })).toBe(ground.at('/a/b/c'))
      expect((await zk.get(ground.at('/a/b'))).data).toHaveLength(0)
      const { acls } = await zk.getAcls(ground.at('/a/b/c'))
      expect(acls).toHaveLength(2)
      for (const parent of ['/a', '/a/b']) expect((await zk.getAcls(ground.at(parent))).acls).toEqual(acls)
    })

    it('leaves parents that exist as they are; the znode itself must be new', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/a'), 'kept')
      await zk.create(ground.at('/a/b/c'), '', { makePath: true })
      expect((await zk.get(ground.at('/a'))).data.toString()).toBe('kept')
      const error = await failure(zk.create(ground.at('/a/b/c'), '', { makePath: true }))
      expect(error).toBeInstanceOf(NodeExistsError)
    })

    it('makes the parents persistent where the znode is an ephemeral in sequence', async () => {
      const zk = await ground.connect()
      const options = { makePath: true, ephemeral: true, sequence: true } as const
      expect(await zk.create(ground.at('/a/b/n-'), '', options)).toBe(ground.at('/a/b/n-0000000000'))
      expect((await zk.exists(ground.at('/a/b')))?.ephemeralOwner).toBe(0n)
    })

    it('is done once when many do it at the same time', async () => {
      const clients = await Promise.all([ground.connect(), ground.connect(), ground.connect()])
      await Promise.all(clients.map((zk, index) => zk.create(ground.at(`/a/b/c/${index}`), '', { makePath: true })))
      expect((await ground.admin.getChildren(ground.full('/a/b/c'))).toSorted()).toEqual(['0', '1', '2'])
    })
  })

  describe('errors of create', () => {
    it('NodeExistsError, with or without includeStat, data as it was', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), 'first')
      for (const includeStat of [false, true]) {
        const error = await failure(zk.create(ground.at('/node'), 'second', { includeStat }))
        expect(error).toBeInstanceOf(NodeExistsError)
        expect(error).toMatchObject({
          code: 'NODE_EXISTS',
          errno: -110,
          op: 'create',
          path: ground.at('/node'),
          retryable: false,
          maybeApplied: false,
        })
      }
      expect((await zk.get(ground.at('/node'))).data.toString()).toBe('first')
    })

    it('NoNodeError where the parent is missing', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.create(ground.at('/missing/node')))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ code: 'NO_NODE', errno: -101, op: 'create', path: ground.at('/missing/node') })
    })

    it.each([
      ['a scheme that nobody knows', makeAcl('nobody-knows', 'id', { all: true })],
      ['a digest without its hash', makeAcl('digest', 'only-a-name', { all: true })],
      ['a world of somebody', makeAcl('world', 'somebody', { all: true })],
      ['identities of a session that has none', makeAcl('auth', '', { all: true })],
    ])('InvalidAclError for %s', async (_, entry) => {
      const zk = await ground.connect()
      const error = await failure(zk.create(ground.at('/node'), '', { acl: [entry] }))
      expect(error).toBeInstanceOf(InvalidAclError)
      expect(error).toMatchObject({ code: 'INVALID_ACL', errno: -114, op: 'create', path: ground.at('/node') })
      expect(await zk.exists(ground.at('/node'))).toBeNull()
    })
  })

  describe('ensurePath', () => {
    it('creates what is missing, and resolves to the path', async () => {
      const zk = await ground.connect()
      expect(await zk.ensurePath(ground.at('/my/favorite/node'))).toBe(ground.at('/my/favorite/node'))
      expect((await ground.admin.get(ground.full('/my/favorite/node'))).data).toHaveLength(0)
      expect(await zk.ensurePath(ground.at('/my/favorite/node'))).toBe(ground.at('/my/favorite/node'))
      expect((await zk.exists(ground.at('/my')))?.cversion).toBe(1)
    })

    it('leaves what exists as it is', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/my'), 'data')
      const before = await zk.get(ground.at('/my'))
      await zk.ensurePath(ground.at('/my'))
      expect(await zk.get(ground.at('/my'))).toEqual(before)
      await zk.ensurePath('/')
    })

    it("gives what it creates the ACL, by default the client's", async () => {
      const acl = [...READ_ACL_UNSAFE, makeAcl('digest', 'owner:x', { all: true })]
      const zk = await ground.connect({ defaultAcl: [...OPEN_ACL_UNSAFE, ...READ_ACL_UNSAFE] })
      await zk.ensurePath(ground.at('/default/below'))
      expect((await zk.getAcls(ground.at('/default'))).acls.map(({ perms }) => perms)).toEqual([
        Permissions.ALL,
        Permissions.READ,
      ])
      await zk.ensurePath(ground.at('/given'), { acl })
      expect((await zk.getAcls(ground.at('/given'))).acls.map(({ perms }) => perms)).toEqual([
        Permissions.READ,
        Permissions.ALL,
      ])
      await ground.admin.delete(ground.full('/given'))
    })

    it('is done once when many do it at the same time', async () => {
      const clients = await Promise.all([ground.connect(), ground.connect(), ground.connect()])
      await Promise.all(clients.map((zk) => zk.ensurePath(ground.at('/a/b/c'))))
      expect(await ground.admin.getChildren(ground.full('/a/b'))).toEqual(['c'])
    })

    it('fails below an ephemeral', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'), '', { ephemeral: true })
      expect(await failure(zk.ensurePath(ground.at('/node/a/b')))).toBeInstanceOf(NoChildrenForEphemeralsError)
    })
  })
})
