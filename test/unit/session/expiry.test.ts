import { describe, expect, it } from 'vitest'

import {
  ConnectionClosedError,
  ConnectionLossError,
  SessionExpiredError,
  type ZooKeeperError,
} from '../../../src/index.ts'
import { someStat } from '../../support/scripted-server.ts'
import { answerPings, failure, timeout, world } from '../../support/world.ts'

const data = { data: Buffer.from('x'), stat: someStat }

const outcome = (promise: Promise<unknown>): Promise<ZooKeeperError> => failure<ZooKeeperError>(promise)

describe('expiry by the local clock', () => {
  it('tells SUSPENDED when the peer is silent, and LOST when the session timeout has passed', () =>
    world(async ({ sim, client, states, connect }) => {
      await connect()
      const grantedAt = sim.now
      sim.network.partition(['client'], ['server'])
      await sim.until(() => client.state === 'SUSPENDED')
      expect(sim.now - grantedAt).toBeGreaterThanOrEqual((timeout * 2) / 3 - 5)
      expect(sim.now - grantedAt).toBeLessThan((timeout * 2) / 3 + 5)
      await sim.until(() => client.state === 'LOST')
      // From the sending of the last answered request, which is earlier than the answer.
      expect(sim.now - grantedAt).toBeLessThanOrEqual(timeout)
      expect(sim.now - grantedAt).toBeGreaterThan(timeout - 10)
      expect(states).toEqual([
        ['CONNECTED', undefined],
        ['SUSPENDED', 'Error'],
        ['LOST', 'SessionExpiredError'],
      ])
      expect(client.session).toBeNull()
    }))

  it('keeps an idle session alive with pings', () =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      void answerPings(connection)
      await sim.sleep(timeout * 10)
      expect(client.state).toBe('CONNECTED')
    }))

  it('expires a session whose server answers nothing but keeps sending', () =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      const grantedAt = sim.now
      // Half a frame at a time: bytes are received, but no answer ever is.
      void (async () => {
        connection.socket.write(Buffer.from([0, 0, 1, 0]))
        for (let i = 0; i < 100; i++) {
          await sim.sleep(100)
          connection.socket.write(Buffer.from([0]))
        }
      })()
      await sim.until(() => client.state === 'LOST')
      expect(sim.now - grantedAt).toBeLessThanOrEqual(timeout)
    }))

  it('learns of LOST before it believes an answer, after the process was paused', () =>
    world(async ({ sim, client, states, connect }) => {
      const connection = await connect()
      const get = outcome(client.get('/a'))
      const request = await connection.expect('getData')
      sim.pause('client', timeout * 2)
      connection.answer(request, 'getData', data)
      const error = await get
      expect(error).toBeInstanceOf(ConnectionLossError)
      expect(error.maybeApplied).toBe(true)
      expect(client.state).not.toBe('CONNECTED')
      expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'LOST'])
    }))

  it('asks an idle peer before it takes it for dead, after a pause shorter than the session timeout', () =>
    world(async ({ sim, states, connect }) => {
      void answerPings(await connect())
      await sim.sleep(10)
      sim.pause('client', timeout * 0.8)
      await sim.sleep(timeout * 0.9)
      expect(states.map(([state]) => state)).toEqual(['CONNECTED'])
    }))

  it('reads the socket before it takes the peer for dead, when the answer to a ping waits there', () =>
    world(async ({ sim, states, connect }) => {
      const connection = await connect()
      const ping = await connection.next()
      // The timer for the dead peer is overdue when the process goes on.
      sim.pause('client', timeout / 2)
      connection.answer(ping, 'ping', undefined)
      void answerPings(connection)
      await sim.sleep(timeout)
      expect(states.map(([state]) => state)).toEqual(['CONNECTED'])
    }))

  it('does not take answers to credentials for a sign of life: the server does not touch the session for them', () =>
    world(async ({ sim, client, states, connect }) => {
      const connection = await connect()
      const grantedAt = sim.now
      let lostAt = 0
      client.addListener((state) => {
        if (state === 'LOST') lostAt = sim.now
      })
      void (async () => {
        for (;;) {
          const request = await connection.next()
          if (request.op === 'auth') connection.answer(request, 'auth', undefined)
        }
      })()
      let accepted = 0
      while (client.state !== 'LOST' && sim.now < grantedAt + timeout * 2) {
        await client.addAuth('digest', 'user:secret').then(
          () => accepted++,
          () => {},
        )
        await sim.sleep(timeout / 20)
      }
      expect(accepted).toBeGreaterThan(10)
      expect(states.at(-1)).toEqual(['LOST', 'SessionExpiredError'])
      expect(lostAt - grantedAt).toBeLessThanOrEqual(timeout)
    }))

  it('notices a silent peer although requests keep being sent', () =>
    world(async ({ sim, client, connect }) => {
      await connect()
      const grantedAt = sim.now
      sim.network.sever('client', 'server')
      void (async () => {
        while (client.connected) {
          client.exists('/a').catch(() => {})
          await sim.sleep(100)
        }
      })()
      await sim.until(() => client.state === 'SUSPENDED')
      expect(sim.now - grantedAt).toBeLessThan((timeout * 2) / 3 + 5)
    }))

  it('never resumes a session that it has told LOST', () =>
    world(async ({ sim, server, client, connect }) => {
      const first = await connect()
      const get = client.get('/a')
      first.answer(await first.expect('getData'), 'getData', data, 42n)
      await get
      sim.network.partition(['client'], ['server'])
      await sim.until(() => client.state === 'LOST')
      sim.network.heal()
      let request
      do {
        const connection = await server.next()
        request = await Promise.race([connection.handshake, connection.closed.then(() => undefined)])
        if (request !== undefined && request.sessionId === 0n) await connection.accept({ sessionId: 0x2n })
        else connection.socket.destroy()
      } while (request?.sessionId !== 0n)
      await sim.until(() => client.state === 'CONNECTED')
      // What the old one had seen, a server that lags behind need not know to grant a new one.
      expect(request.lastZxidSeen).toBe(0n)
      expect(client.session?.id).toBe(0x2n)
    }))

  it('resumes the session after a drop that was shorter', () =>
    world(async ({ sim, server, client, states, connect }) => {
      const connection = await connect()
      const get = client.get('/a')
      connection.answer(await connection.expect('getData'), 'getData', data, 42n)
      await get
      connection.socket.destroy()
      const second = await server.next()
      const request = await second.accept({ timeout })
      expect(request.sessionId).toBe(0x1_0000n)
      expect(request.password).toEqual(Buffer.alloc(16, 7))
      expect(request.lastZxidSeen).toBe(42n)
      await sim.until(() => client.state === 'CONNECTED')
      expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'CONNECTED'])
    }))
})

