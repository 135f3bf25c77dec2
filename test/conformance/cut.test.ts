import { describe, expect, it } from 'vitest'

import { ConnectionClosedError, ConnectionLossError, SessionExpiredError } from '../../src/index.ts'
import { failure, States, suspend } from './support/events.ts'
import { onEachServer, onEachServerAndChroot } from './support/ground.ts'
import { type Operation, operations, Site } from './support/operations.ts'

/** What every reply has: the length of the frame, and a header of 16 bytes. */
const header = 20

const expectLoss = (error: unknown, { op, path }: Operation, site: Site): void => {
  expect(error).toBeInstanceOf(ConnectionLossError)
  expect(error).toMatchObject({
    code: 'CONNECTION_LOSS',
    errno: -4,
    retryable: true,
    maybeApplied: true,
    op,
    path: path === undefined ? undefined : site.at(path),
  })
  expect((error as Error).cause).toBeInstanceOf(Error)
}

onEachServerAndChroot((ground) => {
  describe.each(operations)('$name', (operation) => {
    it('is not applied when the request is lost, in whole or in part; made again, it succeeds', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const { session } = zk
      // Nothing of the request, a part of its length, and all but a part of its end.
      for (const bytes of [0, 3, 4, header]) {
        const site = await Site.make(ground, `lost-${bytes}`)
        proxy.toServer.cutAfter(bytes)
        expectLoss(await failure(operation.run(zk, site)), operation, site)
        // The server has read all that it will ever get once the same session is served again.
        await zk.sync('/')
        if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(false)
        await operation.run(zk, site)
        if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(true)
      }
      expect(zk.session).toEqual(session)
    })

    it('may be applied when the reply is lost, in whole or in part, and says so', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const { session } = zk
      const sample = await Site.make(ground, 'cut-count')
      const before = proxy.toClient.bytes
      await operation.run(zk, sample)
      const size = proxy.toClient.bytes - before
      expect(size).toBeGreaterThanOrEqual(header)
      for (const bytes of new Set([0, 1, 4, 12, size - 1])) {
        const site = await Site.make(ground, `cut-${String(bytes).padStart(5, '0')}`)
        proxy.toClient.cutAfter(bytes)
        expectLoss(await failure(operation.run(zk, site)), operation, site)
        if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(true)
        // What is left of the old stream does not reach the new one.
        expect((await zk.exists(site.at('/')))?.numChildren).toBeGreaterThan(0)
      }
      expect(zk.session).toEqual(session)
    })

    it('succeeds when the connection is cut right behind the reply', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const sample = await Site.make(ground, 'whole-0')
      const before = proxy.toClient.bytes
      await operation.run(zk, sample)
      const site = await Site.make(ground, 'whole-1')
      const states = new States(zk)
      const suspended = states.next('SUSPENDED')
      proxy.toClient.cutAfter(proxy.toClient.bytes - before)
      await operation.run(zk, site)
      await suspended
      if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(true)
    })

    it('waits for the connection when it is down, and is then applied once', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const site = await Site.make(ground)
      await suspend(zk, proxy)
      const done = operation.run(zk, site)
      if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(false)
      await proxy.setMode('forward')
      await done
      if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(true)
    })
  })
})

onEachServer((ground) => {
  it('all that was in flight is lost together; what follows is answered in order', async () => {
    const { zk, proxy } = await ground.connectThroughProxy()
    proxy.toClient.pause()
    const held = proxy.once('held')
    const names = Array.from({ length: 200 }, (_, index) => `/node-${index}`)
    const failures = names.map((name) => failure(zk.create(ground.at(name))))
    await held
    proxy.cut({ reset: true })
    proxy.toClient.resume()
    for (const [index, error] of (await Promise.all(failures)).entries()) {
      expect(error).toBeInstanceOf(ConnectionLossError)
      expect(error).toMatchObject({ maybeApplied: true, path: ground.at(names[index] ?? '') })
    }
    const order: number[] = []
    await Promise.all(names.map((name, index) => zk.exists(ground.at(name)).then(() => order.push(index))))
    expect(order).toEqual(names.map((_, index) => index))
  })

  it('what waits when the session is lost is refused and never applied; what comes later is', async () => {
    const { zk, proxy } = await ground.connectThroughProxy({ sessionTimeout: 1_000 })
    const sites = await Promise.all(operations.map((_, index) => Site.make(ground, `site-${index}`)))
    const states = new States(zk)
    const suspended = states.next('SUSPENDED')
    await proxy.setMode('refuse')
    proxy.cut()
    await suspended
    const lost = states.next('LOST')
    const failures = operations.map((operation, index) => failure(operation.run(zk, sites[index]!)))
    const { cause } = await lost
    expect(cause).toBeInstanceOf(SessionExpiredError)
    for (const [index, error] of (await Promise.all(failures)).entries()) {
      const { op, path } = operations[index]!
      expect(error).toBeInstanceOf(SessionExpiredError)
      expect(error).toMatchObject({ code: 'SESSION_EXPIRED', errno: -112, retryable: true, maybeApplied: false, op })
      expect(error).toMatchObject({ path: path === undefined ? undefined : sites[index]!.at(path), cause })
    }
    const later = zk.exists(ground.at('/'))
    await proxy.setMode('forward')
    expect(await later).not.toBeNull()
    for (const [index, { applied }] of operations.entries()) {
      if (applied !== undefined) expect(await applied(ground.admin, sites[index]!)).toBe(false)
    }
  })

  it('what waits when the client is stopped is refused and never applied', async () => {
    const { zk, proxy } = await ground.connectThroughProxy()
    const sites = await Promise.all(operations.map((_, index) => Site.make(ground, `site-${index}`)))
    await suspend(zk, proxy)
    const failures = operations.map((operation, index) => failure(operation.run(zk, sites[index]!)))
    await zk.stop()
    for (const [index, error] of (await Promise.all(failures)).entries()) {
      expect(error).toBeInstanceOf(ConnectionClosedError)
      expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', maybeApplied: false, op: operations[index]!.op })
    }
    for (const [index, { applied }] of operations.entries()) {
      if (applied !== undefined) expect(await applied(ground.admin, sites[index]!)).toBe(false)
    }
  })

  it('a stop is answered although its reply is lost', async () => {
    const { zk, proxy } = await ground.connectThroughProxy()
    await zk.create(ground.at('/ephemeral'), '', { ephemeral: true })
    proxy.toClient.cutAfter(0)
    await zk.stop()
    expect(zk.state).toBe('LOST')
    expect(await ground.admin.exists(ground.full('/ephemeral'))).toBeNull()
  })

  it('requests and replies may come byte by byte', async () => {
    const { zk, proxy } = await ground.connectThroughProxy()
    const sites = await Promise.all(operations.map((_, index) => Site.make(ground, `site-${index}`)))
    proxy.toServer.dribble()
    proxy.toClient.dribble()
    await Promise.all(operations.map((operation, index) => operation.run(zk, sites[index]!)))
    for (const [index, { applied }] of operations.entries()) {
      if (applied !== undefined) expect(await applied(ground.admin, sites[index]!)).toBe(true)
    }
    expect(proxy.accepted).toBe(1)
  })
})
