import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  type KazooClient,
  NoNodeError,
  type RequestMessage,
  type SessionMessage,
  type StateMessage,
  type TracedSession,
} from '../../../../src/index.ts'
import { Channels } from '../../../support/channels.ts'
import { someStat } from '../../../support/scripted-server.ts'
import { answerClose, failure, timeout, uncaughtDuring, world } from '../../../support/world.ts'

const data = { data: Buffer.from('x'), stat: someStat }
const noNode = -101

describe('the channel kazoo-ts:request', () => {
  let channels: Channels

  beforeEach(() => {
    channels = new Channels().tracing('kazoo-ts:request')
  })

  afterEach(() => channels[Symbol.dispose]())

  it('tells of a request: where it went, what it was, and when it was answered', () =>
    world(async ({ connect, client }) => {
      const connection = await connect()
      const reading = client.get('/a')
      expect(channels.events).toEqual(['start', 'end'])
      expect(channels.last('start')).toMatchObject({ op: 'get', path: '/a', chroot: '', xid: null, server: null })
      expect(channels.last('end')).toMatchObject({ xid: 1, zxid: null, duration: null })
      connection.answer(await connection.expect('getData'), 'getData', data, 7n)
      await reading
      expect(channels.events).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
      const message = channels.last('asyncEnd')
      expect(message).toMatchObject({ sessionId: 0x1_0000n, xid: 1, zxid: 7n })
      expect(message['duration']).toBeCloseTo(2)
      expect(message['server']).toMatchObject({ port: 2181 })
      expect(message).not.toHaveProperty('error')
      expect(message).not.toHaveProperty('result')
    }))

  it('tells the path as the caller gave it, beside what it is under', () =>
    world(
      async ({ connect, client }) => {
        const connection = await connect()
        const reading = client.withChroot('/b').get('/c')
        const request = await connection.expect('getData')
        expect(request.values.path).toBe('/a/b/c')
        expect(channels.last('start')).toMatchObject({ path: '/c', chroot: '/a/b' })
        connection.answer(request, 'getData', data)
        await reading
      },
      { hosts: 'server/a' },
    ))

  it.each<[string, (zk: KazooClient) => Promise<unknown>]>([
    ['getAllChildrenNumber', (zk) => zk.getAllChildrenNumber('/c')],
    ['getEphemerals', (zk) => zk.getEphemerals('/c')],
    ['multiRead', (zk) => zk.multiRead().get('/c').commit()],
    ['transaction', (zk) => zk.transaction().check('/c').commit()],
  ])('tells of %s, too, what it is under', (op, run) =>
    world(
      async ({ server: scripted, connect, client }) => {
        scripted.words.set('srvr', 'Zookeeper version: 3.9.5')
        const connection = await connect()
        const running = failure(run(client.withChroot('/b')))
        connection.fail(await connection.request(), noNode)
        await running
        expect(channels.last('start')).toMatchObject({ op, chroot: '/a/b' })
      },
      { hosts: 'server/a' },
    ),
  )

  it('tells of an error of the server, with its zxid', () =>
    world(async ({ connect, client }) => {
      const connection = await connect()
      const failed = failure(client.get('/a'))
      connection.fail(await connection.expect('getData'), noNode, 9n)
      const error = await failed
      expect(error).toBeInstanceOf(NoNodeError)
      expect(channels.events).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
      for (const event of ['error', 'asyncEnd']) expect(channels.last(event)).toMatchObject({ zxid: 9n, error })
    }))

  it('counts what is a value after all as none', () =>
    world(async ({ connect, client }) => {
      const connection = await connect()
      const asking = client.exists('/a')
      connection.fail(await connection.expect('exists'), noNode)
      expect(await asking).toBeNull()
      expect(channels.events).not.toContain('error')
    }))

  it('tells of one that waited where it went in the end', () =>
    world(async ({ server: scripted, client }) => {
      const started = client.start()
      const reading = client.get('/a')
      expect(channels.last('end')).toMatchObject({ xid: null, server: null, sessionId: null })
      const connection = await scripted.next()
      await connection.accept({ timeout })
      await started
      connection.answer(await connection.expect('getData'), 'getData', data)
      await reading
      expect(channels.last('asyncEnd')).toMatchObject({ xid: 1, sessionId: 0x1_0000n, zxid: 1n })
    }))

  it('tells of a lost connection which server it was lost to, and no zxid', () =>
    world(async ({ connect, client }) => {
      const connection = await connect()
      const failed = failure(client.get('/a'))
      await connection.expect('getData')
      connection.socket.destroy()
      const error = await failed
      const message = channels.last('asyncEnd')
      expect(message).toMatchObject({ xid: 1, sessionId: 0x1_0000n, zxid: null, error })
      expect(message['server']).toMatchObject({ port: 2181 })
    }))

  it.each([
    ['timed out', { timeout: 5 }],
    ['aborted', { signal: AbortSignal.abort(new Error('enough')) }],
  ])('tells of one that was %s once, when it was', (_, options) =>
    world(async ({ connect, client }) => {
      const connection = await connect()
      const error = await failure(client.get('/a', options))
      expect(channels.last('error')).toMatchObject({ error, zxid: null })
      if ('timeout' in options) {
        connection.answer(await connection.expect('getData'), 'getData', data)
        const other = client.get('/b')
        connection.answer(await connection.expect('getData'), 'getData', data)
        await other
      }
      expect(channels.told.filter(([event, { path }]) => event === 'asyncEnd' && path === '/a')).toHaveLength(1)
    }),
  )

  it('tells of one that is refused at once in the order of all others', () =>
    world(
      async ({ connect, client }) => {
        const connection = await connect()
        const first = client.get('/a')
        const second = failure(client.get('/b'))
        const events = channels.told.filter(([, { path }]) => path === '/b').map(([event]) => event)
        expect(events).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
        expect(channels.last('asyncEnd')).toMatchObject({ xid: null, server: null, duration: 0 })
        expect(await second).toMatchObject({ code: 'QUEUE_FULL' })
        connection.answer(await connection.expect('getData'), 'getData', data)
        await first
      },
      { maxPending: 1 },
    ))

  it('shows how many requests are under way, and how many wait', () =>
    world(async ({ client, server: scripted }) => {
      const started = client.start()
      const calls = [client.get('/a'), client.get('/b')]
      const session = channels.last('start')['session'] as TracedSession
      expect(session).toMatchObject({ id: null, state: 'LOST', server: null, inFlight: 0, queued: 2 })
      const connection = await scripted.next()
      await connection.accept({ timeout })
      await started
      expect(session).toMatchObject({ id: 0x1_0000n, state: 'CONNECTED', inFlight: 2, queued: 0 })
      expect(session.server).toMatchObject({ port: 2181 })
      for (const _ of calls) connection.answer(await connection.expect('getData'), 'getData', data)
      await Promise.all(calls)
      expect(session.inFlight).toBe(0)
    }))

  it('holds neither what is sent, nor what is received, nor credentials', () =>
    world(async ({ connect, client }) => {
      const connection = await connect()
      const adding = client.addAuth('digest', 'user:tr0ub4dor')
      connection.answer(await connection.expect('auth'), 'auth', undefined)
      await adding
      const setting = client.set('/a', 'classified')
      connection.answer(await connection.expect('setData'), 'setData', { stat: someStat })
      await setting
      expect(channels.told.map(([event, { op }]) => (event === 'asyncEnd' ? op : null))).toEqual([
        null,
        null,
        null,
        'addAuth',
        null,
        null,
        null,
        'set',
      ])
      const shown = inspect(channels.told, { depth: Infinity, showHidden: true })
      expect(shown).not.toMatch(/tr0ub4dor|classified/)
    }))
})

