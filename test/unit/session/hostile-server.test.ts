import { describe, expect, it } from 'vitest'

import { KazooClient, nodeRuntime, ProtocolError, ZooKeeperError } from '../../../src/index.ts'
import { ConnectResponse } from '../../../src/protocol/connect.ts'
import { SeededRandom } from '../../../src/testing/simulation/seeded-random.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import {
  errorFrame,
  eventFrame,
  frameOf,
  replyFrame,
  ScriptedServer,
  someStat,
  type ScriptedConnection,
} from '../../support/scripted-server.ts'
import { failure, timeout, world, type World } from '../../support/world.ts'

const data = { data: Buffer.from('value'), stat: someStat }
const handshake = frameOf((writer) =>
  ConnectResponse.write(writer, {
    protocolVersion: 0,
    timeout,
    sessionId: 0x1_0000n,
    password: Buffer.alloc(16, 7),
    readOnly: false,
  }),
)

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A reply's header without error, and these bytes as its body. */
const reply = (xid: number, ...body: Buffer[]): Buffer =>
  frameOf((writer) => {
    writer.int(xid)
    writer.long(1n)
    writer.int(0)
    for (const part of body) writer.raw(part)
  })

/** The client is well: the connection, or the one that follows it, answers a request. */
async function works({ sim, server, client }: World, connection?: ScriptedConnection): Promise<void> {
  const serving = connection ?? (await server.next())
  if (connection === undefined) await serving.accept({ timeout })
  await sim.until(() => client.state === 'CONNECTED')
  const answer = client.get('/well')
  const request = await serving.expect('getData')
  expect(request.values.path).toBe('/well')
  serving.answer(request, 'getData', data)
  expect(String((await answer).data)).toBe('value')
}

/** What a server may write where the reply to `get('/a')` should be, each of which ends the connection. */
const attacks: Record<string, (xid: number) => Buffer> = {
  'text of another protocol': () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'a length of 2 GiB': () => int(0x7fff_ffff),
  'a length just above the limit': () => int(64 * 1024 * 1024 + 1),
  'a negative length': () => int(-1),
  'the least length': () => int(-0x8000_0000),
  'an empty frame': () => int(0),
  'a frame with half a header': () => Buffer.concat([int(8), Buffer.alloc(8)]),
  'an xid that nobody sent': (xid) => replyFrame(xid + 1, 'getData', data),
  'an xid of 0': () => replyFrame(0, 'getData', data),
  'an xid of −3': () => replyFrame(-3, 'getData', data),
  'the same reply twice': (xid) => Buffer.concat([replyFrame(xid, 'getData', data), replyFrame(xid, 'getData', data)]),
  'an answer to no ping': () => errorFrame(-2, 0),
  'an answer to no authentication': () => errorFrame(-4, 0),
  'an event with a null path': () =>
    frameOf((writer) => {
      writer.int(-1)
      writer.long(-1n)
      for (const field of [0, 3, 3, -1]) writer.int(field)
    }),
  'half an event': () => {
    const event = eventFrame(3, '/a')
    return Buffer.concat([int(event.length - 6), event.subarray(4, -2)])
  },
  'a reply whose data end too early': (xid) => reply(xid, int(1_000), Buffer.from('short')),
  'a reply with data of 2 GiB': (xid) => reply(xid, int(0x7fff_ffff)),
  'a reply with data of a negative length': (xid) => reply(xid, int(-2), Buffer.alloc(100)),
  'a reply without its stat': (xid) => reply(xid, int(1), Buffer.from('x')),
  'a reply without a body': (xid) => reply(xid),
}

