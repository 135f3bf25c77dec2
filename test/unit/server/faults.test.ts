import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { RequestOf } from '../../../src/protocol/operations.ts'
import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'
import type { Runtime } from '../../../src/runtime/runtime.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { command } from '../../support/four-letter-word.ts'
import { openAcl, RawClient } from '../../support/raw-client.ts'

let ahead = 0
let delays: number[] = []
let onDelay = (_: number): void => {}
const runtime: Runtime = {
  ...nodeRuntime,
  now: () => nodeRuntime.now() + ahead,
  setTimer: (delay, callback) => {
    delays.push(delay)
    onDelay(delay)
    return nodeRuntime.setTimer(delay, callback)
  },
}
let server: EmbeddedServer
let client: RawClient
beforeEach(async () => {
  ahead = 0
  delays = []
  server = await new EmbeddedServer({ runtime }).start()
  client = await RawClient.connect(server)
})
afterEach(async () => {
  await client[Symbol.asyncDispose]()
  await server.stop()
})

const create = (path: string): RequestOf<'create'> => ({ path, data: null, acl: openAcl, flags: 0 })

it('closeBeforeAnswer applies the request, and leaves it unanswered', async () => {
  const cut = server.faults.closeBeforeAnswer({ op: 'create', path: '/b' })
  expect(await client.request('create', create('/a'))).toMatchObject({ err: 0 })
  const lost = client.request('create', create('/b'))
  const behind = client.request('create', create('/c'))
  expect(await lost).toBeNull()
  expect(await behind).toBeNull()
  await cut
  await using other = await RawClient.connect(server, { sessionId: client.sessionId, password: client.password })
  expect(await other.request('exists', { path: '/b', watch: false })).toMatchObject({ err: 0 })
  expect(await other.request('exists', { path: '/c', watch: false })).toMatchObject({ err: -101 })
  expect(await other.request('create', create('/d'))).toMatchObject({ err: 0 })
})

it('an event that the request triggered is still sent', async () => {
  await client.request('exists', { path: '/w', watch: true })
  void server.faults.closeBeforeAnswer({ op: 'create' })
  expect(await client.request('create', create('/w'))).toBeNull()
  expect(await client.nextEvent()).toMatchObject({ type: 1, path: '/w' })
})

it('halfAnswer sends half of the answer', async () => {
  const cut = server.faults.halfAnswer({ sessionId: client.sessionId })
  const before = client.received
  expect(await client.request('create', create('/half'))).toBeNull()
  await cut
  // Of a length, a header and a path with its length.
  expect(client.received - before).toBe((4 + 16 + 4 + '/half'.length) >> 1)
  await using other = await RawClient.connect(server)
  expect(await other.request('exists', { path: '/half', watch: false })).toMatchObject({ err: 0 })
})

it('spoils each answer once, and nothing after clear', async () => {
  void server.faults.closeBeforeAnswer({ op: 'setData' })
  const forgotten = server.faults.closeBeforeAnswer({ op: 'getData' })
  expect(await client.request('setData', { path: '/', data: null, version: -1 })).toBeNull()
  server.faults.clear()
  await forgotten
  await using other = await RawClient.connect(server)
  expect(await other.request('setData', { path: '/', data: null, version: -1 })).toMatchObject({ err: 0 })
  expect(await other.request('getData', { path: '/', watch: false })).toMatchObject({ err: 0 })
})

describe('pause', () => {
  it('answers nothing until resume, in order, and expires no session meanwhile', async () => {
    await client.request('create', { ...create('/e'), flags: 1 })
    server.faults.pause()
    expect(server.faults.paused).toBe(true)
    const answered: number[] = []
    const answers = [1_001, 1_002, 1_003].map(async (xid) => {
      const reply = await client.request('exists', { path: '/e', watch: false }, xid)
      answered.push(xid)
      return reply
    })
    const late = await RawClient.dial(server)
    const shaken = late.shakeHands()
    const word = command(server.port, 'ruok')
    // Time goes by, and other servers answer.
    ahead = 60_000
    await using elsewhere = await new EmbeddedServer().start()
    await using busy = await RawClient.connect(elsewhere)
    for (let i = 0; i < 20; i++) await busy.settle()
    expect(answered).toEqual([])
    server.faults.resume()
    for (const reply of await Promise.all(answers)) expect(reply).toMatchObject({ err: 0 })
    expect(answered).toEqual([1_001, 1_002, 1_003])
    expect(await shaken).toMatchObject({ readOnly: false })
    expect(await word).toBe('imok')
    await late[Symbol.asyncDispose]()
  })
})

it('delay holds answers and events back, in order', async () => {
  server.faults.delay(30)
  await client.request('exists', { path: '/x', watch: true })
  expect(delays.some((delay) => delay > 20 && delay <= 30)).toBe(true)
  const answer = client.request('create', create('/x'))
  server.faults.delay(0)
  const next = client.request('exists', { path: '/x', watch: false })
  expect(await answer).toMatchObject({ err: 0 })
  expect(await next).toMatchObject({ err: 0 })
  expect(client.order).toEqual([1, -1, 2, 3])
})

