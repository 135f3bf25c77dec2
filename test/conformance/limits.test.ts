import { describe, expect, it } from 'vitest'

import { OperationTimeoutError } from '../../src/index.ts'
import { failure, States, suspend } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'
import { compositeOperations, operations, Site } from './support/operations.ts'

onEachServerAndChroot((ground) => {
  describe.each([...operations, ...compositeOperations])('$name', (operation) => {
    it('succeeds within its limits, and leaves no listener on the signal', async () => {
      const zk = await ground.connect()
      const site = await Site.make(ground)
      const controller = new AbortController()
      const added: unknown[] = []
      const { signal } = controller
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        added.push(args[1])
        add(...args)
      }
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        added.splice(added.indexOf(args[1]), 1)
        remove(...args)
      }
      await operation.run(zk, site, { signal, timeout: 60_000 })
      expect(added).toEqual([])
      if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(true)
    })

    it('is not sent when its signal is aborted already', async () => {
      const zk = await ground.connect()
      const site = await Site.make(ground)
      const reason = new Error('changed my mind')
      expect(await failure(operation.run(zk, site, { signal: AbortSignal.abort(reason) }))).toBe(reason)
      await zk.sync('/')
      if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(false)
    })

    it('rejects when aborted under way; its reply is consumed', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const site = await Site.make(ground)
      proxy.toClient.pause()
      const held = proxy.once('held')
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const failed = failure(operation.run(zk, site, { signal: controller.signal }))
      await held
      controller.abort(reason)
      expect(await failed).toBe(reason)
      proxy.toClient.resume()
      // The stream is still in step.
      expect((await zk.get(site.at('/'))).stat.numChildren).toBeGreaterThan(0)
      expect(zk.state).toBe('CONNECTED')
      expect(proxy.accepted).toBe(1)
    })

    it('rejects when its time is up; its reply is consumed', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const site = await Site.make(ground)
      proxy.toClient.pause()
      const held = proxy.once('held')
      const error = await failure(operation.run(zk, site, { timeout: 20 }))
      expect(error).toBeInstanceOf(OperationTimeoutError)
      const maybeApplied = operation.looksFirst !== true
      expect(error).toMatchObject({ code: 'OPERATION_TIMEOUT', errno: -7, retryable: true, maybeApplied })
      await held
      proxy.toClient.resume()
      expect((await zk.get(site.at('/'))).stat.numChildren).toBeGreaterThan(0)
      expect(zk.state).toBe('CONNECTED')
      expect(proxy.accepted).toBe(1)
    })

    it('is never sent when aborted, or out of time, while the connection is down', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const site = await Site.make(ground)
      const states = new States(zk)
      await suspend(zk, proxy)
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const aborted = failure(operation.run(zk, site, { signal: controller.signal }))
      const late = failure(operation.run(zk, site, { timeout: 5 }))
      controller.abort(reason)
      expect(await aborted).toBe(reason)
      expect(await late).toMatchObject({ code: 'OPERATION_TIMEOUT', maybeApplied: false })
      const connected = states.next('CONNECTED')
      await proxy.setMode('forward')
      await connected
      await zk.sync('/')
      if (operation.applied !== undefined) expect(await operation.applied(ground.admin, site)).toBe(false)
    })
  })

  describe.each(operations)('$name', ({ op, path, run }) => {
    it('says in the error what it was', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const site = await Site.make(ground)
      proxy.toClient.pause()
      const error = await failure(run(zk, site, { timeout: 1 }))
      proxy.toClient.resume()
      expect(error).toMatchObject({ op, path: path === undefined ? undefined : site.at(path) })
    })
  })
})
