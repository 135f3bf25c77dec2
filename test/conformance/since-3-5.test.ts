import { describe, expect, it } from 'vitest'

import { ConnectionLossError, type KazooClient, makeDigestAcl, NoAuthError, NoNodeError } from '../../src/index.ts'
import { operations as wire } from '../../src/protocol/operations.ts'
import { failure, fence, States, suspend, watch } from './support/events.ts'
import { type Ground, onEachServerAndChroot, owner } from './support/ground.ts'
import { WireTap } from './support/wire-tap.ts'

/** What only the owner may use. */
const acl = [makeDigestAcl('owner', 'secret', { all: true })]

/** Ends a test of what the server is too old for; that it is refused then is the matter of `too-old.test.ts`. */
function needs(ground: Ground, skip: (condition: boolean, note: string) => void, feature: string, since: string): void {
  skip(!ground.isSince(since), `${feature} needs ZooKeeper ${since}, and this is ${ground.server.version}`)
}

onEachServerAndChroot((ground) => {
  describe('a container', () => {
    it('is created by an operation of its own, and takes children; no Stat tells it from others', async () => {
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      const path = ground.at('/container')
      const { stat, path: created } = await zk.create(path, 'x', { container: true, includeStat: true })
      expect(created).toBe(path)
      expect(tap.sent.at(-1)?.opcode).toBe(wire.createContainer.opcode)
      expect(stat).toEqual(await zk.exists(path))
      expect(stat).toMatchObject({ ephemeralOwner: 0n, dataLength: 1 })
      expect(await zk.create(ground.at('/container/child'))).toBe(ground.at('/container/child'))
      const [other] = await zk.transaction().create(ground.at('/other'), '', { container: true }).commit()
      expect(other).toBe(ground.at('/other'))
      expect((await zk.exists(other))?.ephemeralOwner).toBe(0n)
    })
  })

  describe('a znode with a time to live', () => {
    it('is created by an operation of its own; no Stat tells it from others', async () => {
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      const ttl = 3_600_000
      const { stat } = await zk.create(ground.at('/ttl'), 'x', { ttl, includeStat: true })
      expect(tap.sent.at(-1)?.opcode).toBe(wire.createTtl.opcode)
      expect(stat).toEqual(await zk.exists(ground.at('/ttl')))
      expect(stat).toMatchObject({ ephemeralOwner: 0n, dataLength: 1 })
      expect(await zk.create(ground.at('/ttl-'), '', { ttl, sequence: true })).toBe(ground.at('/ttl-0000000001'))
      const [path] = await zk.transaction().create(ground.at('/in-a-transaction'), '', { ttl }).commit()
      expect(path).toBe(ground.at('/in-a-transaction'))
    })
  })

  describe('multiRead', () => {
    it('resolves to what each read gives, or to its error', async ({ skip }) => {
      needs(ground, skip, 'multiRead', '3.6.0')
      const zk = await ground.connect()
      await zk.create(ground.at('/node/child'), '', { makePath: true })
      await zk.set(ground.at('/node'), 'a value')
      await ground.admin.create(ground.full('/secret'), '', { acl })
      const [node, children, missing, secret, none] = await zk
        .multiRead()
        .get(ground.at('/node'))
        .getChildren(ground.at('/node'))
        .get(ground.at('/missing'))
        .get(ground.at('/secret'))
        .getChildren(ground.at('/missing'))
        .commit()
      expect(node).toEqual(await zk.get(ground.at('/node')))
      expect(children).toEqual(['child'])
      expect(missing).toBeInstanceOf(NoNodeError)
      expect(missing).toMatchObject({ op: 'get', path: ground.at('/missing') })
      expect(secret).toBeInstanceOf(NoAuthError)
      expect(none).toMatchObject({ op: 'getChildren', path: ground.at('/missing'), code: 'NO_NODE' })
    })
  })

  describe('getAllChildrenNumber', () => {
    it('counts all that is below', async ({ skip }) => {
      needs(ground, skip, 'getAllChildrenNumber', '3.6.0')
      const zk = await ground.connect()
      expect(await zk.getAllChildrenNumber(ground.at('/'))).toBe(0)
      for (const path of ['/a/b/c', '/a/d', '/ab']) await zk.create(ground.at(path), '', { makePath: true })
      expect(await zk.getAllChildrenNumber(ground.at('/a'))).toBe(3)
      expect(await zk.getAllChildrenNumber(ground.at('/'))).toBe(5)
    })

    it('rejects with NoNodeError, and with NoAuthError', async ({ skip }) => {
      needs(ground, skip, 'getAllChildrenNumber', '3.6.0')
      const zk = await ground.connect()
      const missing = await failure(zk.getAllChildrenNumber(ground.at('/missing')))
      expect(missing).toBeInstanceOf(NoNodeError)
      expect(missing).toMatchObject({ op: 'getAllChildrenNumber', path: ground.at('/missing') })
      await ground.admin.create(ground.full('/secret'), '', { acl })
      expect(await failure(zk.getAllChildrenNumber(ground.at('/secret')))).toBeInstanceOf(NoAuthError)
    })
  })

  describe('getEphemerals', () => {
    it('lists those of the session, below a prefix', async ({ skip }) => {
      needs(ground, skip, 'getEphemerals', '3.6.0')
      const zk = await ground.connect()
      const other = await ground.connect()
      expect(await zk.getEphemerals()).toEqual([])
      for (const path of ['/a', '/a-1', '/b']) await zk.create(ground.at(path), '', { ephemeral: true })
      await other.create(ground.at('/a-2'), '', { ephemeral: true })
      await zk.create(ground.at('/persistent'))
      expect((await zk.getEphemerals()).toSorted()).toEqual(['/a', '/a-1', '/b'].map((path) => ground.at(path)))
      expect((await zk.getEphemerals(ground.at('/a'))).toSorted()).toEqual([ground.at('/a'), ground.at('/a-1')])
      expect(await other.getEphemerals()).toEqual([ground.at('/a-2')])
    })
  })

  describe('whoAmI', () => {
    it('names what the session has authenticated as, without secrets', async ({ skip }) => {
      needs(ground, skip, 'whoAmI', '3.7.0')
      const zk = await ground.connect()
      const ask = async (): Promise<unknown> => {
        // The server has no order for them.
        return (await zk.whoAmI()).toSorted((a, b) => b.authScheme.localeCompare(a.authScheme))
      }
      expect(await ask()).toEqual([{ authScheme: 'ip', user: '127.0.0.1' }])
      await zk.addAuth(owner.scheme, owner.credential)
      expect(await ask()).toEqual([
        { authScheme: 'ip', user: '127.0.0.1' },
        { authScheme: 'digest', user: 'owner' },
      ])
    })
  })

  describe('getConfig', () => {
    it('reads the configuration, whatever the chroot', async () => {
      const zk = await ground.connect()
      const called = watch()
      const { data, stat } = await zk.getConfig({ watch: called })
      const seen = await ground.admin.get('/zookeeper/config')
      expect(data).toEqual(seen.data)
      expect(stat).toEqual(seen.stat)
      await fence(zk)
      expect(called.events).toEqual([])
    })
  })

  describe('reconfig', () => {
    it('is no operation of a server that stands alone', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.reconfig({ joining: 'server.9=127.0.0.1:1:2:participant;3' }))
      expect(error).toMatchObject({ op: 'reconfig', maybeApplied: false })
      // Where it is switched off, or not permitted, that is said first.
      expect(['UNIMPLEMENTED', 'NO_AUTH', 'RECONFIG_DISABLED']).toContain((error as { code: string }).code)
      expect(await zk.exists('/')).not.toBeNull()
    })
  })

  describe('withChroot', () => {
    it('is the same session under another root', async () => {
      const zk = await ground.connect()
      const inner = zk.withChroot(ground.at('/inner'))
      expect(inner.session).toEqual(zk.session)
      expect(await inner.create('/node', 'x', { makePath: true })).toBe('/node')
      expect((await zk.get(ground.at('/inner/node'))).data.toString()).toBe('x')
      const [outside, inside] = [watch(), watch()]
      await zk.get(ground.at('/inner/node'), { watch: outside })
      await inner.get('/node', { watch: inside })
      await ground.admin.set(ground.full('/inner/node'), 'y')
      expect((await outside.first).path).toBe(ground.at('/inner/node'))
      expect((await inside.first).path).toBe('/node')
      expect(await failure(inner.get('/missing'))).toMatchObject({ path: '/missing' })
    })

    it('keeps the watches of both over a reconnect', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const inner = zk.withChroot(ground.at('/inner'))
      await inner.ensurePath('/node')
      const [outside, inside] = [watch(), watch()]
      await zk.getChildren(ground.at('/inner'), { watch: outside })
      await inner.get('/node', { watch: inside })
      await suspend(zk, proxy)
      await ground.admin.delete(ground.full('/inner/node'))
      const connected = new States(inner).next('CONNECTED')
      await proxy.setMode('forward')
      await connected
      expect(await inside.first).toMatchObject({ type: 'DELETED', path: '/node' })
      expect(await outside.first).toMatchObject({ type: 'CHILD', path: ground.at('/inner') })
    })
  })

  describe.each<[string, string, (zk: KazooClient) => Promise<unknown>]>([
    ['multiRead', '3.6.0', (zk) => zk.multiRead().get(ground.at('/')).commit()],
    ['getAllChildrenNumber', '3.6.0', (zk) => zk.getAllChildrenNumber(ground.at('/'))],
    ['getEphemerals', '3.6.0', (zk) => zk.getEphemerals()],
    ['getConfig', '3.5.0', (zk) => zk.getConfig()],
  ])('%s', (op, since, run) => {
    it('rejects with ConnectionLossError when its reply is lost; made again, it succeeds', async ({ skip }) => {
      needs(ground, skip, op, since)
      const { zk, proxy } = await ground.connectThroughProxy()
      for (const bytes of [0, 4, 19]) {
        // The first call on a connection asks for the server's version before, if the connection is there.
        await fence(zk)
        await run(zk)
        proxy.toClient.cutAfter(bytes)
        const error = await failure(run(zk))
        expect(error).toBeInstanceOf(ConnectionLossError)
        expect(error).toMatchObject({ op, maybeApplied: true })
      }
      await run(zk)
    })
  })
})
