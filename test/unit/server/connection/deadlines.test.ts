import { expect, it } from 'vitest'

import { EmbeddedServer } from '../../../../src/server/index.ts'
import { LatencyMeter } from '../../../../src/server/connection/latency.ts'
import { Outbox } from '../../../../src/server/connection/outbox.ts'
import type { Faults } from '../../../../src/server/faults.ts'
import type { Socket } from '../../../../src/runtime/runtime.ts'
import type { Simulation } from '../../../../src/testing/index.ts'
import { handshakeFrame, openAcl, requestFrame } from '../../../support/raw-client.ts'
import { RawPeer } from '../../../support/raw-peer.ts'
import { Statistics } from '../../../../src/server/connection/statistics.ts'
import { simulate } from '../../../support/simulate.ts'

async function start(sim: Simulation): Promise<EmbeddedServer> {
  return await new EmbeddedServer({ host: '0.0.0.0', port: 2181, runtime: sim.runtime('server') }).start()
}

async function dial(sim: Simulation): Promise<RawPeer> {
  const peer = RawPeer.dial(sim.runtime('client'), sim.address('server'), 2181)
  await peer.opened
  return peer
}

/** Virtual ms until the server closes the connection. */
async function life(sim: Simulation, peer: RawPeer): Promise<number> {
  const since = sim.now
  await peer.closed
  return sim.now - since
}

it.each([
  ['says nothing', []],
  ['stops amid a four-letter word', [114, 117]],
  ['stops amid a handshake', [0, 0, 0, 45, 0]],
])('closes a connection after 10 s of silence if its client %s', (_, bytes) =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await dial(sim)
    await sim.sleep(5_000)
    if (bytes.length > 0) peer.socket.write(Buffer.from(bytes))
    const ms = await life(sim, peer)
    const expected = bytes.length === 0 ? 5_000 : 10_000
    expect(ms).toBeGreaterThan(expected - 500)
    expect(ms).toBeLessThan(expected + 500)
    expect(server.connectionCount).toBe(0)
  }),
)

it('closes a connection after 30 s whose client sends its handshake byte by byte', () =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await dial(sim)
    const closed = life(sim, peer)
    for (const byte of handshakeFrame()) {
      peer.socket.write(Buffer.from([byte]))
      await sim.sleep(1_000)
    }
    const ms = await closed
    expect(ms).toBeGreaterThan(29_500)
    expect(ms).toBeLessThan(30_500)
    expect(server.connectionCount).toBe(0)
  }))

it('leaves a client with a session to the session’s own timeout', () =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await dial(sim)
    peer.socket.write(handshakeFrame({ timeout: 40_000 }))
    await sim.sleep(35_000)
    expect(server.connectionCount).toBe(1)
  }))

it('expires the session of a client that sends a byte a second, and no whole request', () =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await dial(sim)
    peer.socket.write(handshakeFrame({ timeout: 10_000 }))
    await peer.received(41)
    const closed = life(sim, peer)
    for (let i = 0; i < 60 && server.connectionCount > 0; i++) {
      // The length of a frame, and then its beginning.
      peer.socket.write(Buffer.from([i === 2 ? 1 : 0]))
      await sim.sleep(1_000)
    }
    const ms = await closed
    expect(ms).toBeGreaterThan(9_000)
    expect(ms).toBeLessThan(15_000)
  }))

it('disconnects a client for which more events wait than it will ever read, and nobody else', () =>
  simulate(
    async (sim) => {
      await using server = await start(sim)
      const [deaf, busy] = [await dial(sim), await dial(sim)]
      const path = `/${'x'.repeat(500_000)}`
      for (const peer of [deaf, busy]) {
        peer.socket.write(handshakeFrame({ timeout: 40_000 }))
        await peer.received(41)
      }
      busy.socket.write(requestFrame('create', { path, data: null, acl: openAcl, flags: 0 }, 1))
      deaf.socket.write(requestFrame('addWatch', { path, mode: 0 }, 1))
      await deaf.received(41 + 20)
      deaf.socket.pause()
      let written = 0
      while (server.connectionCount === 2) {
        busy.socket.write(requestFrame('setData', { path, data: null, version: -1 }, 2 + written++))
        await sim.sleep(10)
      }
      expect(written).toBeGreaterThan((64 << 20) / 500_000)
      expect(written).toBeLessThan((64 << 20) / 500_000 + 10)
      await busy.received(41 + 20 + 4 + path.length + written * (20 + 68))
    },
    { seeds: 1 },
  ))

it('serves a client beside a thousand connections that say nothing, and is rid of them after 10 s', () =>
  simulate(
    async (sim) => {
      await using server = await start(sim)
      const silent = Array.from({ length: 1_000 }, () => {
        const peer = RawPeer.dial(sim.runtime('client'), sim.address('server'), 2181)
        return peer.opened
      })
      await Promise.all(silent)
      const peer = await dial(sim)
      peer.socket.write(handshakeFrame({ timeout: 40_000 }))
      await peer.received(41)
      expect(server.connectionCount).toBe(1_001)
      await sim.sleep(11_000)
      expect(server.connectionCount).toBe(1)
    },
    { seeds: 1 },
  ))

it('does not take its own pause for the silence of a client', () =>
  simulate(async (sim) => {
    await using server = await start(sim)
    server.faults.pause()
    const peer = await dial(sim)
    peer.socket.write(handshakeFrame())
    await sim.sleep(60_000)
    expect(server.connectionCount).toBe(1)
    server.faults.resume()
    await peer.received(41)
  }))

it.each([
  ['a four-letter word', Buffer.from('ruok')],
  ['a refused session', handshakeFrame({ sessionId: 12_345n })],
])('closes a connection that the client does not end, after %s', (_, bytes) =>
  simulate(async (sim) => {
    await using server = await start(sim)
    const peer = await dial(sim)
    // It never hears of the end, and goes on.
    peer.socket.pause()
    peer.socket.write(bytes)
    await sim.sleep(1_000)
    expect(server.connectionCount).toBe(1)
    peer.socket.write(Buffer.alloc(1_000))
    await sim.sleep(3_000)
    expect(server.connectionCount).toBe(0)
  }),
)

it('waits for a peer that reads slowly, as long as it reads, and not for ever', () =>
  simulate(async (sim) => {
    const log: string[] = []
    const socket = { pendingBytes: 3, end: () => log.push('end'), resume: () => {}, destroy: () => log.push('destroy') }
    const host = { faults: { currentDelay: 0 } as Faults, database: { storage: null } }
    const meter = new LatencyMeter(new Statistics())
    const outbox = new Outbox(socket as unknown as Socket, sim.runtime('server'), host, meter, () => {})
    outbox.end()
    await sim.sleep(100)
    for (socket.pendingBytes of [2, 1]) {
      await sim.sleep(2_000)
      expect(log).toEqual(['end'])
    }
    await sim.sleep(2_000)
    expect(log).toEqual(['end', 'destroy'])
    const slow = new Outbox(socket as unknown as Socket, sim.runtime('server'), host, meter, () => {})
    log.length = 0
    slow.end()
    const since = sim.now
    for (socket.pendingBytes = 1_000; !log.includes('destroy'); socket.pendingBytes--) await sim.sleep(500)
    expect(sim.now - since).toBeGreaterThan(29_000)
    expect(sim.now - since).toBeLessThan(33_000)
  }))