describe('a connection whose server breaks the protocol', () => {
  it.each(Object.entries(attacks))('ends with ProtocolError on %s, and the client goes on', (name, attack) =>
    world(async (it) => {
      const { client, connect, states } = it
      const causes: unknown[] = []
      client.addListener((_state, { cause }) => void causes.push(cause))
      const connection = await connect()
      const first = client.get('/a').then(
        () => 'answered',
        (error: unknown) => error,
      )
      const second = failure(client.get('/b'))
      const { xid } = await connection.expect('getData')
      connection.socket.write(attack(xid))
      expect(await second).toMatchObject({
        code: 'CONNECTION_LOSS',
        maybeApplied: true,
        cause: { code: 'PROTOCOL_ERROR' },
      })
      if (name === 'the same reply twice') expect(await first).toBe('answered')
      else expect(await first).toMatchObject({ code: 'CONNECTION_LOSS', cause: { code: 'PROTOCOL_ERROR' } })
      await connection.closed
      await works(it)
      expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'CONNECTED'])
      expect(causes[1]).toBeInstanceOf(ProtocolError)
    }),
  )

  it('ends when replies come in another order than requests', () =>
    world(async (it) => {
      const connection = await it.connect()
      const lost = [failure(it.client.get('/a')), failure(it.client.get('/b'))]
      await connection.expect('getData')
      connection.answer(await connection.expect('getData'), 'getData', data)
      for (const error of await Promise.all(lost)) {
        expect(error).toMatchObject({
          code: 'CONNECTION_LOSS',
          cause: { message: 'a reply to request 2, where 1 is next' },
        })
      }
      await works(it)
    }))

  it.each([0x7fff_ffff, 1_000_000, 251])('ends on a list of %i children without making one', (count) =>
    world(async (it) => {
      const connection = await it.connect()
      const lost = failure(it.client.getChildren('/a'))
      const { xid } = await connection.expect('getChildren')
      connection.socket.write(reply(xid, int(count), Buffer.alloc(1_000)))
      expect(await lost).toMatchObject({ code: 'CONNECTION_LOSS', cause: { code: 'PROTOCOL_ERROR' } })
      await works(it)
    }),
  )

  it.each([
    ['getAcl', 12, ({ client }: World) => client.getAcls('/a')],
    ['whoAmI', 8, ({ client }: World) => client.whoAmI()],
  ] as const)('ends on an answer to %s whose entries, of %i bytes each, would take many times that', (op, size, call) =>
    world(async (it) => {
      it.server.words.set('srvr', 'Zookeeper version: 3.9.5-x\n')
      const connection = await it.connect()
      const lost = failure(call(it))
      const { xid } = await connection.expect(op)
      connection.socket.write(reply(xid, int(100_001), Buffer.alloc(size * 100_001 + 68)))
      expect(await lost).toMatchObject({ code: 'CONNECTION_LOSS', cause: { code: 'PROTOCOL_ERROR' } })
      await works(it)
    }),
  )

  it('ends when half a frame is all that comes', () =>
    world(async (it) => {
      const connection = await it.connect()
      const lost = failure(it.client.get('/a'))
      const { xid } = await connection.expect('getData')
      const whole = replyFrame(xid, 'getData', data)
      connection.socket.write(whole.subarray(0, whole.length / 2))
      connection.socket.end()
      expect(await lost).toMatchObject({ code: 'CONNECTION_LOSS', cause: { code: 'PROTOCOL_ERROR' } })
      await works(it)
      expect(it.states[1]).toEqual(['SUSPENDED', 'ProtocolError'])
    }))

  it('calls no listener of an event behind the error in the same chunk', () =>
    world(async (it) => {
      const connection = await it.connect()
      const events: string[] = []
      const get = it.client.get('/a', { watch: ({ type }) => void events.push(type) })
      connection.answer(await connection.expect('getData'), 'getData', data)
      await get
      connection.socket.write(Buffer.concat([errorFrame(77, 0), eventFrame(3, '/a')]))
      await it.sim.until(() => it.client.state === 'SUSPENDED')
      expect(events).toEqual([])
      const second = await it.server.next()
      await second.accept({ timeout })
      const rearmed = await second.expect('setWatches')
      expect(rearmed.values.dataWatches).toEqual(['/a'])
      second.fail(rearmed, 0)
      await works(it, second)
    }))
})