describe('the asynchronous context of a traced request', () => {
  it('is the caller’s in all of its events, and has what is bound to its start', () =>
    world(async ({ connect, client }) => {
      const connection = await connect()
      const caller = new AsyncLocalStorage<string>()
      const span = new AsyncLocalStorage<string>()
      const channel = tracingChannel<string, RequestMessage>('kazoo-ts:request')
      const seen: unknown[] = []
      const note = (event: string) => () => void seen.push([event, caller.getStore(), span.getStore()])
      const listeners = {
        start: note('start'),
        end: note('end'),
        asyncStart: note('asyncStart'),
        asyncEnd: note('asyncEnd'),
        error: note('error'),
      }
      channel.subscribe(listeners)
      channel.start.bindStore(span, ({ op, path }) => `${op} ${path}`)
      try {
        const reading = caller.run('me', () => failure(client.get('/a')))
        connection.fail(await connection.expect('getData'), noNode)
        await reading
      } finally {
        channel.unsubscribe(listeners)
        channel.start.unbindStore(span)
      }
      expect(seen).toEqual([
        ['start', 'me', 'get /a'],
        ['end', 'me', 'get /a'],
        ['error', 'me', 'get /a'],
        ['asyncStart', 'me', 'get /a'],
        ['asyncEnd', 'me', 'get /a'],
      ])
      expect(span.getStore()).toBeUndefined()
    }))

  it('keeps a subscriber that throws from breaking the request', async () => {
    const broken = (): never => {
      throw new Error('the subscriber broke')
    }
    const listeners = { start: broken, end: broken, asyncStart: broken, asyncEnd: broken, error: broken }
    const uncaught = await uncaughtDuring(() =>
      world(async ({ connect, client }) => {
        const connection = await connect()
        tracingChannel('kazoo-ts:request').subscribe(listeners)
        try {
          const reading = client.get('/a')
          connection.answer(await connection.expect('getData'), 'getData', data)
          expect((await reading).data.toString()).toBe('x')
        } finally {
          tracingChannel('kazoo-ts:request').unsubscribe(listeners)
        }
      }),
    )
    expect(uncaught).toHaveLength(4)
  })
})

