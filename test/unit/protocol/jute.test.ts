import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ProtocolError } from '../../../src/common/errors.ts'
import { Reader } from '../../../src/protocol/reader.ts'
import { Writer } from '../../../src/protocol/writer.ts'

const int = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const long = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })
const text = fc.option(fc.string({ unit: 'binary', maxLength: 100 }), { nil: null })

const primitive = fc.oneof(
  fc.tuple(fc.constant('int' as const), int),
  fc.tuple(fc.constant('long' as const), long),
  fc.tuple(fc.constant('longNumber' as const), fc.maxSafeInteger()),
  fc.tuple(fc.constant('bool' as const), fc.boolean()),
  fc.tuple(fc.constant('buffer' as const), bytes),
  fc.tuple(fc.constant('string' as const), text),
)

function write(writer: Writer, [kind, value]: readonly [string, unknown]): void {
  ;(writer as unknown as Record<string, (value: unknown) => void>)[kind]!(value)
}

function read(reader: Reader, kind: string): unknown {
  return (reader as unknown as Record<string, () => unknown>)[kind]!()
}

/** The same value in the shape that reading gives. */
const normal = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value) : value)

/** What a value takes on the wire, written by the book: big-endian, lengths of 32 bits, −1 for null. */
function byTheBook([kind, value]: readonly [string, unknown]): Buffer {
  const out = Buffer.alloc(kind === 'bool' ? 1 : kind === 'int' ? 4 : 8)
  switch (kind) {
    case 'bool':
      out.writeUInt8(value === true ? 1 : 0)
      return out
    case 'int':
      out.writeInt32BE(value as number)
      return out
    case 'long':
    case 'longNumber':
      out.writeBigInt64BE(BigInt(value as bigint | number))
      return out
    default: {
      const body = value === null ? Buffer.alloc(0) : Buffer.from(value as string)
      const length = Buffer.alloc(4)
      length.writeInt32BE(value === null ? -1 : body.length)
      return Buffer.concat([length, body])
    }
  }
}

describe('jute', () => {
  it('reads back what was written, and writes it by the book', () => {
    fc.assert(
      fc.property(fc.array(primitive, { maxLength: 30 }), fc.integer({ min: 1, max: 64 }), (items, size) => {
        const writer = new Writer(size)
        for (const item of items) write(writer, item)
        const length = writer.length
        const encoded = writer.take()
        expect(encoded.length).toBe(length)
        expect(encoded.toString('hex')).toBe(Buffer.concat(items.map(byTheBook)).toString('hex'))
        const reader = Reader.over(encoded)
        for (const [kind, value] of items) expect(read(reader, kind)).toEqual(normal(value))
        expect(reader.remaining).toBe(0)
      }),
      { numRuns: 200 },
    )
  })

  it('writes long strings and those outside ASCII as UTF-8, however long', () => {
    for (const value of [
      'a'.repeat(64),
      'a'.repeat(65),
      'a'.repeat(63) + 'é',
      'é'.repeat(64),
      '日本'.repeat(50),
      '😀',
    ]) {
      const writer = new Writer(8)
      writer.string(value)
      expect(writer.take()).toEqual(byTheBook(['string', value]))
    }
  })

  it('tells null from empty', () => {
    const writer = new Writer()
    writer.buffer(null)
    writer.buffer(Buffer.alloc(0))
    writer.string(null)
    writer.string('')
    const reader = Reader.over(writer.take())
    expect([reader.buffer(), reader.buffer(), reader.string(), reader.string()]).toEqual([
      null,
      Buffer.alloc(0),
      null,
      '',
    ])
  })

  it('keeps a byte that is neither 0 nor 1 as true', () => {
    expect(Reader.over(Buffer.from([2])).bool()).toBe(true)
  })
})

describe('Writer', () => {
  it('takes back what was written behind a mark', () => {
    const writer = new Writer(4)
    writer.int(1)
    const mark = writer.length
    writer.string('forgotten')
    writer.truncate(mark)
    writer.int(2)
    expect(writer.take()).toEqual(Buffer.from([0, 0, 0, 1, 0, 0, 0, 2]))
  })

  it('fills in the length of a frame', () => {
    const writer = new Writer(4)
    const frame = writer.beginFrame()
    writer.string('abc')
    expect(writer.endFrame(frame)).toBe(7)
    expect(writer.take()).toEqual(Buffer.from([0, 0, 0, 7, 0, 0, 0, 3, 97, 98, 99]))
  })

  it.each([10, 4_096, 4_097, 100_000])('hands %i bytes over for good', (size) => {
    const writer = new Writer()
    writer.raw(Buffer.alloc(size, 1))
    const taken = writer.take()
    expect(writer.length).toBe(0)
    writer.raw(Buffer.alloc(size, 2))
    expect(taken.equals(Buffer.alloc(size, 1))).toBe(true)
    expect(writer.take().equals(Buffer.alloc(size, 2))).toBe(true)
  })
})