describe('what a server may send without the connection ending', () => {
  it.each([-9, -999, 5, 0x7fff_ffff])(
    'the unknown error code %i, which is UnknownServerError for its request alone',
    (code) =>
      world(async (it) => {
        const connection = await it.connect()
        const refused = failure(it.client.get('/a'))
        const answered = it.client.get('/b')
        connection.fail(await connection.expect('getData'), code)
        connection.answer(await connection.expect('getData'), 'getData', data)
        const expected = { name: 'UnknownServerError', errno: code, op: 'get', path: '/a', maybeApplied: false }
        expect(await refused).toMatchObject(expected)
        await answered
        await works(it, connection)
        expect(it.states).toEqual([['CONNECTED', undefined]])
      }),
  )

  const harmless: Record<string, Buffer> = {
    'an event of an unknown type': eventFrame(99, '/a'),
    'an event about the connection': eventFrame(-1, ''),
    'an event of a watch that nobody has': eventFrame(3, '/nobody'),
    'an answer to setWatches that nobody waits for': errorFrame(-8, 0),
  }

  it.each(Object.entries(harmless))('%s', (_name, frame) =>
    world(async (it) => {
      const connection = await it.connect()
      const events: string[] = []
      const get = it.client.get('/a', { watch: ({ type }) => void events.push(type) })
      connection.answer(await connection.expect('getData'), 'getData', data)
      await get
      connection.socket.write(frame)
      await works(it, connection)
      expect([it.states, events]).toEqual([[['CONNECTED', undefined]], []])
      // The watch is still there.
      connection.socket.write(eventFrame(3, '/a'))
      await it.sim.until(() => events.length === 1)
    }),
  )

  it('200,000 children', () =>
    world(async (it) => {
      const connection = await it.connect()
      const children = Array.from({ length: 200_000 }, (_, i) => `child-${i}`)
      const list = it.client.getChildren('/a')
      connection.answer(await connection.expect('getChildren'), 'getChildren', { children })
      expect(await list).toEqual(children)
      await works(it, connection)
    }))

  it('more than a reply needs, as newer servers may', () =>
    world(async (it) => {
      const connection = await it.connect()
      const get = it.client.get('/a')
      const { xid } = await connection.expect('getData')
      const whole = replyFrame(xid, 'getData', data)
      connection.socket.write(Buffer.concat([int(whole.length - 4 + 100), whole.subarray(4), Buffer.alloc(100, 0xff)]))
      expect(String((await get).data)).toBe('value')
      await works(it, connection)
    }))

  it('a body that makes no sense for a request that was given up', () =>
    world(async (it) => {
      const connection = await it.connect()
      const controller = new AbortController()
      const aborted = failure(it.client.get('/a', { signal: controller.signal }))
      const { xid } = await connection.expect('getData')
      controller.abort()
      await aborted
      connection.socket.write(reply(xid, int(-77)))
      await works(it, connection)
    }))
})

