import { expect, it } from 'vitest'

import { xids } from '../../../../src/protocol/constants.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import type { Simulation } from '../../../../src/testing/index.ts'
import { frameOf, handshakeFrame, ints, openAcl, requestFrame } from '../../../support/raw-client.ts'
import { RawPeer } from '../../../support/raw-peer.ts'
import { simulate } from '../../../support/simulate.ts'

const handshakeAnswer = 41

async function start(sim: Simulation, dataDir?: string): Promise<EmbeddedServer> {
  const options = { host: '0.0.0.0', port: 2181, runtime: sim.runtime('server'), maxSessionTimeout: 3_600_000 }
  return await new EmbeddedServer(dataDir === undefined ? options : { ...options, dataDir }).start()
}

async function connect(sim: Simulation): Promise<RawPeer> {
  const peer = RawPeer.dial(sim.runtime('client'), sim.address('server'), 2181)
  await peer.opened
  peer.socket.write(handshakeFrame({ timeout: 3_600_000 }))
  await peer.received(handshakeAnswer)
  return peer
}

const ping = requestFrame('ping', undefined, xids.ping)
const pings = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => ping))
const create = (path: string, xid: number): Buffer =>
  requestFrame('create', { path, data: Buffer.alloc(100), acl: openAcl, flags: 0 }, xid)

/** The xids and error codes of what was answered behind the handshake. */
function answers(bytes: Buffer): (readonly [xid: number, error: number])[] {
  const found: (readonly [number, number])[] = []
  for (let at = handshakeAnswer; at < bytes.length; at += 4 + bytes.readInt32BE(at)) {
    found.push([bytes.readInt32BE(at + 4), bytes.readInt32BE(at + 16)])
  }
  return found
}

it.each([
  [
    'credentials',
    requestFrame('auth', { type: 0, scheme: 'nonsense', auth: Buffer.from('x') }, xids.auth),
    xids.auth,
    -115,
  ],
  ['an unknown operation', frameOf(ints(7, 3_000)), 7, -6],
])('a client that goes on sending reads the answer by which it is refused: %s', (_, refused, xid, error) =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await connect(sim)
    // It looks at what came only when all of that is sent.
    peer.socket.pause()
    peer.socket.write(Buffer.concat([create('/a', 1), refused]))
    for (let i = 0; i < 20; i++) {
      peer.socket.write(pings(1_000))
      await sim.sleep(50)
    }
    peer.socket.resume()
    expect(await peer.closed).toBeNull()
    expect(answers(peer.bytes)).toEqual([
      [1, 0],
      [xid, error],
    ])
    await sim.until(() => server.connectionCount === 0)
  }),
)

it('what was asked before a frame that is none is answered, whatever comes behind', () =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await connect(sim)
    server.faults.pause()
    peer.socket.write(Buffer.concat([create('/a', 1), create('/b', 2), ints(-5), Buffer.alloc(300_000, 'x')]))
    await sim.sleep(1_000)
    server.faults.resume()
    expect(await peer.closed).toBeNull()
    expect(answers(peer.bytes)).toEqual([
      [1, 0],
      [2, 0],
    ])
  }))

it('drops no more than 16 MiB of what still comes behind the end', () =>
  simulate(
    async (sim) => {
      await using server = await start(sim)
      const peer = await connect(sim)
      // It never sees the end.
      peer.socket.pause()
      peer.socket.write(frameOf(ints(7, 3_000)))
      await sim.sleep(100)
      const since = sim.now
      let written = 0
      while (server.connectionCount > 0) {
        peer.socket.write(Buffer.alloc(1 << 20))
        written++
        await sim.sleep(5)
      }
      expect(written).toBeGreaterThanOrEqual(16)
      expect(sim.now - since).toBeLessThan(1_900)
    },
    { seeds: 2 },
  ))

it.each([
  ['in memory', undefined],
  ['with a data directory, where answers wait for the disk', '/data'],
])('a client that ends its side behind its requests reads all answers: %s', (_, dataDir) =>
  simulate(async (sim) => {
    await using server = await start(sim, dataDir)
    const peer = await connect(sim)
    const paths = Array.from({ length: 2_000 }, (__, index) => `/n${index}`)
    peer.socket.write(Buffer.concat(paths.map((path, index) => create(path, index + 1))))
    peer.socket.end()
    expect(await peer.closed).toBeNull()
    expect(answers(peer.bytes)).toEqual(paths.map((__, index) => [index + 1, 0]))
    expect(server.connectionCount).toBe(0)
  }),
)

it('a client that ends its side reads answers that are delayed, to requests and four-letter words alike', () =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await connect(sim)
    const other = RawPeer.dial(sim.runtime('client'), sim.address('server'), 2181)
    await other.opened
    server.faults.delay(3_000)
    peer.socket.write(create('/a', 1))
    peer.socket.end()
    other.write('ruok')
    other.socket.end()
    expect(await peer.closed).toBeNull()
    expect(answers(peer.bytes)).toEqual([[1, 0]])
    await other.closed
    expect(other.text).toBe('imok')
  }))

it('a client that ends its side while the server is paused is answered afterwards', () =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await connect(sim)
    server.faults.pause()
    peer.socket.write(create('/a', 1))
    peer.socket.end()
    await sim.sleep(5_000)
    server.faults.resume()
    expect(await peer.closed).toBeNull()
    expect(answers(peer.bytes)).toEqual([[1, 0]])
  }))