describe('requests across a drop', () => {
  it('tells those that were sent from those that were not', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      const sent = outcome(client.set('/a', 'x'))
      await connection.expect('setData')
      connection.socket.destroy()
      const error = await sent
      expect(error).toBeInstanceOf(ConnectionLossError)
      expect(error).toMatchObject({ maybeApplied: true, op: 'set', path: '/a' })
      // Made while suspended: it waits for the next connection.
      const later = client.set('/b', 'y')
      const second = await server.next()
      await second.accept({ timeout })
      second.answer(await second.expect('setData'), 'setData', { stat: someStat })
      await later
    }))

  it('sends nothing of an operation that was aborted while it waited', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const controller = new AbortController()
      const first = outcome(client.set('/aborted', 'x', { signal: controller.signal }))
      const second = client.set('/kept', 'y')
      controller.abort(new Error('changed my mind'))
      expect((await first).message).toBe('changed my mind')
      const next = await server.next()
      await next.accept({ timeout })
      const request = await next.expect('setData')
      expect(request.values.path).toBe('/kept')
      next.answer(request, 'setData', { stat: someStat })
      await second
    }))

  it('keeps a copy of the data of a request that waits', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const bytes = Buffer.from('before')
      const setting = client.set('/a', bytes)
      bytes.fill('x')
      const next = await server.next()
      await next.accept({ timeout })
      const request = await next.expect('setData')
      expect(String(request.values.data)).toBe('before')
      next.answer(request, 'setData', { stat: someStat })
      await setting
    }))

  it('rejects what waits at LOST, and lets later requests wait for the new session', () =>
    world(async ({ sim, client, server, connect }) => {
      await connect()
      sim.network.partition(['client'], ['server'])
      await sim.until(() => client.state === 'SUSPENDED')
      const waiting = outcome(client.set('/a', 'x'))
      const error = await waiting
      expect(error).toBeInstanceOf(SessionExpiredError)
      expect(error.maybeApplied).toBe(false)
      expect(client.state).toBe('LOST')
      const later = client.set('/b', 'y')
      sim.network.heal()
      for (;;) {
        const connection = await server.next()
        const request = await Promise.race([connection.handshake, connection.closed.then(() => undefined)])
        if (request?.sessionId !== 0n) continue
        await connection.accept({ timeout, sessionId: 0x2n })
        connection.answer(await connection.expect('setData'), 'setData', { stat: someStat })
        break
      }
      await later
    }))

  it('consumes the reply of an aborted request, so that the stream stays in step', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const controller = new AbortController()
      const aborted = outcome(client.get('/a', { signal: controller.signal }))
      const kept = client.get('/b')
      const first = await connection.expect('getData')
      const second = await connection.expect('getData')
      controller.abort(new Error('no more'))
      await aborted
      connection.answer(first, 'getData', data)
      connection.answer(second, 'getData', { ...data, data: Buffer.from('b') })
      expect(String((await kept).data)).toBe('b')
    }))

  it('rejects every request before start and after stop', () =>
    world(async ({ client, connect }) => {
      expect(await outcome(client.get('/a'))).toBeInstanceOf(ConnectionClosedError)
      const connection = await connect()
      const stopped = client.stop()
      connection.answer(await connection.expect('closeSession'), 'closeSession', undefined)
      await stopped
      expect(await outcome(client.get('/a'))).toBeInstanceOf(ConnectionClosedError)
      expect(client.state).toBe('LOST')
    }))

  it('ends stop within the session timeout when the server never answers', () =>
    world(async ({ sim, client, connect }) => {
      await connect()
      sim.network.partition(['client'], ['server'])
      const before = sim.now
      await client.stop()
      expect(sim.now - before).toBeLessThanOrEqual(timeout)
    }))
})