describe('a handshake', () => {
  const refusals: Record<string, Buffer> = {
    'that is text': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    'of 2 GiB': int(0x7fff_ffff),
    'of a negative length': int(-5),
    'that is empty': int(0),
    'that is half a record': Buffer.concat([int(10), Buffer.alloc(10)]),
    'with a password of a negative length': Buffer.concat([int(20), int(0), int(timeout), Buffer.alloc(8), int(-7)]),
    'with a timeout of 0': frameOf((writer) =>
      ConnectResponse.write(writer, { protocolVersion: 0, timeout: 0, sessionId: 5n, password: null, readOnly: null }),
    ),
    'with a negative timeout': frameOf((writer) =>
      ConnectResponse.write(writer, { protocolVersion: 0, timeout: -1, sessionId: 5n, password: null, readOnly: null }),
    ),
  }

  it.each(Object.entries(refusals))('%s is one more failed attempt', (_name, bytes) =>
    world(async (it) => {
      const starting = it.client.start()
      const connection = await it.server.next()
      await connection.handshake
      connection.socket.write(bytes)
      await connection.closed
      const next = await it.server.next()
      expect((await next.accept({ timeout })).sessionId).toBe(0n)
      expect(await starting).toBe(it.client)
      await works(it, next)
      expect(it.states).toEqual([['CONNECTED', undefined]])
    }),
  )

  it.each([0, -1, -0x8000_0000])('with a timeout of %i on a reconnect is the end of the session', (refused) =>
    world(async (it) => {
      const connection = await it.connect()
      connection.socket.destroy()
      const second = await it.server.next()
      await second.accept({ timeout: refused, sessionId: 0n })
      await second.closed
      const third = await it.server.next()
      expect((await third.accept({ timeout, sessionId: 3n })).sessionId).toBe(0n)
      await it.sim.until(() => it.client.state === 'CONNECTED')
      expect(it.states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'LOST', 'CONNECTED'])
      await works(it, third)
    }),
  )

  it('may lack the readOnly byte and the password', () =>
    world(async (it) => {
      const starting = it.client.start()
      const connection = await it.server.next()
      await connection.handshake
      connection.socket.write(
        frameOf((writer) =>
          ConnectResponse.write(writer, { protocolVersion: 0, timeout, sessionId: 5n, password: null, readOnly: null }),
        ),
      )
      await starting
      expect(it.client.session).toMatchObject({ id: 5n, timeout })
      expect(it.client.session?.password.equals(Buffer.alloc(16))).toBe(true)
    }))

  it('may break off at each of its bytes', () =>
    world(async (it) => {
      const starting = it.client.start({ timeout: 3_600_000 })
      for (let size = 0; size < handshake.length; size++) {
        const connection = await it.server.next()
        await connection.handshake
        if (size > 0) connection.socket.write(handshake.subarray(0, size))
        connection.socket.end()
        await connection.closed
      }
      const last = await it.server.next()
      await last.accept({ timeout })
      expect(await starting).toBe(it.client)
      await works(it, last)
      expect(it.states).toEqual([['CONNECTED', undefined]])
    }))

  it('may come byte by byte, and so may all else', () =>
    world(async (it) => {
      const starting = it.client.start()
      const connection = await it.server.next()
      await connection.handshake
      const dribble = async (bytes: Buffer): Promise<void> => {
        for (const byte of bytes) {
          connection.socket.write(Buffer.from([byte]))
          await it.sim.sleep(2)
        }
      }
      await dribble(handshake)
      await starting
      const get = it.client.get('/a')
      const { xid } = await connection.expect('getData')
      await dribble(replyFrame(xid, 'getData', data))
      expect(String((await get).data)).toBe('value')
    }))
})

describe('a session that was not asked for', () => {
  it('is a lost one to the client, which may be stopped by who hears of it, and leaves nothing behind', () =>
    world(async (it) => {
      const connection = await it.connect()
      let stopping: Promise<void> | undefined
      it.client.addListener((state) => {
        if (state === 'LOST') stopping ??= it.client.stop()
      })
      connection.socket.destroy()
      const second = await it.server.next()
      await second.accept({ timeout, sessionId: 0x666n })
      await second.closed
      await stopping
      expect(it.client.state).toBe('LOST')
      // No timer of a dead link goes on.
      const left = it.sim.trace.length
      await it.sim.sleep(10 * timeout)
      expect(it.sim.trace.slice(left).filter((line) => line.includes('client: timer'))).toEqual([])
    }))
})

describe('a reply', () => {
  it('may break off at each of its bytes', () =>
    world(async (it) => {
      let connection = await it.connect()
      const length = replyFrame(1, 'getData', data).length
      for (let size = 0; size < length; size++) {
        const lost = failure<ZooKeeperError>(it.client.get('/a'))
        const { xid } = await connection.expect('getData')
        if (size > 0) connection.socket.write(replyFrame(xid, 'getData', data).subarray(0, size))
        connection.socket.end()
        expect(await lost).toMatchObject({ code: 'CONNECTION_LOSS', maybeApplied: true, op: 'get', path: '/a' })
        connection = await it.server.next()
        await connection.accept({ timeout })
        await it.sim.until(() => it.client.state === 'CONNECTED')
      }
      await works(it, connection)
      expect(it.client.session?.id).toBe(0x1_0000n)
    }))
})

const mutations = 2_000