describe('the channel kazoo-ts:connection', () => {
  it('tells of each attempt, and how it ended', async () => {
    using channels = new Channels().tracing('kazoo-ts:connection').plain('kazoo-ts:connection:lost')
    await world(async ({ client, server: scripted, sim }) => {
      const started = client.start()
      const refused = await scripted.next()
      expect(channels.events).toEqual(['start', 'end'])
      expect(channels.last('start')).toMatchObject({ tls: false, reconnect: false, duration: null })
      refused.socket.destroy()
      const connection = await scripted.next()
      expect(channels.events.slice(2)).toEqual(['error', 'asyncStart', 'asyncEnd', 'start', 'end'])
      expect(channels.last('error')['error']).toBeInstanceOf(Error)
      await connection.accept({ timeout })
      await started
      expect(channels.events.slice(7)).toEqual(['asyncStart', 'asyncEnd'])
      const established = channels.last('asyncEnd')
      expect(established).not.toHaveProperty('error')
      expect(established['duration']).toBeGreaterThan(0)
      expect(channels.events).not.toContain('kazoo-ts:connection:lost')
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      expect(channels.last('kazoo-ts:connection:lost')).toMatchObject({ server: established['server'] })
      const again = await scripted.next()
      expect(channels.last('start')).toMatchObject({ reconnect: true })
      await again.accept({ timeout })
      await sim.until(() => client.connected)
      const stopping = client.stop()
      await answerClose(again)
      await stopping
      expect(channels.events.filter((event) => event === 'kazoo-ts:connection:lost')).toHaveLength(1)
    })
  })

  it('tells the end of an attempt that is cut short', async () => {
    using channels = new Channels().tracing('kazoo-ts:connection')
    await world(async ({ client, server: scripted }) => {
      const started = failure(client.start())
      await scripted.next()
      await client.stop()
      await started
      expect(channels.events).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    })
  })
})

describe('the channels of sessions and states', () => {
  it('tell the life of a session', async () => {
    using channels = new Channels().plain('kazoo-ts:session', 'kazoo-ts:state')
    await world(async ({ client, server: scripted, sim, connect }) => {
      const first = await connect()
      first.socket.destroy()
      await (await scripted.next()).accept({ timeout })
      await sim.until(() => client.connected)
      scripted.connections[1]!.socket.destroy()
      await (await scripted.next()).refuse()
      const third = await scripted.next()
      await third.accept({ timeout, sessionId: 0x2_0000n })
      await sim.until(() => client.connected)
      const stopping = client.stop()
      await answerClose(third)
      await stopping
    })
    const told = channels.told.map(([, message]) => {
      const { event, sessionId, state, previous, stopped } = message as Partial<SessionMessage & StateMessage>
      return event === undefined ? `${previous} → ${state} ${stopped}` : `${event} ${sessionId}`
    })
    expect(told).toEqual([
      'created 65536',
      'LOST → CONNECTED false',
      'CONNECTED → SUSPENDED false',
      'resumed 65536',
      'SUSPENDED → CONNECTED false',
      'CONNECTED → SUSPENDED false',
      'expired 65536',
      'SUSPENDED → LOST false',
      'created 131072',
      'LOST → CONNECTED false',
      'closed 131072',
      'CONNECTED → LOST true',
    ])
    expect(channels.last('kazoo-ts:state')['error']).toBeUndefined()
  })
})