describe('Reader', () => {
  it.each(['int', 'long', 'longNumber', 'bool', 'buffer', 'string'])('refuses to read a %s over the end', (kind) => {
    const whole = byTheBook([kind, kind === 'buffer' || kind === 'string' ? 'abc' : kind === 'long' ? 5n : 5])
    for (let size = 0; size < whole.length; size++) {
      expect(() => read(Reader.over(whole.subarray(0, size)), kind)).toThrow(ProtocolError)
    }
  })

  it('reads no further than its frame, whatever lies behind it in the chunk', () => {
    const chunk = Buffer.concat([byTheBook(['string', 'abc']), byTheBook(['string', 'next'])])
    const reader = new Reader()
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
    reader.reset(chunk, view, 0, 6)
    expect(() => reader.string()).toThrow(ProtocolError)
    reader.reset(chunk, view, 0, 7)
    expect(reader.string()).toBe('abc')
    expect(() => reader.int()).toThrow(ProtocolError)
  })

  it.each([-2, -0x8000_0000])('refuses the length %i', (length) => {
    const head = byTheBook(['int', length])
    expect(() => Reader.over(head).buffer()).toThrow(ProtocolError)
    expect(() => Reader.over(head).string()).toThrow(ProtocolError)
    // Of a vector, which has nothing then.
    expect(Reader.over(head).count(4)).toBe(0)
  })

  it('believes no count of a vector that cannot fit', () => {
    const head = Buffer.concat([byTheBook(['int', 3]), Buffer.alloc(11)])
    expect(() => Reader.over(head).count(4)).toThrow(ProtocolError)
    expect(Reader.over(head).count(3)).toBe(3)
    expect(Reader.over(byTheBook(['int', -1])).count(4)).toBe(-1)
  })

  it('copies a small value out of a large chunk, so that keeping it keeps no more', () => {
    const chunk = Buffer.alloc(65_536)
    byTheBook(['buffer', Buffer.alloc(100, 7)]).copy(chunk, 1_000)
    const reader = new Reader()
    reader.reset(chunk, new DataView(chunk.buffer, chunk.byteOffset, chunk.length), 1_000, 2_000)
    const value = reader.buffer()!
    expect(value).toEqual(Buffer.alloc(100, 7))
    expect(value.buffer).not.toBe(chunk.buffer)
    expect(value.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize)
    chunk.fill(0)
    expect(value).toEqual(Buffer.alloc(100, 7))
  })

  it('never lets a value hold more than twice its size, or a slab that many small ones share', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(40_000), (size, rest) => {
        const chunk = Buffer.allocUnsafeSlow(4 + size + rest)
        chunk.writeInt32BE(size)
        const value = Reader.over(chunk).buffer()!
        expect(value.length).toBe(size)
        expect(value.buffer.byteLength).toBeLessThanOrEqual(Math.max(2 * size, Buffer.poolSize))
      }),
    )
  })

  it('copies many small values out of one chunk, and forgets it for the next', () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(9_000)), { minLength: 1, maxLength: 80 })
    fc.assert(
      fc.property(sizes, (all) => {
        const reader = new Reader()
        for (let round = 0; round < 3; round++) {
          const values = all.map((size, index) => Buffer.alloc(size, index + round + 1))
          // The chunk is part of something larger, so that no value is most of the memory behind it.
          const chunk = Buffer.concat([...values.map((value) => byTheBook(['buffer', value])), Buffer.alloc(800_000)])
          const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
          reader.reset(chunk, view, 0, chunk.length)
          const read = values.map(() => reader.buffer()!)
          chunk.fill(0)
          for (const [index, value] of read.entries()) {
            expect(value.equals(values[index]!)).toBe(true)
            expect(value.buffer.byteLength).toBeLessThanOrEqual(Math.max(2 * value.length, Buffer.poolSize))
          }
        }
      }),
      { numRuns: 30 },
    )
  })
})