/** Changes some bytes: flips, insertions, removals, extreme lengths, a cut. */
function mutated(stream: Buffer, random: SeededRandom): Buffer {
  let bytes = Buffer.from(stream)
  for (let count = random.integer(1, 4); count > 0 && bytes.length > 0; count--) {
    const at = random.integer(0, bytes.length - 1)
    switch (random.integer(0, 5)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random.integer(0, 7))
        break
      case 1:
        bytes[at] = random.integer(0, 255)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.integer(1, 8)), bytes.subarray(at)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 8))])
        break
      case 4:
        if (at + 4 <= bytes.length) bytes.writeInt32BE(random.pick([-1, -2, 0, 0x7fff_ffff, -0x8000_0000, 65_536]), at)
        break
      default:
        bytes = bytes.subarray(0, at)
    }
  }
  return bytes
}

/** One client against one mutated stream, up to a working connection and an orderly end. */
async function survives(seed: number): Promise<void> {
  const sim = new Simulation({ seed })
  const random = new SeededRandom(seed, 'hostile')
  await sim.run(async () => {
    const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
    const client = new KazooClient({ hosts: 'server', runtime: sim.runtime('client'), maxReply: 1 << 20 })
    const starting = client.start({ timeout: 600_000 })
    const outcomes: Promise<unknown>[] = []
    const settle = (promise: Promise<unknown>): void => {
      outcomes.push(
        promise.then(
          () => undefined,
          (error: unknown) => error,
        ),
      )
    }
    settle(client.get('/a', { watch: () => {} }))
    settle(client.getChildren('/a', { includeStat: true }))
    settle(client.getAcls('/a'))
    settle(client.transaction().check('/a').set('/a', 'x').commit())
    settle(client.exists('/missing', { watch: () => {} }))
    const stream = Buffer.concat([
      handshake,
      replyFrame(1, 'getData', data),
      eventFrame(3, '/a'),
      replyFrame(2, 'getChildren2', { children: ['one', 'two'], stat: someStat }),
      replyFrame(3, 'getAcl', { acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }], stat: someStat }),
      replyFrame(4, 'multi', [
        { op: 'check', body: undefined },
        { op: 'setData', body: { stat: someStat } },
      ]),
      errorFrame(5, -101),
    ])
    const hostile = await server.next()
    await hostile.handshake
    hostile.socket.write(mutated(stream, random))
    // A server that has said all it will say: what is not answered by then is told so by the end of the connection.
    const patience = (async () => {
      await sim.sleep(1_000)
      hostile.socket.destroy()
    })()
    // From here on every connection is served as it should be.
    const serve = async (): Promise<void> => {
      for (;;) {
        const connection = await server.next()
        void serveWell(connection)
      }
    }
    void serve()
    await patience
    await starting
    for (const error of await Promise.all(outcomes)) {
      if (error !== undefined) expect(error).toBeInstanceOf(ZooKeeperError)
    }
    expect(String((await client.retry(() => client.get('/well'))).data)).toBe('value')
    await client.stop()
    expect(client.state).toBe('LOST')
  })
}

async function serveWell(connection: ScriptedConnection): Promise<void> {
  const request = await connection.handshake
  await connection.accept({ timeout, sessionId: request.sessionId === 0n ? 0x2_0000n : request.sessionId })
  for (;;) {
    const received = await connection.next()
    switch (received.op) {
      case 'getData':
        connection.answer(received, 'getData', data)
        break
      case 'ping':
      case 'closeSession':
      case 'setWatches':
        connection.answer(received, 'ping', undefined)
        break
      default:
        connection.fail(received, -101)
    }
  }
}

describe('random mutations of a valid stream', () => {
  const wanted = process.env['KAZOO_TEST_SEED']
  const base = wanted === undefined || wanted === '' ? Math.floor(nodeRuntime.random() * 0x4000_0000) : Number(wanted)

  it(`leave the client well: ${mutations} of them, from seed ${base} on`, { timeout: 300_000 }, async () => {
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < mutations; i++) await survives(base + i)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024 * 1024)
  })
})
