import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'
import type { Runtime } from '../../../src/runtime/runtime.ts'
import { FaultProxy } from '../../../src/testing/index.ts'
import { RawPeer, RawServer } from '../../support/raw-peer.ts'

let server: RawServer
let proxy: FaultProxy

beforeEach(async () => {
  server = await new RawServer().listen(nodeRuntime)
  proxy = await new FaultProxy({ target: server.address }).start()
})

afterEach(async () => {
  await proxy.stop()
  await server.close()
})

/** A client, and the server's end of its connection. */
async function connect(): Promise<[client: RawPeer, peer: RawPeer]> {
  const accepted = server.next()
  const client = RawPeer.dial(nodeRuntime, proxy.host, proxy.port)
  await client.opened
  return [client, await accepted]
}

describe('a proxy without faults', () => {
  it('hands on bytes and the end of the stream in both directions', async () => {
    const connected = proxy.once('connection')
    const closed = proxy.once('close')
    const [client, peer] = await connect()
    client.write('hello')
    expect((await peer.received(5)).toString()).toBe('hello')
    peer.write('good day')
    expect((await client.received(8)).toString()).toBe('good day')
    expect(proxy.toServer.bytes).toBe(5)
    expect(proxy.toClient.bytes).toBe(8)
    const connection = await connected
    expect(proxy.connections).toEqual([connection])
    expect(connection.port).toBe(client.socket.localPort)

    client.socket.end()
    await peer.ended
    expect(await client.closed).toBeNull()
    expect(await peer.closed).toBeNull()
    expect(await closed).toBe(connection)
    expect(proxy.connections).toEqual([])
    expect(proxy.accepted).toBe(1)
  })

  it('delivers what the server sent before it closed', async () => {
    const [client, peer] = await connect()
    const size = 3_000_000
    peer.socket.write(Buffer.alloc(size, 1))
    peer.socket.end()
    expect((await client.received(size)).length).toBe(size)
    await client.ended
  })

  it('resets the client when the server cannot be reached', async () => {
    const { port } = server
    await server.close()
    proxy.target = { host: '127.0.0.1', port }
    const client = RawPeer.dial(nodeRuntime, proxy.host, proxy.port)
    expect(await client.closed).toMatchObject({ code: 'ECONNRESET' })
  })

  it('keeps its port over stop and start', async () => {
    const { port } = proxy
    const [client] = await connect()
    await proxy.stop()
    await client.closed
    expect(await RawPeer.dial(nodeRuntime, proxy.host, port).closed).toMatchObject({ code: 'ECONNREFUSED' })
    await proxy.start()
    expect(proxy.port).toBe(port)
    await connect()
  })
})

