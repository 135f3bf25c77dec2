import { getEventListeners } from 'node:events'

import { describe, expect, it } from 'vitest'

import { OperationTimeoutError, QueueFullError, SessionExpiredError } from '../../../src/index.ts'
import { replyFrame, someStat } from '../../support/scripted-server.ts'
import { failure, timeout, world } from '../../support/world.ts'

const maxBuffer = 1_000

describe('a request above maxBuffer', () => {
  it('is refused with an error that names the data, and the connection stays', () =>
    world(
      async ({ client, connect, states }) => {
        const connection = await connect()
        const before = client.set('/before', 'x')
        const error = await failure(client.set('/large', Buffer.alloc(maxBuffer)))
        expect(error).toBeInstanceOf(RangeError)
        expect(error.message).toBe('data: set /large takes 1026 bytes, and maxBuffer allows 1000')
        const after = client.set('/after', 'x')
        for (const [path, xid] of [
          ['/before', 1],
          ['/after', 2],
        ] as const) {
          const request = await connection.expect('setData')
          expect([request.values.path, request.xid]).toEqual([path, xid])
          connection.answer(request, 'setData', { stat: someStat })
        }
        await Promise.all([before, after])
        expect(states).toEqual([['CONNECTED', undefined]])
      },
      { maxBuffer },
    ))

  it('is refused at once while it would have to wait, too', () =>
    world(
      async ({ sim, client, server, connect }) => {
        const connection = await connect()
        connection.socket.destroy()
        await sim.until(() => client.state === 'SUSPENDED')
        const error = await failure(client.create('/large', Buffer.alloc(maxBuffer)))
        expect(error).toBeInstanceOf(RangeError)
        expect(error.message).toMatch(/^data: create \/large takes \d+ bytes, and maxBuffer allows 1000$/)
        expect(client.state).toBe('SUSPENDED')
        const waiting = client.set('/small', 'x')
        const next = await server.next()
        await next.accept({ timeout })
        const request = await next.expect('setData')
        expect(request.values.path).toBe('/small')
        next.answer(request, 'setData', { stat: someStat })
        await waiting
      },
      { maxBuffer },
    ))

  it('is measured to the byte, and the same when it waits', () =>
    world(
      async ({ sim, client, server, connect }) => {
        const connection = await connect()
        // 8 of header, 6 of path, 4 of length, 4 of version.
        const fits = Buffer.alloc(maxBuffer - 22)
        const tooMuch = Buffer.alloc(maxBuffer - 21)
        const sent = client.set('/a', fits)
        expect(await failure(client.set('/a', tooMuch))).toBeInstanceOf(RangeError)
        connection.answer(await connection.expect('setData'), 'setData', { stat: someStat })
        await sent
        connection.socket.destroy()
        await sim.until(() => client.state === 'SUSPENDED')
        const queued = client.set('/a', fits)
        expect(await failure(client.set('/a', tooMuch))).toBeInstanceOf(RangeError)
        const next = await server.next()
        await next.accept({ timeout })
        next.answer(await next.expect('setData'), 'setData', { stat: someStat })
        await queued
      },
      { maxBuffer },
    ))

  it('counts a transaction as a whole', () =>
    world(
      async ({ client, connect }) => {
        await connect()
        const half = Buffer.alloc(maxBuffer / 2)
        const error = await failure(client.transaction().set('/a', half).set('/b', half).commit())
        expect(error).toBeInstanceOf(RangeError)
        expect(error.message).toMatch(/^data: transaction takes \d+ bytes/)
      },
      { maxBuffer },
    ))

  it('is one byte less than a mebibyte by default', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const fits = client.set('/a', Buffer.alloc(0xf_ffff - 22))
      expect(await failure(client.set('/a', Buffer.alloc(0xf_ffff - 21)))).toBeInstanceOf(RangeError)
      connection.answer(await connection.expect('setData'), 'setData', { stat: someStat })
      await fits
    }))
})

