import { describe, expect, it } from 'vitest'

import { ConnectionLossError, OperationTimeoutError, ProtocolError } from '../../../src/common/errors.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { fourLetterWord, type CommandOptions } from '../../../src/transport/four-letter-word.ts'
import { RawServer, type RawPeer } from '../../support/raw-peer.ts'
import { failure } from '../../support/world.ts'

interface Bench {
  readonly sim: Simulation
  readonly server: RawServer
  readonly ask: (options?: Partial<CommandOptions>) => Promise<string>
  /** The connection that a question comes over, with the question read. */
  readonly asked: () => Promise<RawPeer>
}

async function bench(script: (bench: Bench) => Promise<void>): Promise<void> {
  const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
  await sim.run(async () => {
    const server = await new RawServer().listen(sim.runtime('server'), { host: '0.0.0.0', port: 2181 })
    const address = { host: sim.address('server'), port: 2181 }
    const next = server.next()
    await script({
      sim,
      server,
      ask: (options = {}) => fourLetterWord(sim.runtime('client'), address, 'srvr', { timeout: 5_000, ...options }),
      asked: async () => {
        const peer = await next
        expect(String(await peer.received(4))).toBe('srvr')
        return peer
      },
    })
  })
}

describe('a four-letter word', () => {
  it('is answered by all that the server sends until it closes, over characters that chunks cut', () =>
    bench(async ({ sim, ask, asked }) => {
      const asking = ask()
      const peer = await asked()
      const answer = Buffer.from('Zookeeper version: 3.9.5 – größer\n'.repeat(100))
      for (let at = 0; at < answer.length; at += 7) {
        peer.socket.write(answer.subarray(at, at + 7))
        await sim.sleep(1)
      }
      peer.socket.end()
      expect(await asking).toBe(String(answer))
    }))

  it('that the client asks by itself has an answer of a few lines: at 64 KiB it is refused, and its connection closed', () =>
    bench(async ({ ask, asked }) => {
      const asking = failure(ask())
      const peer = await asked()
      peer.write('a'.repeat(64 * 1024 + 1))
      expect(await asking).toBeInstanceOf(ProtocolError)
      await peer.closed
    }))

  it('without a byte of an answer is a lost connection', () =>
    bench(async ({ ask, asked }) => {
      const asking = failure(ask())
      ;(await asked()).socket.end()
      expect(await asking).toBeInstanceOf(ConnectionLossError)
      expect(await asking).toMatchObject({ op: 'command' })
    }))

  it('to a port where nobody listens is a lost connection, with the cause', async () => {
    const sim = new Simulation()
    await sim.run(async () => {
      const asking = fourLetterWord(sim.runtime('a'), { host: sim.address('b'), port: 1 }, 'ruok', { timeout: 500 })
      sim.runtime('b')
      expect(await failure(asking)).toMatchObject({ code: 'CONNECTION_LOSS', cause: { code: 'ECONNREFUSED' } })
    })
  })

  it('that takes too long times out, and its connection is closed', () =>
    bench(async ({ sim, ask, asked }) => {
      const before = sim.now
      const asking = failure(ask({ timeout: 700 }))
      const peer = await asked()
      peer.write('half an answer')
      expect(await asking).toBeInstanceOf(OperationTimeoutError)
      expect(sim.now - before).toBe(700)
      await peer.closed
    }))

  it('is aborted by its signal, before and while it waits', () =>
    bench(async ({ ask, asked }) => {
      const reason = new Error('no more')
      expect(await failure(ask({ signal: AbortSignal.abort(reason) }))).toBe(reason)
      const controller = new AbortController()
      const asking = failure(ask({ signal: controller.signal }))
      const peer = await asked()
      controller.abort(reason)
      expect(await asking).toBe(reason)
      await peer.closed
    }))
})
