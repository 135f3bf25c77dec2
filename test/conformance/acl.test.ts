import { describe, expect, it } from 'vitest'

import {
  type Acl,
  ANYONE_ID_UNSAFE,
  AuthFailedError,
  BadVersionError,
  CREATOR_ALL_ACL,
  InvalidAclError,
  makeAcl,
  makeDigestAcl,
  makeDigestAclCredential,
  NoAuthError,
  NoNodeError,
  OPEN_ACL_UNSAFE,
  Permissions,
  READ_ACL_UNSAFE,
  Stat,
} from '../../src/index.ts'
import { failure, fence, States, watch } from './support/events.ts'
import { type Ground, onEachServerAndChroot, owner } from './support/ground.ts'

/** The owner may do everything; all others what is given. */
const besides = (perms: number): Acl[] => [
  makeDigestAcl('owner', 'secret', { all: true }),
  ...(perms === 0 ? [] : [{ perms, id: ANYONE_ID_UNSAFE }]),
]

const expectNoAuth = (error: unknown, op: string, path: string): void => {
  expect(error).toBeInstanceOf(NoAuthError)
  expect(error).toMatchObject({ code: 'NO_AUTH', errno: -102, op, path, retryable: false, maybeApplied: false })
}

onEachServerAndChroot((ground) => {
  describe('getAcls', () => {
    it('resolves to the entries and the Stat', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      const { acls, stat } = await zk.getAcls(ground.at('/node'))
      expect(acls).toEqual(OPEN_ACL_UNSAFE)
      expect(stat).toEqual(await zk.exists(ground.at('/node')))
    })

    it('rejects with NoNodeError', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.getAcls(ground.at('/missing')))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'getAcls', path: ground.at('/missing') })
    })

    it('shows the hashes of passwords only to those who may change them', async () => {
      const credential = makeDigestAclCredential('owner', 'secret')
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.READ) })
      const zk = await ground.connect()
      expect((await zk.getAcls(ground.at('/node'))).acls[0]?.id).toEqual({ scheme: 'digest', id: 'owner:x' })
      await zk.addAuth(owner.scheme, owner.credential)
      expect((await zk.getAcls(ground.at('/node'))).acls[0]?.id).toEqual({ scheme: 'digest', id: credential })
    })
  })

  describe('setAcls', () => {
    it('resolves to the Stat, and counts', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      const acls = [...READ_ACL_UNSAFE, makeDigestAcl('owner', 'secret', { all: true })]
      const stat = await zk.setAcls(ground.at('/node'), acls)
      expect(stat).toBeInstanceOf(Stat)
      expect(stat).toMatchObject({ aversion: 1, version: 0 })
      await zk.addAuth(owner.scheme, owner.credential)
      expect((await zk.getAcls(ground.at('/node'))).acls).toEqual(acls)
    })

    it('compares the version of the ACL', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      await zk.set(ground.at('/node'), 'its version is 1')
      expect(await zk.setAcls(ground.at('/node'), OPEN_ACL_UNSAFE, { version: 0 })).toMatchObject({ aversion: 1 })
      const error = await failure(zk.setAcls(ground.at('/node'), READ_ACL_UNSAFE, { version: 0 }))
      expect(error).toBeInstanceOf(BadVersionError)
      expect(error).toMatchObject({ code: 'BAD_VERSION', errno: -103, op: 'setAcls', path: ground.at('/node') })
      await zk.setAcls(ground.at('/node'), OPEN_ACL_UNSAFE, { version: -1 })
      expect((await zk.getAcls(ground.at('/node'))).acls).toEqual(OPEN_ACL_UNSAFE)
    })

    it('rejects with NoNodeError', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.setAcls(ground.at('/missing'), OPEN_ACL_UNSAFE))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'setAcls', path: ground.at('/missing') })
    })

    it('rejects with InvalidAclError', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/node'))
      for (const entry of [makeAcl('nobody-knows', 'x', { all: true }), ...CREATOR_ALL_ACL]) {
        const error = await failure(zk.setAcls(ground.at('/node'), [entry]))
        expect(error).toBeInstanceOf(InvalidAclError)
        expect(error).toMatchObject({ code: 'INVALID_ACL', errno: -114, op: 'setAcls', path: ground.at('/node') })
      }
      expect((await zk.getAcls(ground.at('/node'))).acls).toEqual(OPEN_ACL_UNSAFE)
    })
  })

  describe('an ACL is enforced', () => {
    it('reading takes READ', async () => {
      await ground.admin.create(ground.full('/node'), 'secret', { acl: besides(Permissions.ALL & ~Permissions.READ) })
      const zk = await ground.connect()
      const path = ground.at('/node')
      expectNoAuth(await failure(zk.get(path)), 'get', path)
      expectNoAuth(await failure(zk.getChildren(path)), 'getChildren', path)
      expectNoAuth(await failure(zk.getChildren(path, { includeStat: true })), 'getChildren', path)
      const checked = await failure(zk.transaction().check(path, 0).commit())
      expect(checked).toMatchObject({ index: 0, cause: { code: 'NO_AUTH', op: 'check', path } })
      await zk.set(path, 'written all the same')
    })

    it('reading an ACL takes READ or ADMIN', async () => {
      const zk = await ground.connect()
      const path = ground.at('/node')
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.WRITE) })
      expectNoAuth(await failure(zk.getAcls(path)), 'getAcls', path)
      for (const perms of [Permissions.READ, Permissions.ADMIN]) {
        await ground.admin.setAcls(ground.full('/node'), besides(perms))
        expect((await zk.getAcls(path)).acls).toHaveLength(2)
      }
    })

    // ZOOKEEPER-2590, in 3.8.4 and 3.9.2.
    it('whether it exists takes READ, and is told to everybody by servers before', async () => {
      const zk = await ground.connect()
      const path = ground.at('/node')
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.WRITE) })
      const asks = ground.isSince('3.9.2') || (ground.isSince('3.8.4') && !ground.isSince('3.9.0'))
      if (asks) expectNoAuth(await failure(zk.exists(path)), 'exists', path)
      else expect(await zk.exists(path)).toBeInstanceOf(Stat)
    })

    it('writing takes WRITE', async () => {
      const path = ground.at('/node')
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.ALL & ~Permissions.WRITE) })
      const zk = await ground.connect()
      expectNoAuth(await failure(zk.set(path, 'x')), 'set', path)
      // The version is nobody's business who may not write.
      expectNoAuth(await failure(zk.set(path, 'x', { version: 7 })), 'set', path)
    })

    it('creating takes CREATE on the parent', async () => {
      const path = ground.at('/node/child')
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.ALL & ~Permissions.CREATE) })
      const zk = await ground.connect()
      expectNoAuth(await failure(zk.create(path)), 'create', path)
      expectNoAuth(await failure(zk.create(path, '', { includeStat: true, sequence: true })), 'create', path)
      await ground.admin.create(ground.full('/node/child'))
      // It may not even be learned this way whether there is one.
      expectNoAuth(await failure(zk.create(path)), 'create', path)
    })

    it('deleting takes DELETE on the parent', async () => {
      const path = ground.at('/node/child')
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.ALL & ~Permissions.DELETE) })
      await ground.admin.create(ground.full('/node/child'))
      const zk = await ground.connect()
      expectNoAuth(await failure(zk.delete(path)), 'delete', path)
      // Told of what the caller asked for; the cause names the znode that was in the way.
      const tree = ground.at('/node')
      const error = (await failure(zk.delete(tree, { recursive: true }))) as Error
      expectNoAuth(error, 'delete', tree)
      expectNoAuth(error.cause, 'delete', path)
    })

    it('setting an ACL takes ADMIN', async () => {
      const path = ground.at('/node')
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.ALL & ~Permissions.ADMIN) })
      const zk = await ground.connect()
      expectNoAuth(await failure(zk.setAcls(path, OPEN_ACL_UNSAFE)), 'setAcls', path)
    })

    it('a transaction is refused as a whole', async () => {
      await ground.admin.create(ground.full('/node'), 'old', { acl: besides(Permissions.READ) })
      const zk = await ground.connect()
      const error = await failure(zk.transaction().create(ground.at('/new')).set(ground.at('/node'), 'new').commit())
      expect(error).toMatchObject({ index: 1, cause: { code: 'NO_AUTH', op: 'set', path: ground.at('/node') } })
      expect(await zk.exists(ground.at('/new'))).toBeNull()
    })
  })

  describe('an ACL by address', () => {
    it('lets in who comes from there', async () => {
      const path = ground.at('/node')
      const read = { read: true }
      await ground.admin.create(ground.full('/node'), 'x', { acl: [...besides(0), makeAcl('ip', '127.0.0.0/8', read)] })
      const zk = await ground.connect()
      expect((await zk.get(path)).data.toString()).toBe('x')
      await ground.admin.setAcls(ground.full('/node'), [...besides(0), makeAcl('ip', '10.1.2.3', read)])
      expectNoAuth(await failure(zk.get(path)), 'get', path)
    })
  })

  describe('events of znodes that may not be read', () => {
    it('are kept back', async ({ skip }) => {
      skip(!ground.isSince('3.9.2'), 'before 3.9.2 it depends on the security patches of whoever built the server')
      const zk = await ground.connect()
      const called = watch()
      expect(await zk.exists(ground.at('/node'), { watch: called })).toBeNull()
      await ground.admin.create(ground.full('/node'), '', { acl: besides(Permissions.WRITE) })
      await fence(zk)
      expect(called.events.map(({ type }) => type)).toEqual([])
    })
  })

  describe('addAuth', () => {
    it('lets the session do what its identity may', async () => {
      await ground.admin.create(ground.full('/node'), 'secret', { acl: besides(0) })
      const zk = await ground.connect()
      expect(await failure(zk.get(ground.at('/node')))).toBeInstanceOf(NoAuthError)
      expect(await zk.addAuth('digest', 'owner:secret')).toBe(true)
      expect((await zk.get(ground.at('/node'))).data.toString()).toBe('secret')
    })

    it('takes bytes, and adds to what there is', async () => {
      const zk = await ground.connect()
      await zk.addAuth('digest', Buffer.from('somebody:x'))
      await zk.addAuth('digest', Buffer.from('owner:secret'))
      await zk.create(ground.at('/node'), '', { acl: CREATOR_ALL_ACL })
      const ids = (await zk.getAcls(ground.at('/node'))).acls.map(({ id }) => id.id)
      expect(ids.toSorted()).toEqual(
        [makeDigestAclCredential('owner', 'secret'), makeDigestAclCredential('somebody', 'x')].toSorted(),
      )
    })

    it('gives no more with a wrong password', async () => {
      await ground.admin.create(ground.full('/node'), 'secret', { acl: besides(0) })
      const zk = await ground.connect()
      await zk.addAuth('digest', 'owner:guess')
      expect(await failure(zk.get(ground.at('/node')))).toBeInstanceOf(NoAuthError)
    })

    it('is presented again on each connection, ahead of what waits', async () => {
      await ground.admin.create(ground.full('/node'), 'secret', { acl: besides(0) })
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.addAuth('digest', 'owner:secret')
      for (let round = 0; round < 3; round++) {
        const suspended = new States(zk).next('SUSPENDED')
        proxy.cut()
        await suspended
        expect((await zk.get(ground.at('/node'))).data.toString()).toBe('secret')
      }
      expect(proxy.accepted).toBe(4)
    })

    it('is presented again by a new session', async () => {
      await ground.admin.create(ground.full('/node'), 'secret', { acl: besides(0) })
      const zk = await ground.connect({ authData: [owner] })
      const { session } = zk
      await zk.restart()
      expect(zk.session?.id).not.toBe(session?.id)
      expect((await zk.get(ground.at('/node'))).data.toString()).toBe('secret')
    })

    it('rejects with AuthFailedError for a scheme that the server lacks; the client goes on without it', async () => {
      const zk = await ground.connect()
      const states = new States(zk)
      const connected = states.next('CONNECTED')
      const { session } = zk
      const error = await failure(zk.addAuth('nobody-knows', 'user:password'))
      expect(error).toBeInstanceOf(AuthFailedError)
      expect(error).toMatchObject({ code: 'AUTH_FAILED', errno: -115, op: 'addAuth', maybeApplied: false })
      expect(String((error as Error).stack)).not.toContain('password')
      await connected
      expect(states.seen).toEqual(['SUSPENDED', 'CONNECTED'])
      expect(zk.session?.id).toBe(session?.id)
      expect(await zk.exists('/')).not.toBeNull()
    })

    it('rejects with ConnectionLossError when its reply is lost; it may be made again', async () => {
      await ground.admin.create(ground.full('/node'), 'secret', { acl: besides(0) })
      const { zk, proxy } = await ground.connectThroughProxy()
      for (const bytes of [0, 1, 19]) {
        proxy.toClient.cutAfter(bytes)
        const error = await failure(zk.addAuth('digest', 'owner:secret'))
        expect(error).toMatchObject({ code: 'CONNECTION_LOSS', op: 'addAuth', maybeApplied: true })
        expect(await failure(zk.get(ground.at('/node')))).toBeInstanceOf(NoAuthError)
      }
      await zk.addAuth('digest', 'owner:secret')
      expect((await zk.get(ground.at('/node'))).data.toString()).toBe('secret')
    })

    it('rejects when aborted, or out of time; its reply is consumed', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await authUnderWay(ground, zk, proxy)
    })

    it('is the reason that start fails for, and not its timeout', async () => {
      const zk = ground.client({ authData: [{ scheme: 'nobody-knows', credential: 'user:password' }] })
      const error = await failure(zk.start())
      expect(error).toBeInstanceOf(AuthFailedError)
      expect(String((error as Error).stack)).not.toContain('password')
      expect(zk.state).toBe('LOST')
    })
  })
})

async function authUnderWay(
  ground: Ground,
  zk: Awaited<ReturnType<Ground['connect']>>,
  proxy: Awaited<ReturnType<Ground['proxy']>>,
): Promise<void> {
  const reason = new Error('changed my mind')
  expect(await failure(zk.addAuth('digest', 'a:b', { signal: AbortSignal.abort(reason) }))).toBe(reason)
  proxy.toClient.pause()
  const held = proxy.once('held')
  const controller = new AbortController()
  const aborted = failure(zk.addAuth('digest', 'a:b', { signal: controller.signal }))
  const late = failure(zk.addAuth('digest', 'a:b', { timeout: 1 }))
  await held
  controller.abort(reason)
  expect(await aborted).toBe(reason)
  expect(await late).toMatchObject({ code: 'OPERATION_TIMEOUT', op: 'addAuth', maybeApplied: true })
  proxy.toClient.resume()
  await zk.addAuth('digest', 'owner:secret')
  await zk.create(ground.at('/node'), '', { acl: CREATOR_ALL_ACL })
  expect(proxy.accepted).toBe(1)
}
