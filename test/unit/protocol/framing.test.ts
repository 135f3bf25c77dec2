import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ProtocolError } from '../../../src/common/errors.ts'
import { FrameDecoder } from '../../../src/protocol/framing.ts'
import type { Reader } from '../../../src/protocol/reader.ts'

const maxFrame = 100_000

function bytesOf(reader: Reader): Buffer {
  const size = reader.remaining
  const at = reader.take(size)
  return Buffer.from(Buffer.from(reader.view.buffer, reader.view.byteOffset + at, size))
}

function framed(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const head = Buffer.alloc(4)
      head.writeInt32BE(frame.length)
      return [head, frame]
    }),
  )
}

function collector(max = maxFrame): { frames: Buffer[]; decoder: FrameDecoder } {
  const frames: Buffer[] = []
  return { frames, decoder: new FrameDecoder(max, (reader) => void frames.push(bytesOf(reader))) }
}

function announce(size: number): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32BE(size)
  return head
}

const frames = fc.array(fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: 100, maxLength: 400 })), {
  maxLength: 8,
})

describe('FrameDecoder', () => {
  it('gives the same frames whatever the chunks', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(600), { maxLength: 12 }), (sent, cuts) => {
        const stream = framed(sent)
        const { frames: received, decoder } = collector()
        const places = [0, ...cuts.map((cut) => Math.min(cut, stream.length)).toSorted((a, b) => a - b), stream.length]
        // Each chunk has memory of its own at an offset of its own, as sockets give them.
        for (const [index, end] of places.slice(1).entries()) {
          const chunk = Buffer.concat([Buffer.alloc(index), stream.subarray(places[index], end)]).subarray(index)
          decoder.push(chunk)
        }
        expect(received).toEqual(sent.map((frame) => Buffer.from(frame)))
        expect(decoder.idle).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same frames byte by byte', () => {
    fc.assert(
      fc.property(frames, (sent) => {
        const { frames: received, decoder } = collector()
        for (const byte of framed(sent)) decoder.push(Buffer.from([byte]))
        expect(received).toEqual(sent.map((frame) => Buffer.from(frame)))
      }),
    )
  })

  it('gives frames at once, before the next one is complete', () => {
    const { frames: received, decoder } = collector()
    decoder.push(Buffer.concat([framed([Buffer.from('one')]), announce(10), Buffer.from('tw')]))
    expect(received).toEqual([Buffer.from('one')])
    expect(decoder.idle).toBe(false)
  })

  it.each([-1, -0x8000_0000, maxFrame + 1, 0x7fff_ffff])(
    'refuses a frame of %i bytes, in one chunk or many',
    (size) => {
      const whole = collector()
      expect(() => whole.decoder.push(announce(size))).toThrow(ProtocolError)
      const behind = collector()
      expect(() => behind.decoder.push(Buffer.concat([framed([Buffer.from('a')]), announce(size)]))).toThrow(
        ProtocolError,
      )
      expect(behind.frames).toEqual([Buffer.from('a')])
      const dribbled = collector()
      expect(() => {
        for (const byte of announce(size)) dribbled.decoder.push(Buffer.from([byte]))
      }).toThrow(`a frame of ${size} bytes was announced; at most ${maxFrame} are accepted`)
    },
  )

  it('takes a frame of exactly the limit, and an empty one', () => {
    const { frames: received, decoder } = collector(8)
    decoder.push(framed([Buffer.alloc(8, 1), Buffer.alloc(0), Buffer.alloc(8, 2)]))
    expect(received.map((frame) => frame.length)).toEqual([8, 0, 8])
  })

  it('does not copy a frame that lies inside a chunk', () => {
    const chunk = framed([Buffer.from('one'), Buffer.from('two')])
    const seen: ArrayBufferLike[] = []
    new FrameDecoder(maxFrame, (reader) => void seen.push(reader.view.buffer)).push(chunk)
    expect(seen).toEqual([chunk.buffer, chunk.buffer])
  })

  it('drops what follows in the chunk once it was stopped', () => {
    const received: string[] = []
    const decoder: FrameDecoder = new FrameDecoder(maxFrame, (reader) => {
      received.push(String(bytesOf(reader)))
      if (received.length === 2) decoder.stop()
    })
    decoder.push(framed([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]))
    decoder.push(framed([Buffer.from('d')]))
    expect(received).toEqual(['a', 'b'])
  })

  it('stops in a frame that spans chunks, too', () => {
    const received: string[] = []
    const decoder: FrameDecoder = new FrameDecoder(maxFrame, (reader) => {
      received.push(String(bytesOf(reader)))
      decoder.stop()
    })
    const stream = framed([Buffer.from('abc'), Buffer.from('d')])
    decoder.push(stream.subarray(0, 5))
    decoder.push(stream.subarray(5))
    expect(received).toEqual(['abc'])
  })

  it('lets what a frame leads to throw', () => {
    const decoder = new FrameDecoder(maxFrame, () => {
      throw new Error('mine')
    })
    expect(() => decoder.push(framed([Buffer.from('a')]))).toThrow('mine')
  })
})

/** Counts the memory that a script allocates in buffers. */
function allocated(script: () => void): number {
  const allocUnsafeSlow = Buffer.allocUnsafeSlow.bind(Buffer)
  let sum = 0
  Buffer.allocUnsafeSlow = (size) => {
    sum += size
    return allocUnsafeSlow(size)
  }
  try {
    script()
  } finally {
    Buffer.allocUnsafeSlow = allocUnsafeSlow
  }
  return sum
}

describe('memory', () => {
  it('is not reserved for what was merely announced', () => {
    const { decoder } = collector(0x7fff_ffff)
    expect(allocated(() => decoder.push(announce(0x7fff_fff0)))).toBeLessThanOrEqual(64)
    expect(allocated(() => decoder.push(Buffer.alloc(1_000)))).toBeLessThanOrEqual(8_192)
  })

  it('grows with what was sent when a peer dribbles, not with its square', () => {
    const size = 50_000
    const { decoder, frames: received } = collector()
    const stream = framed([Buffer.alloc(size, 1)])
    const used = allocated(() => {
      for (let at = 0; at < stream.length; at++) decoder.push(stream.subarray(at, at + 1))
    })
    expect(received[0]?.equals(Buffer.alloc(size, 1))).toBe(true)
    expect(used).toBeGreaterThanOrEqual(size)
    expect(used).toBeLessThanOrEqual(size * 4)
  })

  it('of a frame that spans chunks is no more than the frame', () => {
    let kept = 0
    const decoder = new FrameDecoder(maxFrame, (reader) => (kept = reader.view.buffer.byteLength))
    const stream = framed([Buffer.alloc(60_000)])
    for (let at = 0; at < stream.length; at += 1_000) decoder.push(stream.subarray(at, at + 1_000))
    expect(kept).toBeLessThanOrEqual(60_004)
  })
})
