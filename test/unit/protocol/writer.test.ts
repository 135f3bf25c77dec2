import { describe, expect, it } from 'vitest'

import { Writer } from '../../../src/protocol/writer.ts'

describe('Writer.take', () => {
  it('lets go of what an unusually large frame needed', () => {
    const writer = new Writer()
    // Written, found too large, taken back.
    writer.raw(Buffer.alloc(2_000_000))
    writer.truncate(0)
    writer.int(1)
    expect(writer.take()).toEqual(Buffer.from([0, 0, 0, 1]))
    // Much is given away with the buffer it is in, which shows how large that is.
    writer.raw(Buffer.alloc(5_000, 7))
    const taken = writer.take()
    expect(taken).toEqual(Buffer.alloc(5_000, 7))
    expect(taken.buffer.byteLength).toBeLessThanOrEqual(65_536)
  })

  it('hands over bytes that later writing leaves alone', () => {
    const writer = new Writer()
    for (const size of [10, 5_000, 2_000_000, 10]) {
      writer.raw(Buffer.alloc(size, 1))
      const taken = writer.take()
      writer.raw(Buffer.alloc(size, 2))
      expect(taken.equals(Buffer.alloc(size, 1))).toBe(true)
      writer.take()
    }
  })
})