describe('maxPending', () => {
  it('refuses what is too much in flight, and takes more when there is room', () =>
    world(
      async ({ client, connect }) => {
        const connection = await connect()
        const taken = [1, 2, 3].map((i) => client.exists(`/${i}`))
        const error = await failure<QueueFullError>(client.exists('/4'))
        expect(error).toBeInstanceOf(QueueFullError)
        expect(error).toMatchObject({ op: 'exists', path: '/4', maybeApplied: false, retryable: true })
        connection.fail(await connection.expect('exists'), -101)
        await taken[0]
        taken.push(client.exists('/5'))
        for (const path of ['/2', '/3', '/5']) {
          const request = await connection.expect('exists')
          expect(request.values.path).toBe(path)
          connection.fail(request, -101)
        }
        expect(await Promise.all(taken)).toEqual([null, null, null, null])
      },
      { maxPending: 3 },
    ))

  it('refuses what is too much in the queue, which aborted requests leave', () =>
    world(
      async ({ sim, client, server, connect }) => {
        const connection = await connect()
        connection.socket.destroy()
        await sim.until(() => client.state === 'SUSPENDED')
        const controller = new AbortController()
        const aborted = failure(client.exists('/1', { signal: controller.signal }))
        const timedOut = failure(client.exists('/2', { timeout: 1 }))
        const kept = client.exists('/3')
        expect(await failure(client.exists('/4'))).toBeInstanceOf(QueueFullError)
        controller.abort(new Error('no more'))
        expect(await aborted).toMatchObject({ message: 'no more' })
        expect(await timedOut).toBeInstanceOf(OperationTimeoutError)
        const late = [client.exists('/5'), client.exists('/6')]
        expect(await failure(client.exists('/7'))).toBeInstanceOf(QueueFullError)
        const next = await server.next()
        await next.accept({ timeout })
        for (const path of ['/3', '/5', '/6']) {
          const request = await next.expect('exists')
          expect(request.values.path).toBe(path)
          next.fail(request, -101)
        }
        await Promise.all([kept, ...late])
      },
      { maxPending: 3 },
    ))

  it('does not let a thousand aborted requests keep a thousand others out', () =>
    world(
      async ({ sim, client, connect }) => {
        const connection = await connect()
        connection.socket.destroy()
        sim.network.partition(['client'], ['server'])
        await sim.until(() => client.state === 'SUSPENDED')
        for (let round = 0; round < 50; round++) {
          const calls = Array.from({ length: 20 }, () => failure(client.exists('/a', { timeout: 1 })))
          for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(OperationTimeoutError)
        }
      },
      { maxPending: 20 },
    ))

  it('is at least 100,000 by default', { timeout: 120_000 }, () =>
    world(async ({ sim, client, connect }) => {
      await connect()
      sim.network.partition(['client'], ['server'])
      await sim.until(() => client.state === 'SUSPENDED')
      const waiting = Array.from({ length: 100_000 }, () => client.exists('/a').catch((error: unknown) => error))
      expect(await failure(client.exists('/a'))).toBeInstanceOf(QueueFullError)
      const outcomes = await Promise.all(waiting)
      expect(outcomes.every((error) => error instanceof SessionExpiredError)).toBe(true)
    }),
  )
})

describe('timeout and signal of a request', () => {
  it('say whether it may have been applied', () =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      const sent = await failure<OperationTimeoutError>(client.set('/a', '', { timeout: 50 }))
      expect(sent).toBeInstanceOf(OperationTimeoutError)
      expect(sent).toMatchObject({ op: 'set', path: '/a', maybeApplied: true })
      expect(sent.message).toBe('timed out after 50 ms: set /a')
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const queued = await failure<OperationTimeoutError>(client.set('/a', '', { timeout: 1 }))
      expect(queued).toMatchObject({ maybeApplied: false })
    }))

  it('send nothing when the signal is aborted already', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const reason = new Error('no more')
      const signal = AbortSignal.abort(reason)
      const calls = [
        client.get('/a', { signal }),
        client.create('/a', '', { signal, makePath: true }),
        client.sync('/a', { signal }),
      ]
      for (const call of calls) expect(await failure(call)).toBe(reason)
      const marker = client.exists('/marker')
      const request = await connection.expect('exists')
      connection.fail(request, -101)
      await marker
    }))

  it('leave one listener on a signal, however many requests have it, and none in the end', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const controller = new AbortController()
      const { signal } = controller
      const calls = Array.from({ length: 20 }, (_, i) => client.exists(`/${i}`, { signal }).catch(() => 'aborted'))
      expect(getEventListeners(signal, 'abort')).toHaveLength(1)
      for (let i = 0; i < 10; i++) connection.fail(await connection.expect('exists'), -101)
      await calls[9]
      controller.abort()
      const outcomes = await Promise.all(calls)
      expect(outcomes).toEqual(Array.from({ length: 20 }, (_, i) => (i < 10 ? null : 'aborted')))
      expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    }))

  it('remove their listener and their timer when the reply comes', () =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      const { signal } = new AbortController()
      let listeners = 0
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners++
        add(...args)
      }
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        listeners--
        remove(...args)
      }
      const get = client.get('/a', { signal, timeout: 100 })
      expect(listeners).toBe(1)
      const { xid } = await connection.expect('getData')
      connection.socket.write(replyFrame(xid, 'getData', { data: Buffer.from('x'), stat: someStat }))
      expect(String((await get).data)).toBe('x')
      expect(listeners).toBe(0)
      await sim.sleep(200)
      expect(client.state).toBe('CONNECTED')
    }))
})