describe('a direction', () => {
  it('holds what comes while it is paused, and the other direction goes on', async () => {
    const [client, peer] = await connect()
    proxy.toServer.pause()
    const held = proxy.once('held', ({ bytes }) => bytes === 5)
    client.write('hello')
    expect(await held).toMatchObject({ direction: 'toServer', bytes: 5 })
    peer.write('still here')
    await client.received(10)
    expect(peer.text).toBe('')
    proxy.toServer.resume()
    expect((await peer.received(5)).toString()).toBe('hello')
  })

  it('holds without bound in memory of its own: the sender is slowed down', async () => {
    const [client, peer] = await connect()
    proxy.toServer.pause()
    const held = proxy.once('held', ({ bytes }) => bytes > 256 * 1024)
    let sent = 0
    while (client.socket.pendingBytes < 1_000_000) {
      client.socket.write(Buffer.alloc(100_000))
      sent += 100_000
    }
    expect((await held).bytes).toBeLessThan(1_000_000)
    proxy.toServer.resume()
    expect((await peer.received(sent)).length).toBe(sent)
  })

  it('delays each chunk, in order, by no less than it was told', async () => {
    const [client, peer] = await connect()
    proxy.toServer.delay(50)
    const sent = nodeRuntime.now()
    client.write('one')
    client.write('two')
    client.socket.end()
    await peer.ended
    expect(nodeRuntime.now() - sent).toBeGreaterThanOrEqual(50)
    expect(peer.text).toBe('onetwo')
  })

  it('hands on what it had delayed once it is healed', async () => {
    const [client, peer] = await connect()
    proxy.toServer.delay(600_000)
    const held = proxy.once('held', ({ bytes }) => bytes === 5)
    client.write('hello')
    await held
    await proxy.heal()
    expect((await peer.received(5)).toString()).toBe('hello')
    client.write(' again')
    expect((await peer.received(11)).toString()).toBe('hello again')
  })

  it('dribbles byte by byte', async () => {
    const [client, peer] = await connect()
    proxy.toClient.dribble()
    const first = proxy.once('passed')
    peer.write('abc')
    expect((await first).bytes).toBe(1)
    expect((await proxy.once('passed')).bytes).toBe(1)
    expect((await proxy.once('passed')).bytes).toBe(1)
    await client.received(3)
    proxy.toClient.dribble(null)
    peer.write('defgh')
    expect((await client.received(8)).toString()).toBe('abcdefgh')
    expect(proxy.toClient.bytes).toBe(8)
  })

  it.each([0, 1, 4, 9, 10])('cuts after %i of 10 bytes, and those arrive', async (count) => {
    const [client, peer] = await connect()
    proxy.toClient.cutAfter(count)
    peer.write('0123456789')
    await Promise.all([client.closed, peer.closed])
    expect(client.text).toBe('0123456789'.slice(0, count))
    // Once: the next connection is whole.
    const [next, nextPeer] = await connect()
    nextPeer.write('0123456789')
    await next.received(10)
  })

  it('cuts between chunks of different connections only where the bytes run out', async () => {
    const [first, firstPeer] = await connect()
    const [second, secondPeer] = await connect()
    proxy.toServer.cutAfter(4)
    first.write('abc')
    await firstPeer.received(3)
    second.write('def')
    await secondPeer.closed
    expect(secondPeer.text).toBe('d')
    first.write('still')
    await firstPeer.received(8)
  })

  it('cuts on the first byte while it dribbles', async () => {
    const [client, peer] = await connect()
    proxy.toClient.dribble(1)
    proxy.toClient.cutAfter(2)
    peer.write('abcdef')
    await client.closed
    expect(client.text).toBe('ab')
  })

  it('refuses a count that is none', () => {
    expect(() => proxy.toClient.cutAfter(-1)).toThrow(RangeError)
    expect(() => proxy.toClient.cutAfter(1.5)).toThrow(RangeError)
  })

  it.each([Number.NaN, -5, Number.POSITIVE_INFINITY, 2 ** 31, 'x'])('refuses a time of %s', async (time) => {
    expect(() => proxy.toServer.delay(time as number)).toThrow('the delay must be')
    expect(() => proxy.toServer.dribble(time as number)).toThrow('the interval must be')
    // It goes on as before.
    const [client, peer] = await connect()
    client.write('hello')
    await peer.received(5)
  })
})

describe('all connections', () => {
  it('are cut with an end, or with a reset', async () => {
    const [client, peer] = await connect()
    proxy.cut()
    expect(await client.closed).toBeNull()
    expect(await peer.closed).toBeNull()

    const [next, nextPeer] = await connect()
    proxy.cut({ reset: true })
    expect(await next.closed).toMatchObject({ code: 'ECONNRESET' })
    expect(await nextPeer.closed).toMatchObject({ code: 'ECONNRESET' })
  })

  it('lose what was held', async () => {
    const [client, peer] = await connect()
    proxy.toServer.pause()
    const held = proxy.once('held')
    client.write('hello')
    await held
    proxy.cut()
    proxy.toServer.resume()
    await peer.closed
    expect(peer.text).toBe('')
  })
})

describe('a new connection', () => {
  it('is refused, and those there are go on', async () => {
    const [client, peer] = await connect()
    await proxy.setMode('refuse')
    expect(await RawPeer.dial(nodeRuntime, proxy.host, proxy.port).closed).toMatchObject({ code: 'ECONNREFUSED' })
    client.write('hello')
    await peer.received(5)
    await proxy.heal()
    await connect()
  })

  it('is closed at once', async () => {
    await proxy.setMode('close')
    const client = RawPeer.dial(nodeRuntime, proxy.host, proxy.port)
    await client.opened
    await client.closed
    expect(server.peers).toEqual([])
    expect(proxy.accepted).toBe(1)
  })

  it('hangs until the mode changes', async () => {
    await proxy.setMode('hang')
    const client = RawPeer.dial(nodeRuntime, proxy.host, proxy.port)
    await client.opened
    client.write('anybody?')
    await proxy.setMode('forward')
    await client.closed
    expect(server.peers).toEqual([])
  })
})

