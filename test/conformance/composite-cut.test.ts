import { describe, expect, it } from 'vitest'

import { ConnectionLossError, NoNodeError } from '../../src/index.ts'
import { failure, States } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'
import { Site } from './support/operations.ts'

onEachServerAndChroot((ground) => {
  describe('ensurePath', () => {
    it('fails with the connection wherever it is cut, and made again completes the path', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      // The number of replies that pass grows, so that each of its requests is hit; each reply has 20 bytes at least.
      for (const bytes of [0, 19, 21, 41, 61]) {
        const path = ground.at(`/cut-${bytes}/a/b`)
        proxy.toClient.cutAfter(bytes)
        const error = await failure(zk.ensurePath(path))
        expect(error).toBeInstanceOf(ConnectionLossError)
        await zk.ensurePath(path)
        expect(await zk.getChildren(path)).toEqual([])
      }
    })
  })

  describe('create with makePath', () => {
    it('fails with the connection wherever it is cut, and leaves parents at most', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      for (const bytes of [0, 19, 21, 41]) {
        const path = ground.at(`/lost-${bytes}/a/b`)
        proxy.toClient.cutAfter(bytes)
        expect(await failure(zk.create(path, 'x', { makePath: true }))).toBeInstanceOf(ConnectionLossError)
        expect(await ground.admin.exists(ground.full(`/lost-${bytes}/a/b`))).toBeNull()
        await zk.create(path, 'x', { makePath: true })
        expect((await zk.get(path)).data.toString()).toBe('x')
      }
    })
  })

  describe('delete with recursive', () => {
    it('fails with the connection wherever it is cut, and made again deletes the rest', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      for (const bytes of [0, 21, 45, 70, 90]) {
        const site = await Site.make(ground, `cut-${bytes}`)
        proxy.toClient.cutAfter(bytes)
        expect(await failure(zk.delete(site.at('/'), { recursive: true }))).toBeInstanceOf(ConnectionLossError)
        await zk.delete(site.at('/'), { recursive: true })
        expect(await ground.admin.exists(site.full('/'))).toBeNull()
      }
    })
  })

  describe('create with protect', () => {
    it('is found again when its reply is lost: there is one znode, and its path is the result', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const names = new Set<string>()
      for (const bytes of [0, 4, 12, 20]) {
        const directory = ground.at(`/cut-${bytes}`)
        await zk.create(directory)
        proxy.toClient.cutAfter(bytes)
        const path = await zk.create(`${directory}/lock-`, 'mine', { protect: true, sequence: true, ephemeral: true })
        const name = path.slice(directory.length + 1)
        expect(path.startsWith(`${directory}/`)).toBe(true)
        expect(name).toMatch(/^_c_[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}-lock-0000000000$/)
        expect(await zk.getChildren(directory)).toEqual([name])
        expect((await zk.get(path)).stat.ephemeralOwner).toBe(zk.session?.id)
        names.add(name)
      }
      expect(names.size).toBe(4)
    })

    it('is made again when its request is lost: there is one znode', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      for (const bytes of [0, 4, 30]) {
        const directory = ground.at(`/lost-${bytes}`)
        await zk.create(directory)
        proxy.toServer.cutAfter(bytes)
        const path = await zk.create(`${directory}/node`, 'mine', { protect: true })
        expect(await zk.getChildren(directory)).toEqual([path.slice(directory.length + 1)])
        expect((await zk.get(path)).data.toString()).toBe('mine')
      }
    })

    it('gives the Stat of what it found again', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      proxy.toClient.cutAfter(0)
      const { path, stat } = await zk.create(ground.at('/node'), 'mine', { protect: true, includeStat: true })
      expect(stat).toEqual(await zk.exists(path))
      expect(stat.dataLength).toBe(4)
    })

    it('looks again when the connection is cut while it looks', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const states = new States(zk)
      proxy.toClient.cutAfter(0)
      const created = zk.create(ground.at('/node'), '', { protect: true })
      for (let cuts = 0; cuts < 3; cuts++) {
        await states.next('CONNECTED')
        proxy.toClient.cutAfter(0)
      }
      const path = await created
      expect(await ground.admin.getChildren(ground.full('/'))).toHaveLength(1)
      expect(await zk.exists(path)).not.toBeNull()
    })

    it('creates the missing parents with makePath', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      proxy.toClient.cutAfter(70)
      const created = zk.create(ground.at('/a/b/node'), 'x', { protect: true, makePath: true })
      const path = await created.catch(() => zk.create(ground.at('/a/b/node'), 'x', { protect: true, makePath: true }))
      expect(path.startsWith(ground.at('/a/b/_c_'))).toBe(true)
      expect((await zk.get(path)).data.toString()).toBe('x')
    })

    it('is no success when the session it belonged to ended: the ephemeral is made again in the new one', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const states = new States(zk)
      const { session } = zk
      await zk.create(ground.at('/locks'))
      proxy.toClient.pause()
      const held = proxy.once('held')
      const created = zk.create(ground.at('/locks/lock-'), '', { protect: true, ephemeral: true, sequence: true })
      await held
      await proxy.setMode('refuse')
      proxy.cut()
      proxy.toClient.resume()
      await endSession(session)
      const lost = states.next('LOST')
      await proxy.setMode('forward')
      await lost
      const path = await created
      expect(zk.session?.id).not.toBe(session?.id)
      expect(await zk.getChildren(ground.at('/locks'))).toEqual([path.slice(path.lastIndexOf('/') + 1)])
      expect((await zk.exists(path))?.ephemeralOwner).toBe(zk.session?.id)
    })

    it('is no success either while the session it belonged to lingers: that ephemeral is deleted', async () => {
      const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 1_000 })
      const states = new States(zk)
      const { session } = zk
      await zk.create(ground.at('/locks'))
      proxy.toClient.pause()
      const held = proxy.once('held')
      const created = zk.create(ground.at('/locks/lock-'), '', { protect: true, ephemeral: true, sequence: true })
      await held
      await proxy.setMode('refuse')
      proxy.cut()
      proxy.toClient.resume()
      // The client gives the session up by its own clock; on the server somebody keeps it.
      const keeper = await ground.connect({ session: session!, sessionTimeout: 10_000 })
      expect(keeper.session?.id).toBe(session?.id)
      await states.next('LOST')
      expect(await keeper.getChildren(ground.at('/locks'))).toHaveLength(1)
      await proxy.setMode('forward')
      const path = await created
      expect(await zk.getChildren(ground.at('/locks'))).toEqual([path.slice(path.lastIndexOf('/') + 1)])
      expect((await zk.exists(path))?.ephemeralOwner).toBe(zk.session?.id)
      expect(zk.session?.id).not.toBe(session?.id)
    })

    it('still fails for what is no matter of the connection', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.create(ground.at('/missing/node'), '', { protect: true }))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'create' })
    })
  })

  /** Ends somebody's session on the server, by way of another connection. */
  async function endSession(session: { id: bigint; password: Buffer } | null): Promise<void> {
    if (session === null) throw new Error('there is no session')
    const other = await ground.connect({ session })
    expect(other.session?.id).toBe(session.id)
    await other.stop()
  }
})
