import { ProtocolError } from '../../common/errors.ts'
import { Reader } from '../../protocol/reader.ts'
import { adler32, adlerStart } from './adler32.ts'

/** Reads bytes of the file; fewer than asked for at its end alone. */
export type More = (position: number, size: number) => Promise<Buffer>

const chunkSize = 1024 * 1024

/** The bytes of a snapshot, as far as they were read in, and the checksum of what was taken of them. */
export class SnapshotInput {
  #buffer: Buffer
  #view: DataView
  #at = 0
  #summed = 0
  #sum = adlerStart
  #position = 0
  readonly #more: More | null

  constructor(whole: Buffer | null, more: More | null) {
    this.#buffer = whole ?? Buffer.alloc(0)
    this.#view = viewOf(this.#buffer)
    this.#more = more
  }

  isShort(size: number): boolean {
    return this.#buffer.length - this.#at < size
  }

  /** Reads on until there are so many bytes. @throws {@link ProtocolError} if there are not */
  async ensure(size: number): Promise<void> {
    if (!(await this.has(size))) throw new ProtocolError('it ends too early')
  }

  async has(size: number): Promise<boolean> {
    while (this.isShort(size)) {
      // A damaged length must not make a huge buffer before the file has shown that it has so many bytes.
      const wanted = Math.min(Math.max(size, chunkSize), 64 * chunkSize)
      const chunk = await this.#more?.(this.#position, wanted)
      if (chunk === undefined || chunk.length === 0) return false
      this.#position += chunk.length
      this.#sumUp()
      this.#buffer = Buffer.concat([this.#buffer.subarray(this.#at), chunk])
      this.#view = viewOf(this.#buffer)
      this.#at = this.#summed = 0
    }
    return true
  }

  int(): number {
    return this.#view.getInt32(this.#take(4))
  }

  long(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  longNumber(): number {
    const at = this.#take(8)
    return this.#view.getInt32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)
  }

  /**
   * Gives away what was read in so far; as much is taken as `take` says. It is summed up before, so that `take` may
   * change it.
   *
   * @param measure - returns up to where it is taken
   */
  consume(
    measure: (bytes: Buffer, view: DataView, from: number) => number,
    take: (bytes: Buffer, view: DataView, from: number, to: number) => void,
  ): void {
    const from = this.#at
    const to = measure(this.#buffer, this.#view, from)
    this.#at = to
    this.#sumUp()
    take(this.#buffer, this.#view, from, to)
  }

  record<T>(size: number, read: (reader: Reader) => T): T {
    const at = this.#take(size)
    return read(Reader.over(this.#buffer.subarray(at, at + size)))
  }

  /** Something whose size only reading it tells. */
  async growing<T>(read: (reader: Reader) => T): Promise<T> {
    for (;;) {
      const reader = Reader.over(this.#buffer.subarray(this.#at))
      try {
        const value = read(reader)
        this.#at = this.#buffer.length - reader.remaining
        return value
      } catch (error) {
        if (!(await this.has(this.#buffer.length - this.#at + 1))) throw error
      }
    }
  }

  skip(size: number): void {
    this.#take(size)
  }

  /** Passes over what was read in so far. */
  skipAll(): void {
    this.#at = this.#buffer.length
  }

  /** Compares the checksum that stands here with that of all bytes so far. */
  async checkSeal(): Promise<void> {
    this.#sumUp()
    const sum = this.#sum
    await this.ensure(13)
    if (this.long() !== BigInt(sum)) throw new ProtocolError('wrong checksum')
    this.#take(5)
  }

  #take(size: number): number {
    const at = this.#at
    if (size < 0 || at + size > this.#buffer.length) throw new ProtocolError('it ends too early')
    this.#at = at + size
    return at
  }

  #sumUp(): void {
    this.#sum = adler32(this.#buffer.subarray(this.#summed, this.#at), this.#sum)
    this.#summed = this.#at
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}
