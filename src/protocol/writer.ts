/**
 * Writes jute, ZooKeeper's serialization, into a buffer that grows: big-endian, no tags, −1 as the length of null.
 */
export class Writer {
  #buffer: Buffer
  #view: DataView
  #offset = 0

  constructor(size = 256) {
    this.#buffer = Buffer.allocUnsafeSlow(size)
    this.#view = viewOf(this.#buffer)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#offset
  }

  /** Forgets what was written from `length` on. */
  truncate(length: number): void {
    this.#offset = length
  }

  bool(value: boolean): void {
    this.#reserve(1)
    this.#buffer[this.#offset++] = value ? 1 : 0
  }

  int(value: number): void {
    this.#reserve(4)
    this.#view.setInt32(this.#offset, value)
    this.#offset += 4
  }

  long(value: bigint): void {
    this.#reserve(8)
    this.#view.setBigInt64(this.#offset, value)
    this.#offset += 8
  }

  /** A 64-bit integer that a number holds exactly: times and durations. */
  longNumber(value: number): void {
    this.#reserve(8)
    this.#view.setInt32(this.#offset, Math.floor(value / 0x1_0000_0000))
    this.#view.setUint32(this.#offset + 4, value >>> 0)
    this.#offset += 8
  }

  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1)
      return
    }
    const size = value.length
    this.#reserve(4 + size)
    this.#view.setInt32(this.#offset, size)
    this.#buffer.set(value, this.#offset + 4)
    this.#offset += 4 + size
  }

  string(value: string | null): void {
    if (value === null) {
      this.int(-1)
      return
    }
    const units = value.length
    // UTF-8 needs at most three bytes for one UTF-16 unit.
    this.#reserve(4 + units * 3)
    const start = this.#offset + 4
    const size = units <= 64 ? this.#ascii(value, start) : -1
    const written = size === -1 ? this.#buffer.write(value, start, 'utf8') : size
    this.#view.setInt32(this.#offset, written)
    this.#offset = start + written
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#offset)
    this.#offset += bytes.length
  }

  /** Leaves room for a frame's length, which {@link endFrame} fills in; returns what to give it. */
  beginFrame(): number {
    this.#reserve(4)
    this.#offset += 4
    return this.#offset
  }

  /** Ends the frame; returns its size in bytes, the length prefix not counted. */
  endFrame(start: number): number {
    const size = this.#offset - start
    this.#view.setInt32(start - 4, size)
    return size
  }

  /**
   * Hands over what was written and starts anew. The bytes are the taker's for good: a little is copied out, much is
   * given away with the buffer.
   */
  take(): Buffer {
    const written = this.#buffer.subarray(0, this.#offset)
    if (this.#offset <= 4096) {
      const copy = Buffer.from(written)
      // What an unusually large frame needed is not kept for ever.
      if (this.#buffer.length > 1024 * 1024) this.#renew(65_536)
      this.#offset = 0
      return copy
    }
    this.#renew(Math.min(this.#buffer.length, 65_536))
    this.#offset = 0
    return written
  }

  #renew(size: number): void {
    this.#buffer = Buffer.allocUnsafeSlow(size)
    this.#view = viewOf(this.#buffer)
  }

  /** Short ASCII strings, which nearly all paths are, are faster by hand than through a call into C++. */
  #ascii(value: string, start: number): number {
    const units = value.length
    const buffer = this.#buffer
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) return -1
      buffer[start + i] = unit
    }
    return units
  }

  #reserve(size: number): void {
    const needed = this.#offset + size
    if (needed > this.#buffer.length) this.#grow(needed)
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    larger.set(this.#buffer.subarray(0, this.#offset))
    this.#buffer = larger
    this.#view = viewOf(larger)
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}