it('clear sends what a delay holds back', async () => {
  const isHeld = new Promise<void>((resolve) => {
    onDelay = (delay) => void (delay > 50_000 && resolve())
  })
  server.faults.delay(60_000)
  const answers = [client.request('create', create('/a')), client.request('exists', { path: '/a', watch: false })]
  await isHeld
  server.faults.clear()
  for (const answer of answers) expect(await answer).toMatchObject({ err: 0 })
  expect(client.order).toEqual([1, 2])
})

it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5'])('refuses a delay of %s', (delay) => {
  expect(() => server.faults.delay(delay as number)).toThrow('the delay must be')
  expect(server.faults.currentDelay).toBe(0)
})

it.each([
  [{ op: 'crate' }, RangeError, 'op: there is no "crate"'],
  [{ op: 'toString' }, RangeError, 'op: there is no "toString"'],
  [{ op: 1 }, TypeError, 'op must be a string'],
  [{ path: 1 }, TypeError, 'path must be a string'],
  [{ sessionId: 1 }, TypeError, 'sessionId must be a bigint'],
  [{ foo: 1 }, TypeError, 'a match has no "foo"'],
  ['create', TypeError, 'a match must be an object'],
  [null, TypeError, 'a match must be an object'],
])('refuses the match %o', (match, kind, message) => {
  for (const plan of ['closeBeforeAnswer', 'halfAnswer'] as const) {
    expect(() => server.faults[plan](match as never)).toThrow(kind)
    expect(() => server.faults[plan](match as never)).toThrow(message)
  }
  expect(server.faults.armed).toBe(false)
})

it('holds back requests whose answers wait, rather than keeping all of them', async () => {
  const data = Buffer.alloc(900_000, 'z')
  await client.request('create', { ...create('/large'), data })
  server.faults.delay(100)
  const reads = Array.from({ length: 20 }, () => client.request('getData', { path: '/large', watch: false }))
  const last = client.request('setData', { path: '/large', data: Buffer.alloc(0), version: -1 })
  await using other = await RawClient.connect(server)
  // The write is behind reads that are not answered yet: it is not even handled.
  expect(await other.request('exists', { path: '/large', watch: false })).toMatchObject({
    body: { stat: { dataLength: data.length } },
  })
  server.faults.delay(0)
  for (const read of reads) expect((await read)!.body!.data).toHaveLength(data.length)
  expect(await last).toMatchObject({ err: 0 })
})

it('expireSession ends a session, dropConnections a connection', async () => {
  await client.request('create', { ...create('/e'), flags: 1 })
  await using other = await RawClient.connect(server)
  expect(server.faults.expireSession(1n)).toBe(false)
  expect(server.faults.expireSession(client.sessionId)).toBe(true)
  await client.closed
  expect(await other.request('exists', { path: '/e', watch: false })).toMatchObject({ err: -101 })
  expect(server.faults.dropConnections(other.sessionId)).toBe(1)
  await other.closed
  await using again = await RawClient.connect(server, { sessionId: other.sessionId, password: other.password })
  expect(again.response).toMatchObject({ sessionId: other.sessionId })
})

describe('read-only', () => {
  it('serves reads to clients that ask for it, and no writes to anybody', async () => {
    await using readOnly = await new EmbeddedServer({ readOnly: true, strict: true }).start()
    await using refused = await RawClient.connect(readOnly)
    expect(refused.response).toBeNull()
    await using reader = await RawClient.connect(readOnly, { readOnly: true })
    expect(reader.response).toMatchObject({ readOnly: true })
    expect(await reader.request('exists', { path: '/', watch: true })).toMatchObject({ zxid: 0n, err: 0 })
    expect(await reader.request('create', create('/x'))).toMatchObject({ err: -119 })
    expect(await reader.request('delete', { path: '/x', version: -1 })).toMatchObject({ err: -119 })
    expect(await reader.request('setData', { path: '/', data: null, version: -1 })).toMatchObject({ err: -119 })
    expect(await reader.request('setAcl', { path: '/', acl: openAcl, version: -1 })).toMatchObject({ err: -119 })
    expect(await reader.request('multi', [])).toMatchObject({ err: -119 })
    expect(await reader.request('sync', { path: '/' })).toMatchObject({ err: -119 })
    expect(await command(readOnly.port, 'isro')).toBe('ro')
    expect(await command(readOnly.port, 'srvr')).toContain(
      '\nREAD-ONLY mode; serving only read-only clients\nLatency min',
    )
    expect(await reader.request('closeSession', undefined)).toMatchObject({ zxid: 0n, err: 0 })
  })

  it('comes and goes by setReadOnly', async () => {
    await client.request('create', create('/before'))
    server.faults.setReadOnly(true)
    await client.closed
    await using reader = await RawClient.connect(server, { readOnly: true })
    expect(await reader.request('exists', { path: '/before', watch: false })).toMatchObject({ err: 0 })
    expect(await reader.request('create', create('/x'))).toMatchObject({ err: -119 })
    server.faults.setReadOnly(false)
    await reader.closed
    await using writer = await RawClient.connect(server, { readOnly: true })
    expect(writer.response).toMatchObject({ readOnly: false })
    expect(await writer.request('create', create('/x'))).toMatchObject({ err: 0 })
  })
})
