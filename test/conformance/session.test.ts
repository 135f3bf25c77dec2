import { inspect } from 'node:util'

import { describe, expect, it } from 'vitest'

import { type KazooClient, SessionExpiredError } from '../../src/index.ts'
import { failure, States, suspend, watch } from './support/events.ts'
import { onEachServer } from './support/ground.ts'

onEachServer((ground) => {
  /** Ends a session on the server, by way of another connection. */
  const endSession = async (session: KazooClient['session']): Promise<void> => {
    const other = await ground.connect({ session: session! })
    expect(other.session?.id).toBe(session?.id)
    await other.stop()
  }

  describe('a session', () => {
    it('gets the timeout it asks for, within the bounds of the server', async () => {
      const timeouts: number[] = []
      for (const sessionTimeout of [1, 5_000, 100_000_000]) {
        timeouts.push((await ground.connect({ sessionTimeout })).session?.timeout ?? 0)
      }
      const [least, asked, most] = timeouts
      expect(asked).toBe(5_000)
      expect(least).toBeGreaterThan(1)
      expect(least).toBeLessThan(5_000)
      expect(most).toBeGreaterThan(5_000)
      expect(most).toBeLessThan(100_000_000)
    })

    it('is resumed with its id and password, its ephemerals with it', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'), 'mine', { ephemeral: true })
      const { session } = zk
      await suspend(zk, proxy)
      await zk.stop()
      const heir = await ground.connect({ session: session! })
      expect(heir.session).toEqual(session)
      expect((await heir.get(ground.at('/node'))).stat.ephemeralOwner).toBe(session?.id)
      await heir.stop()
      expect(await ground.admin.exists(ground.full('/node'))).toBeNull()
    })

    it('may negotiate its timeout anew when it is resumed', async () => {
      const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 5_000 })
      const { session } = zk
      await suspend(zk, proxy)
      await zk.stop()
      const heir = await ground.connect({ session: session!, sessionTimeout: 6_000 })
      expect(heir.session).toMatchObject({ id: session?.id, timeout: 6_000 })
    })

    it.each([
      ['a wrong password', (id: bigint) => ({ id, password: Buffer.alloc(16, 7) })],
      ['a short password', (id: bigint) => ({ id, password: Buffer.alloc(3) })],
      ['an id that nobody has', (id: bigint) => ({ id: id ^ 0x5555n, password: Buffer.alloc(16, 7) })],
    ])('is not given to who asks with %s: there is a new one', async (_, forge) => {
      const zk = await ground.connect()
      const session = forge(zk.session!.id)
      const thief = await ground.connect({ session })
      expect(thief.session?.id).not.toBe(session.id)
      expect(thief.session?.id).not.toBe(zk.session?.id)
      expect(await thief.exists('/')).not.toBeNull()
      expect(await zk.exists('/')).not.toBeNull()
    })

    it('lives on over any number of connections', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'), '', { ephemeral: true })
      const states = new States(zk)
      const { session } = zk
      for (let round = 0; round < 5; round++) {
        const connected = states.next('CONNECTED')
        proxy.cut({ reset: round % 2 === 0 })
        await connected
        expect(zk.session?.id).toBe(session?.id)
      }
      expect(states.seen).toEqual(Array.from({ length: 5 }, () => ['SUSPENDED', 'CONNECTED']).flat())
      expect(states.causes[0]).toBeInstanceOf(Error)
      expect(states.causes[1]).toBeUndefined()
      expect((await zk.exists(ground.at('/node')))?.ephemeralOwner).toBe(session?.id)
    })

    it('shows its password to nobody who merely looks', async () => {
      const zk = await ground.connect()
      const { password } = zk.session!
      expect(password).toHaveLength(16)
      for (const text of [
        inspect(zk, { depth: 9, showHidden: true }),
        inspect(zk.session),
        JSON.stringify(zk.session),
      ]) {
        expect(text).not.toContain(password.toString('hex'))
        expect(text).not.toContain(inspect(password))
        expect(text).not.toContain('"data"')
      }
    })
  })

  describe('a session that the server has ended', () => {
    it('is LOST, and followed by a new one', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/ephemeral'), '', { ephemeral: true })
      const states = new States(zk)
      const { session } = zk
      await suspend(zk, proxy)
      await endSession(session)
      const waiting = failure(zk.create(ground.at('/node')))
      const lost = states.next('LOST')
      const connected = states.next('CONNECTED')
      await proxy.setMode('forward')
      const { cause } = await lost
      expect(cause).toBeInstanceOf(SessionExpiredError)
      expect(await waiting).toMatchObject({ code: 'SESSION_EXPIRED', op: 'create', maybeApplied: false, cause })
      await connected
      expect(states.seen).toEqual(['SUSPENDED', 'LOST', 'CONNECTED'])
      expect(zk.session?.id).not.toBe(session?.id)
      expect(await zk.getChildren(ground.at('/'))).toEqual([])
      expect(await zk.create(ground.at('/node'))).toBe(ground.at('/node'))
    })

    it('takes its watches with it', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const [old, own] = [watch(), watch()]
      await zk.get(ground.at('/node'), { watch: old })
      await zk.getChildren(ground.at('/node'), { watch: old })
      await zk.exists(ground.at('/missing'), { watch: old })
      const { session } = zk
      await suspend(zk, proxy)
      await endSession(session)
      const connected = new States(zk).next('CONNECTED')
      await proxy.setMode('forward')
      await connected
      await zk.get(ground.at('/node'), { watch: own })
      await ground.admin.create(ground.full('/missing'))
      await ground.admin.create(ground.full('/node/child'))
      await ground.admin.set(ground.full('/node'), 'x')
      await own.first
      expect(old.events).toEqual([])
    })

    it('lets what is called by a listener at LOST wait for the new one', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const { session } = zk
      const created = new Promise<string>((resolve, reject) => {
        zk.addListener((state) => {
          if (state === 'LOST') zk.create(ground.at('/node'), '', { ephemeral: true }).then(resolve, reject)
        })
      })
      await suspend(zk, proxy)
      await endSession(session)
      await proxy.setMode('forward')
      expect((await zk.exists(await created))?.ephemeralOwner).toBe(zk.session?.id)
    })

    it('starts again with lastZxid', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const before = zk.lastZxid
      const { session } = zk
      await suspend(zk, proxy)
      expect(zk.lastZxid).toBe(before)
      await endSession(session)
      const lost = new States(zk).next('LOST')
      await proxy.setMode('forward')
      await lost
      expect(await zk.create(ground.at('/other'))).toBe(ground.at('/other'))
      expect(zk.lastZxid).toBeGreaterThan(before)
    })
  })

  describe('a session that nobody hears of', () => {
    it("is LOST by the client's clock, expires on the server, and its ephemerals go", async () => {
      const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 1_000 })
      await zk.create(ground.at('/ephemeral'), '', { ephemeral: true })
      const gone = watch()
      await ground.admin.exists(ground.full('/ephemeral'), { watch: gone })
      const states = new States(zk)
      const { session } = zk
      const lost = states.next('LOST')
      await suspend(zk, proxy)
      const { cause } = await lost
      expect(cause).toBeInstanceOf(SessionExpiredError)
      expect(zk.session).toBeNull()
      expect((await gone.first).type).toBe('DELETED')
      const connected = states.next('CONNECTED')
      await proxy.setMode('forward')
      await connected
      expect(states.seen).toEqual(['SUSPENDED', 'LOST', 'CONNECTED'])
      expect(zk.session?.id).not.toBe(session?.id)
    })

    it('notices a server that is silent though the connection stands, and finds its way around', async () => {
      const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 1_000 })
      const states = new States(zk)
      const { session } = zk
      const suspended = states.next('SUSPENDED')
      proxy.toClient.pause()
      const { cause } = await suspended
      expect(cause?.message).toContain('nothing received')
      const connected = states.next('CONNECTED')
      await proxy.heal()
      await connected
      // Whether in time or not, there is a session; if it was in time it is the same.
      if (!states.seen.includes('LOST')) expect(zk.session?.id).toBe(session?.id)
      expect(await zk.exists('/')).not.toBeNull()
    })

    it('stays alive by pings when nothing else is sent', async () => {
      const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 1_000 })
      const states = new States(zk)
      const { session } = zk
      // A ping is a length and a header; six of them take twice the session's timeout.
      const pinged = proxy.toServer.bytes + 6 * 12
      while (proxy.toServer.bytes < pinged) await proxy.once('passed', ({ direction }) => direction === 'toServer')
      expect(states.seen).toEqual([])
      expect(zk.session?.id).toBe(session?.id)
    })
  })
})
