import { describe, expect, it } from 'vitest'

import { KazooClient, OperationTimeoutError } from '../../../src/index.ts'
import { someStat } from '../../support/scripted-server.ts'
import { answerClose, failure, timeout, world } from '../../support/world.ts'

/** Whether a promise has resolved by now; told without waiting for time to pass. */
function watched(promise: Promise<unknown>): { done: boolean } {
  const seen = { done: false }
  void promise.then(() => {
    seen.done = true
  })
  return seen
}

describe('requestTimeout', () => {
  it('ends requests that have no timeout of their own, and says how long it was', () =>
    world(
      async ({ client, connect, sim }) => {
        await connect()
        const since = sim.now
        const error = await failure(client.get('/a'))
        expect(error).toBeInstanceOf(OperationTimeoutError)
        expect(error).toMatchObject({ op: 'get', path: '/a', maybeApplied: true })
        expect(error.message).toBe('timed out after 700 ms: get /a')
        expect(sim.now - since).toBe(700)
        const composite = await failure(client.ensurePath('/a/b'))
        expect(composite).toMatchObject({ op: 'ensurePath', path: '/a/b' })
        expect(composite.message).toMatch(/timed out after 700 ms/)
      },
      { requestTimeout: 700 },
    ))

  it('gives way to a timeout of the call, longer or shorter', () =>
    world(
      async ({ client, connect }) => {
        await connect()
        for (const own of [300, 1_500]) {
          const error = await failure(client.get('/a', { timeout: own }))
          expect(error.message).toBe(`timed out after ${own} ms: get /a`)
        }
      },
      { requestTimeout: 700 },
    ))

  it('counts from the call: it ends requests that wait for a connection, which are never sent', () =>
    world(
      async ({ sim, client, server, connect }) => {
        const first = await connect()
        first.socket.destroy()
        await sim.until(() => client.state === 'SUSPENDED')
        const error = await failure(client.set('/a', 'x'))
        expect(error).toMatchObject({ code: 'OPERATION_TIMEOUT', maybeApplied: false })
        const second = await server.next()
        await second.accept({ timeout })
        const exists = client.exists('/b')
        const request = await second.request()
        expect(request.op).toBe('exists')
        second.answer(request, 'exists', { stat: someStat })
        await exists
      },
      { requestTimeout: 50 },
    ))

  it('is checked', () => {
    expect(() => new KazooClient({ requestTimeout: -1 })).toThrow(RangeError)
    expect(() => new KazooClient({ requestTimeout: '1' as never })).toThrow(/requestTimeout must be a number/)
  })
})

describe('drained', () => {
  it('resolves as soon as fewer requests are pending, in flight or waiting', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const answers = ['/a', '/b', '/c'].map((path) => client.exists(path))
      expect(client.pending).toBe(3)
      const one = watched(client.drained({ below: 3 }))
      const all = watched(client.drained({ below: 1 }))
      const now = watched(client.drained({ below: 4 }))
      for (const [index, answer] of answers.entries()) {
        const request = await connection.expect('exists')
        expect(now.done).toBe(true)
        expect(one.done).toBe(index > 0)
        connection.answer(request, 'exists', { stat: someStat })
        await answer
      }
      await client.drained({ below: 1 })
      expect(all.done).toBe(true)
      expect(client.pending).toBe(0)
    }))

  it('is by default half of what may be pending', () =>
    world(
      async ({ client, connect }) => {
        const connection = await connect()
        const answers = ['/a', '/b', '/c'].map((path) => client.exists(path))
        const drained = watched(client.drained())
        for (const [index, answer] of answers.entries()) {
          const request = await connection.expect('exists')
          expect(drained.done).toBe(index === 2)
          connection.answer(request, 'exists', { stat: someStat })
          await answer
          if (index === 1) await client.drained()
          else expect(drained.done).toBe(index === 2)
        }
      },
      { maxPending: 4 },
    ))

  it('counts those that failed with their connection no more, and waits for those that wait', () =>
    world(async ({ sim, client, server, connect }) => {
      const first = await connect()
      const lost = failure(client.exists('/a'))
      const drained = client.drained({ below: 1 })
      first.socket.destroy()
      await lost
      await drained
      await sim.until(() => client.state === 'SUSPENDED')
      const waiting = client.exists('/b')
      const empty = watched(client.drained({ below: 1 }))
      const second = await server.next()
      await second.accept({ timeout })
      const request = await second.expect('exists')
      expect(empty.done).toBe(false)
      second.answer(request, 'exists', { stat: someStat })
      await waiting
      await client.drained({ below: 1 })
      expect(empty.done).toBe(true)
    }))

  it('resolves when what waits is aborted, and when the client stops', () =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const abort = new AbortController()
      const aborted = failure(client.exists('/a', { signal: abort.signal }))
      const drained = client.drained({ below: 1 })
      abort.abort(new Error('enough'))
      await aborted
      await drained
      const refused = failure(client.exists('/b'))
      const ended = client.drained({ below: 1 })
      await client.stop()
      await ended
      await refused
      await client.drained()
    }))

  it('rejects when its own time is up, when it is aborted, and for wrong arguments', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const answer = client.exists('/a')
      const request = await connection.expect('exists')
      const error = await failure(client.drained({ below: 1, timeout: 10 }))
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject({ op: 'drained', message: '1 requests are pending after 10 ms' })
      const reason = new Error('enough')
      expect(await failure(client.drained({ below: 1, signal: AbortSignal.abort(reason) }))).toBe(reason)
      expect(await failure(client.drained({ below: 0 }))).toBeInstanceOf(RangeError)
      expect(await failure(client.drained({ below: 'x' as never }))).toBeInstanceOf(TypeError)
      connection.answer(request, 'exists', { stat: someStat })
      await answer
      const stopping = client.stop()
      await answerClose(connection)
      await stopping
    }))
})