describe('calls that do not wait for each other', () => {
  const refused = { code: 'ECONNREFUSED' }
  const dial = (port = proxy.port): RawPeer => RawPeer.dial(nodeRuntime, proxy.host, port)

  it('start and stop', async () => {
    const other = new FaultProxy({ target: server.address, port: proxy.port })
    await proxy.stop()
    await Promise.all([other.start(), other.stop()])
    expect(await dial().closed).toMatchObject(refused)
    await Promise.all([other.start(), other.stop(), other.start()])
    await dial().opened
    await other.stop()
    expect(await dial().closed).toMatchObject(refused)
  })

  it('start, twice', async () => {
    const ports: number[] = []
    const runtime: Runtime = {
      ...nodeRuntime,
      listen: async (options, accept) => {
        const listener = await nodeRuntime.listen(options, accept)
        ports.push(listener.port)
        return listener
      },
    }
    const other = new FaultProxy({ target: server.address, runtime })
    await Promise.all([other.start(), other.start()])
    expect(ports).toEqual([other.port])
    await other.stop()
    expect(await dial(ports[0]).closed).toMatchObject(refused)
  })

  it('heal, twice', async () => {
    await proxy.setMode('refuse')
    await Promise.all([proxy.heal(), proxy.heal()])
    await connect()
  })

  it('setMode, to and fro: the last one counts', async () => {
    await Promise.all([proxy.setMode('refuse'), proxy.setMode('forward'), proxy.setMode('refuse')])
    expect(proxy.mode).toBe('refuse')
    expect(await dial().closed).toMatchObject(refused)
    await Promise.all([proxy.setMode('forward'), proxy.setMode('refuse'), proxy.setMode('forward')])
    await connect()
  })

  it('setMode after a start that failed, which may be tried again', async () => {
    const other = new FaultProxy({ target: server.address, port: proxy.port })
    await expect(other.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await other.setMode('refuse')
    await proxy.stop()
    await Promise.all([other.start(), other.heal()])
    await dial().opened
    await other.stop()
  })
})

it('refuses a mode and an event that there are not', async () => {
  await expect(proxy.setMode('bogus' as never)).rejects.toThrow('the mode must be one of forward, refuse, close, hang')
  expect(proxy.mode).toBe('forward')
  expect(() => proxy.once('bogus' as never)).toThrow('the event must be one of connection, close, held, passed')
  expect(() => proxy.once(7 as never)).toThrow(TypeError)
})

it.each([
  [undefined, TypeError, 'the options must be an object'],
  [{}, TypeError, 'target must be an object'],
  [{ target: '127.0.0.1:2181' }, TypeError, 'target must be an object'],
  [{ target: { port: 2181 } }, TypeError, 'target.host must be a string'],
  [{ target: { host: '', port: 2181 } }, RangeError, 'target.host must not be empty'],
  [{ target: { host: '127.0.0.1' } }, TypeError, 'target.port must be a number'],
  [{ target: { host: '127.0.0.1', port: '2181' } }, TypeError, 'target.port must be a number'],
  [{ target: { host: '127.0.0.1', port: 0 } }, RangeError, 'target.port'],
  [{ target: { host: '127.0.0.1', port: 2181 }, port: -1 }, RangeError, 'port'],
  [{ target: { host: '127.0.0.1', port: 2181 }, host: 7 }, TypeError, 'host must be a string'],
  [{ target: { host: '127.0.0.1', port: 2181 }, colour: 'red' }, TypeError, 'unknown option "colour"'],
])('refuses %o', (options, kind, message) => {
  const make = (): unknown => new FaultProxy(options as never)
  expect(make).toThrow(kind)
  expect(make).toThrow(message)
})

it('refuses a new target that is no address, and keeps the old one', () => {
  const { target } = proxy
  expect(() => {
    proxy.target = { host: '127.0.0.1', port: 65_536 }
  }).toThrow(RangeError)
  expect(proxy.target).toBe(target)
})
