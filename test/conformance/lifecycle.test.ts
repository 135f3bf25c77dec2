import { describe, expect, it } from 'vitest'

import { ConnectionClosedError, OperationTimeoutError } from '../../src/index.ts'
import { failure, States } from './support/events.ts'
import { onEachServer } from './support/ground.ts'
import { compositeOperations, operations, Site } from './support/operations.ts'

const expectClosed = (error: unknown): void => {
  expect(error).toBeInstanceOf(ConnectionClosedError)
  expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', maybeApplied: false, retryable: false })
  expect((error as ConnectionClosedError).op).toBeDefined()
}

onEachServer((ground) => {
  describe('start', () => {
    it('resolves to the client, connected, with a session', async () => {
      const zk = ground.client()
      const states = new States(zk)
      expect([zk.state, zk.connected, zk.session, zk.lastZxid]).toEqual(['LOST', false, null, 0n])
      expect(await zk.start()).toBe(zk)
      expect([zk.state, zk.connected]).toEqual(['CONNECTED', true])
      expect(states.seen).toEqual(['CONNECTED'])
      expect(zk.session?.id).not.toBe(0n)
      expect(zk.session?.password).toHaveLength(16)
      expect(zk.session?.timeout).toBe(10_000)
    })

    it('may be called again', async () => {
      const zk = ground.client()
      const [first, second] = [zk.start(), zk.start()]
      expect([await first, await second, await zk.start()]).toEqual([zk, zk, zk])
      const { session } = zk
      await zk.start()
      expect(zk.session).toBe(session)
    })

    it('lets requests wait that are made before it resolves', async () => {
      const zk = ground.client()
      const started = zk.start()
      const created = zk.create(ground.at('/node'))
      await zk.get(ground.at('/node'))
      expect(await created).toBe(ground.at('/node'))
      await started
    })

    it('rejects when its time is up, with the last failure as cause, and stops the client', async () => {
      const proxy = await ground.proxy()
      await proxy.setMode('refuse')
      const zk = ground.client({ hosts: proxy.hosts })
      const error = await failure(zk.start({ timeout: 50 }))
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject({ op: 'start', cause: { code: 'ECONNREFUSED' } })
      expect(zk.state).toBe('LOST')
      expect(await failure(zk.exists('/'))).toBeInstanceOf(ConnectionClosedError)
    })

    it('rejects when its time is up although somebody listens, who says nothing', async () => {
      const proxy = await ground.proxy()
      await proxy.setMode('hang')
      const error = await failure(ground.client({ hosts: proxy.hosts }).start({ timeout: 50 }))
      expect(error).toBeInstanceOf(OperationTimeoutError)
    })

    it('rejects when aborted, and stops the client', async () => {
      const proxy = await ground.proxy()
      await proxy.setMode('refuse')
      const zk = ground.client({ hosts: proxy.hosts })
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const failed = failure(zk.start({ signal: controller.signal }))
      controller.abort(reason)
      expect(await failed).toBe(reason)
      expect(await failure(zk.exists('/'))).toBeInstanceOf(ConnectionClosedError)
      expect(await failure(zk.start({ signal: AbortSignal.abort(reason) }))).toBe(reason)
    })

    it('works after it has failed', async () => {
      const proxy = await ground.proxy()
      await proxy.setMode('refuse')
      const zk = ground.client({ hosts: proxy.hosts })
      await failure(zk.start({ timeout: 20 }))
      await proxy.setMode('forward')
      await zk.start()
      expect(await zk.exists('/')).not.toBeNull()
    })

    it('goes on trying until there is a server', async () => {
      const proxy = await ground.proxy()
      const zk = ground.client({ hosts: proxy.hosts })
      for (const mode of ['close', 'refuse'] as const) {
        await proxy.setMode(mode)
        void zk.start()
        // Its first attempts are answered that way.
        if (mode === 'close') await until(() => proxy.accepted > 2)
      }
      await proxy.setMode('forward')
      await zk.start()
      expect(zk.connected).toBe(true)
    })
  })

  describe('stop', () => {
    it('ends the session on the server', async () => {
      const zk = await ground.connect()
      const states = new States(zk)
      await zk.create(ground.at('/node'), '', { ephemeral: true })
      const { session } = zk
      await zk.stop()
      expect(states.seen).toEqual(['LOST'])
      expect([zk.state, zk.connected, zk.session]).toEqual(['LOST', false, null])
      expect(await ground.admin.exists(ground.full('/node'))).toBeNull()
      // Who asks for that session gets another.
      const other = await ground.connect({ session: session! })
      expect(other.session?.id).not.toBe(session?.id)
    })

    it('lets what is in flight be answered first', async () => {
      const zk = await ground.connect()
      const created = Array.from({ length: 100 }, (_, index) => zk.create(ground.at(`/${index}`)))
      await zk.stop()
      expect(await Promise.all(created)).toHaveLength(100)
    })

    it('may be called at any time, any number of times', async () => {
      const zk = ground.client()
      await zk.stop()
      const starting = failure(zk.start())
      await Promise.all([zk.stop(), zk.stop()])
      expect(await starting).toBeInstanceOf(ConnectionClosedError)
      await zk.start()
      await Promise.all([zk.stop(), zk.stop()])
      await zk.stop()
      expect(zk.state).toBe('LOST')
    })

    it('is done at the end of an await using', async () => {
      let session
      {
        await using zk = await ground.client().start()
        await zk.create(ground.at('/node'), '', { ephemeral: true })
        session = zk.session
      }
      expect(session).not.toBeNull()
      expect(await ground.admin.exists(ground.full('/node'))).toBeNull()
    })

    it('ends when the connection is down', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const suspended = new States(zk).next('SUSPENDED')
      await proxy.setMode('hang')
      proxy.cut()
      await suspended
      await zk.stop()
      expect(zk.state).toBe('LOST')
    })

    it('ends within the session timeout when nobody answers', async () => {
      const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 1_000 })
      proxy.toClient.pause()
      const lost = failure(zk.exists('/'))
      await zk.stop()
      expect(await lost).toBeInstanceOf(Error)
      expect(zk.state).toBe('LOST')
    })

    it('may be called by a listener', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const seen: string[] = []
      const stopped = new Promise<void>((resolve) => {
        zk.addListener((state) => {
          seen.push(state)
          if (state === 'SUSPENDED') resolve(zk.stop())
        })
      })
      proxy.cut()
      await stopped
      expect(seen).toEqual(['SUSPENDED', 'LOST'])
    })
  })

  describe('restart', () => {
    it('gives a new session', async () => {
      const zk = await ground.connect()
      await zk.create(ground.at('/ephemeral'), '', { ephemeral: true })
      const states = new States(zk)
      const { session } = zk
      expect(await zk.restart()).toBe(zk)
      expect(states.seen).toEqual(['LOST', 'CONNECTED'])
      expect(zk.session?.id).not.toBe(session?.id)
      expect(await zk.exists(ground.at('/ephemeral'))).toBeNull()
    })
  })

  describe.each([...operations, ...compositeOperations])('$name', ({ run, applied }) => {
    it('is refused before start and after stop', async () => {
      const site = await Site.make(ground)
      const zk = ground.client()
      expectClosed(await failure(run(zk, site)))
      await zk.start()
      const stopped = zk.stop()
      expectClosed(await failure(run(zk, site)))
      await stopped
      expectClosed(await failure(run(zk, site)))
      if (applied !== undefined) expect(await applied(ground.admin, site)).toBe(false)
    })
  })
})

/** Waits, turn of the event loop by turn, for something that has no event. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
