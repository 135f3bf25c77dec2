import { describe, expect, it } from 'vitest'

import { ConnectionClosedError, ConnectionLossError, KazooClient, OperationTimeoutError } from '../../src/index.ts'
import { failure, States, suspend } from './support/events.ts'
import { onEachServer } from './support/ground.ts'

onEachServer((ground) => {
  describe('hosts', () => {
    it('may name servers that are down, refuse or say nothing', async () => {
      const [down, closing, silent] = [await ground.proxy(), await ground.proxy(), await ground.proxy()]
      await down.setMode('refuse')
      await closing.setMode('close')
      await silent.setMode('hang')
      const hosts = [down.hosts, closing.hosts, silent.hosts, ground.hosts].join(',')
      const zk = await ground.connect({ hosts, randomizeHosts: false, sessionTimeout: 2_000 })
      expect(await zk.exists('/')).not.toBeNull()
      expect([closing.accepted, silent.accepted]).toEqual([1, 1])
    })

    it('may be a list whose last entry is the chroot, and may name the server', async () => {
      const port = ground.hosts.slice(ground.hosts.lastIndexOf(':') + 1)
      await using other = await new KazooClient({
        hosts: [`127.0.0.1:${port}`, `localhost:${port}`, ground.full('/')],
      }).start()
      expect(other.hosts).toEqual([`127.0.0.1:${port}`, `localhost:${port}`])
      expect(other.chroot).toBe(ground.full('/'))
      await other.create('/node')
      expect(await ground.admin.exists(ground.full('/node'))).not.toBeNull()
    })

    it('are tried in turn: the session goes over to another server', async () => {
      const proxies = [await ground.proxy(), await ground.proxy()]
      const zk = await ground.connect({ hosts: proxies.map(({ hosts }) => hosts).join(',') })
      await zk.create(ground.at('/node'), '', { ephemeral: true })
      const { session } = zk
      for (let round = 0; round < 4; round++) {
        const used = proxies.find(({ connections }) => connections.length > 0)!
        const other = proxies.find((proxy) => proxy !== used)!
        const accepted = other.accepted
        const connected = new States(zk).next('CONNECTED')
        used.cut()
        await connected
        expect(other.accepted).toBe(accepted + 1)
        expect(zk.session?.id).toBe(session?.id)
      }
      expect((await zk.exists(ground.at('/node')))?.ephemeralOwner).toBe(session?.id)
    })
  })

  describe('setHosts', () => {
    it('moves the session where its server is gone', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'), '', { ephemeral: true })
      const next = await ground.proxy()
      const states = new States(zk)
      const { session } = zk
      const connected = states.next('CONNECTED')
      zk.setHosts(next.hosts)
      expect(zk.hosts).toEqual([next.hosts])
      await connected
      expect((await zk.exists(ground.at('/node')))?.ephemeralOwner).toBe(session?.id)
      expect([proxy.accepted, next.accepted]).toEqual([1, 1])
      expect(zk.session?.id).toBe(session?.id)
      expect(states.seen).toEqual(['SUSPENDED', 'CONNECTED'])
    })

    it('leaves a connection alone whose server is still there, and holds for the next one', async () => {
      const [first, second] = [await ground.proxy(), await ground.proxy()]
      const zk = await ground.connect({ hosts: `${first.hosts},${second.hosts}` })
      const [used, other] = first.accepted > 0 ? [first, second] : [second, first]
      const third = await ground.proxy()
      const states = new States(zk)
      // Neither the same servers, nor as many, nor fewer are a reason to move.
      for (const servers of [
        [other, used],
        [used, other],
        [third, used],
      ]) {
        zk.setHosts(servers.map(({ hosts }) => hosts))
        expect(await zk.exists('/')).not.toBeNull()
      }
      expect(states.seen).toEqual([])
      const connected = states.next('CONNECTED')
      used.cut()
      await connected
      expect([used.accepted, other.accepted, third.accepted]).toEqual([1, 0, 1])
    })

    it('helps a client that finds no server', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await suspend(zk, proxy)
      const answer = zk.exists('/')
      zk.setHosts(ground.hosts)
      expect(await answer).not.toBeNull()
    })

    it('does not change the chroot, and refuses what is no list of hosts', async () => {
      const zk = ground.client()
      expect(() => zk.setHosts(`${ground.hosts}/other`)).toThrow(RangeError)
      expect(() => zk.setHosts('no good:99999')).toThrow(RangeError)
      expect(zk.hosts).toEqual([ground.hosts])
    })
  })

  describe('readOnly', () => {
    it('is no less of a session where the server can write', async () => {
      const zk = await ground.connect({ readOnly: true })
      expect(zk.state).toBe('CONNECTED')
      await zk.create(ground.at('/node'), '', { ephemeral: true })
      expect((await zk.exists(ground.at('/node')))?.ephemeralOwner).toBe(zk.session?.id)
    })
  })

  describe('command', () => {
    it('asks the server for one of its words', async () => {
      const zk = await ground.connect()
      expect(await zk.command('srvr')).toMatch(/^Zookeeper version: \d+\.\d+\.\d+/)
      expect(await zk.command('ruok')).toBe('imok')
      expect(await zk.command()).toBe('imok')
    })

    it('may be aborted, and runs out of time', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const reason = new Error('changed my mind')
      expect(await failure(zk.command('ruok', { signal: AbortSignal.abort(reason) }))).toBe(reason)
      await proxy.setMode('hang')
      const controller = new AbortController()
      const aborted = failure(zk.command('ruok', { signal: controller.signal }))
      controller.abort(reason)
      expect(await aborted).toBe(reason)
      const late = await failure(zk.command('ruok', { timeout: 20 }))
      expect(late).toBeInstanceOf(OperationTimeoutError)
      expect(late).toMatchObject({ op: 'command' })
      expect(zk.state).toBe('CONNECTED')
    })

    it('rejects when it is cut, refused, or answered by nobody', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      for (const mode of ['refuse', 'close'] as const) {
        await proxy.setMode(mode)
        const error = await failure(zk.command('ruok'))
        expect(error).toBeInstanceOf(ConnectionLossError)
        expect(error).toMatchObject({ op: 'command' })
      }
      await proxy.setMode('forward')
      proxy.toServer.cutAfter(2)
      expect(await failure(zk.command('ruok'))).toBeInstanceOf(ConnectionLossError)
      proxy.toClient.cutAfter(0)
      expect(await failure(zk.serverVersion())).toBeInstanceOf(ConnectionLossError)
    })

    it('is refused while there is no connection, and without a session', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await suspend(zk, proxy)
      expect(await failure(zk.command('ruok'))).toBeInstanceOf(ConnectionLossError)
      await zk.stop()
      expect(await failure(zk.command('ruok'))).toBeInstanceOf(ConnectionClosedError)
      expect(await failure(zk.serverVersion())).toBeInstanceOf(ConnectionClosedError)
    })
  })

  describe('serverVersion', () => {
    it('is that of the server', async () => {
      const zk = await ground.connect()
      expect((await zk.serverVersion()).join('.')).toBe(ground.server.version)
    })
  })
})
