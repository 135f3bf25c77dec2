import { ProtocolError } from '../common/errors.ts'

/**
 * Reads jute out of one frame. It is set onto frame after frame of a chunk, whose single `DataView` it shares: a
 * `Buffer.readBigInt64BE` costs several times a `DataView.getBigInt64`.
 *
 * Whatever the bytes are, reading ends in a value or in {@link ProtocolError}; no length is believed before it is known
 * to fit into the frame.
 */
export class Reader {
  #buffer: Buffer = empty
  #view: DataView = emptyView
  #offset = 0
  #end = 0

  /** A reader of one whole buffer. */
  static over(buffer: Buffer): Reader {
    const reader = new Reader()
    reader.reset(buffer, new DataView(buffer.buffer, buffer.byteOffset, buffer.length), 0, buffer.length)
    return reader
  }

  /** Bytes copied out of the chunk at one go, which lie at `#slabStart` to `#slabEnd` of it; see {@link buffer}. */
  #slab: Buffer = empty
  #slabStart = 0
  #slabEnd = 0
  /** Values copied out of the chunk so far. */
  #copies = 0

  /** Sets the reader onto the bytes of `buffer` from `start` to `end`; `view` covers the same buffer. */
  reset(buffer: Buffer, view: DataView, start: number, end: number): void {
    if (this.#buffer !== buffer) {
      this.#buffer = buffer
      this.#slabEnd = this.#copies = 0
    }
    this.#view = view
    this.#offset = start
    this.#end = end
  }

  /** The chunk that the frame is in, for codecs written by hand. */
  get view(): DataView {
    return this.#view
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#end - this.#offset
  }

  bool(): boolean {
    return this.#buffer[this.take(1)] !== 0
  }

  int(): number {
    return this.#view.getInt32(this.take(4))
  }

  long(): bigint {
    return this.#view.getBigInt64(this.take(8))
  }

  /** A 64-bit integer as a number: exact up to 2^53, which times and durations do not pass. */
  longNumber(): number {
    const at = this.take(8)
    return this.#view.getInt32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)
  }

  /**
   * Bytes that outlive the chunk they came in. A small value kept by the caller must not keep a large chunk alive, so it
   * is copied; one that makes up at least half of the memory behind it is sliced.
   */
  buffer(): Buffer | null {
    const size = this.int()
    if (size === -1) return null
    const start = this.#takeLength(size)
    // Many small values in a chunk share slabs, as those of `Buffer.allocUnsafe` do: one copy for dozens of them.
    if (start >= this.#slabStart && start + size <= this.#slabEnd) {
      return this.#slab.subarray(start - this.#slabStart, start - this.#slabStart + size)
    }
    return this.#detach(start, size)
  }

  string(): string | null {
    const size = this.int()
    if (size === -1) return null
    const start = this.#takeLength(size)
    return this.#buffer.toString('utf8', start, start + size)
  }

  /**
   * The count of a vector; −1 for null, and for any other negative count, as ZooKeeper takes it.
   *
   * @param least - how many bytes an item takes at least: a count that cannot fit is refused before anything is made
   * @param most - a larger count is refused, too
   */
  count(least: number, most = Infinity): number {
    const count = this.int()
    if (count < 0) return -1
    if (count * least > this.remaining || count > most) throw new ProtocolError(`impossible vector length ${count}`)
    return count
  }

  /** Ends reading: whatever is left over is ignored, as newer servers may append fields. */
  skipRest(): void {
    this.#offset = this.#end
  }

  /** Passes over `size` bytes, which it checks are there; returns where in {@link view} they start. */
  take(size: number): number {
    const start = this.#offset
    if (start + size > this.#end) throw new ProtocolError('the frame ends before the record does')
    this.#offset = start + size
    return start
  }

  #takeLength(size: number): number {
    if (size < 0) throw new ProtocolError(`impossible length ${size}`)
    return this.take(size)
  }

  #detach(start: number, size: number): Buffer {
    const buffer = this.#buffer
    if (size * 2 >= buffer.buffer.byteLength) return buffer.subarray(start, start + size)
    // The second small value of a chunk makes a third likely; the first alone says nothing.
    if (size > slabSize / 2 || this.#copies++ === 0) {
      const copy = Buffer.allocUnsafe(size)
      copy.set(buffer.subarray(start, start + size))
      return copy
    }
    const end = Math.min(start + slabSize, buffer.length)
    this.#slab = Buffer.allocUnsafeSlow(end - start)
    this.#slab.set(buffer.subarray(start, end))
    this.#slabStart = start
    this.#slabEnd = end
    return this.#slab.subarray(0, size)
  }
}

/** The most memory that a small value may keep alive, in bytes: as much as one of `Buffer.allocUnsafe` does. */
const slabSize = 8192

const empty = Buffer.alloc(0)
const emptyView = new DataView(empty.buffer, empty.byteOffset, 0)
