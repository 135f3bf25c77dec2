import { describe, expect, it } from 'vitest'

import { ProtocolError } from '../../../src/common/errors.ts'
import type { Reader } from '../../../src/protocol/reader.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { Connection } from '../../../src/transport/connection.ts'
import { RawServer, type RawPeer } from '../../support/raw-peer.ts'

interface Bench {
  readonly sim: Simulation
  readonly connection: Connection
  readonly peer: RawPeer
  /** What the handler was told, in order. */
  readonly told: string[]
  readonly causes: Error[]
  /** What the handler allows, and does with a frame. */
  readonly rules: { mayRead: boolean; mayWrite: boolean; onFrame: (text: string) => void }
  readonly send: (text: string) => void
}

async function bench(script: (bench: Bench) => Promise<void>): Promise<void> {
  const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
  await sim.run(async () => {
    const server = await new RawServer().listen(sim.runtime('server'), { host: '0.0.0.0', port: 2181 })
    const accepted = server.next()
    const told: string[] = []
    const causes: Error[] = []
    const rules: Bench['rules'] = { mayRead: true, mayWrite: true, onFrame: () => {} }
    const address = { host: sim.address('server'), port: 2181 }
    const connection = new Connection(sim.runtime('client'), address, 1_000, {
      opened: () => void told.push('opened'),
      mayRead: () => rules.mayRead,
      mayWrite: () => rules.mayWrite,
      isLate: () => !rules.mayWrite,
      frame: (reader: Reader) => {
        const text = reader.string() ?? ''
        told.push(`frame ${text}`)
        rules.onFrame(text)
      },
      closed: (cause) => {
        told.push('closed')
        causes.push(cause)
      },
    })
    const peer = await accepted
    await sim.until(() => told.length > 0)
    const send = (text: string): void => {
      const frame = connection.beginFrame()
      connection.writer.string(text)
      connection.endFrame(frame)
      connection.flushIfLarge()
    }
    await script({ sim, connection, peer, told, causes, rules, send })
  })
}

function frame(text: string): Buffer {
  const bytes = Buffer.alloc(8 + text.length)
  bytes.writeInt32BE(4 + text.length)
  bytes.writeInt32BE(text.length, 4)
  bytes.write(text, 8)
  return bytes
}

describe('what is written', () => {
  it('in one tick leaves in one write', () =>
    bench(async ({ sim, peer, send }) => {
      const whole = Buffer.concat(['a', 'b', 'c'].map(frame))
      for (const text of ['a', 'b', 'c']) send(text)
      await peer.received(whole.length)
      expect(peer.chunks).toEqual([whole])
      send('d')
      await sim.sleep(10)
      expect(peer.chunks.slice(1)).toEqual([frame('d')])
    }))

  it('leaves before the end of the tick when it has grown large', () =>
    bench(async ({ connection, send }) => {
      const { batch } = connection
      for (let i = 0; i < 70; i++) send('x'.repeat(1_000))
      expect(connection.batch).not.toBe(batch)
      // Some of it is on its way, and what followed is another batch.
      expect(connection.writer.length).toBeLessThan(65_536)
    }))

  it('is told to be sent once the system has it, and not before', () =>
    bench(async ({ sim, connection, send }) => {
      send('a')
      const { batch } = connection
      expect(batch.sent).toBe(false)
      await sim.sleep(1)
      expect(batch.sent).toBe(true)
      expect(batch.startedAt).toBeLessThanOrEqual(sim.now - 1)
      send('b')
      expect(connection.batch).not.toBe(batch)
    }))

  it('and taken back is as if it had never been', () =>
    bench(async ({ peer, connection, send }) => {
      send('a')
      const start = connection.beginFrame()
      connection.writer.string('never')
      connection.dropFrame(start)
      send('b')
      const whole = Buffer.concat([frame('a'), frame('b')])
      expect(await peer.received(whole.length)).toEqual(whole)
    }))

  it('stays where it is when its time is over', () =>
    bench(async ({ sim, peer, rules, connection, send }) => {
      send('late')
      rules.mayWrite = false
      await sim.sleep(10)
      expect(peer.chunks).toEqual([])
      expect(connection.batch.sent).toBe(false)
    }))

  it('after the end goes nowhere', () =>
    bench(async ({ sim, peer, connection, send }) => {
      connection.close(new Error('mine'))
      send('late')
      await sim.sleep(10)
      expect(peer.chunks).toEqual([])
    }))
})

describe('what is read', () => {
  it('is given frame by frame, whatever the chunks', () =>
    bench(async ({ sim, peer, told }) => {
      for (const byte of Buffer.concat([frame('one'), frame('two')])) peer.socket.write(Buffer.from([byte]))
      await sim.sleep(100)
      expect(told).toEqual(['opened', 'frame one', 'frame two'])
    }))

  it('is not read at all when the handler does not want it', () =>
    bench(async ({ sim, peer, rules, told }) => {
      rules.mayRead = false
      peer.socket.write(frame('one'))
      await sim.sleep(10)
      expect(told).toEqual(['opened'])
    }))

  it('behind a frame that closed the connection is dropped', () =>
    bench(async ({ sim, peer, rules, connection, told }) => {
      rules.onFrame = () => connection.close(new Error('mine'))
      peer.socket.write(Buffer.concat([frame('one'), frame('two')]))
      await sim.sleep(10)
      expect(told).toEqual(['opened', 'frame one', 'closed'])
      await peer.closed
    }))

  it('that makes the handler throw ends the connection, with what it threw as the cause', () =>
    bench(async ({ sim, peer, rules, told, causes }) => {
      const mine = new Error('mine')
      rules.onFrame = () => {
        throw mine
      }
      peer.socket.write(Buffer.concat([frame('one'), frame('two')]))
      await sim.sleep(10)
      expect(told).toEqual(['opened', 'frame one', 'closed'])
      expect(causes[0]).toBeInstanceOf(ProtocolError)
      expect(causes[0]?.cause).toBe(mine)
    }))
})

describe('the end', () => {
  it.each([
    ['between frames', frame('one'), Error, 'the server closed the connection'],
    ['inside a frame', frame('one').subarray(0, -1), ProtocolError, 'the server closed the connection inside a frame'],
    ['inside a length', Buffer.from([0, 0]), ProtocolError, 'the server closed the connection inside a frame'],
  ])('%s is told once, with the reason', (_name, bytes, type, message) =>
    bench(async ({ sim, connection, peer, told, causes }) => {
      peer.socket.write(bytes)
      peer.socket.end()
      await sim.until(() => causes.length > 0)
      connection.close(new Error('late'))
      await sim.sleep(100)
      expect(told.filter((each) => each === 'closed')).toHaveLength(1)
      expect(causes[0]).toBeInstanceOf(type)
      expect(causes[0]?.message).toBe(message)
    }),
  )

  it('by a reset has that error as its reason', () =>
    bench(async ({ sim, peer, causes }) => {
      peer.socket.reset?.()
      await sim.until(() => causes.length > 0)
      expect(causes[0]).toMatchObject({ code: 'ECONNRESET' })
    }))

  it('by close is told before close returns, and the peer sees it', () =>
    bench(async ({ connection, peer, told, causes }) => {
      const mine = new Error('mine')
      connection.close(mine)
      expect([told.at(-1), causes]).toEqual(['closed', [mine]])
      await peer.closed
    }))
})
