import { ProtocolError } from '../common/errors.ts'
import { Reader } from './reader.ts'

/**
 * Cuts a stream of bytes into frames: a 32-bit length, then as many bytes.
 *
 * A frame inside one chunk is read where it lies. Only one that spans chunks is put together, in memory that grows with
 * what arrived: neither a length that was merely announced nor a peer that dribbles byte by byte costs more.
 */
export class FrameDecoder {
  readonly #maxFrame: number
  readonly #onFrame: (reader: Reader) => void
  readonly #reader = new Reader()
  /** The beginning of a frame that is not complete: its first `#have` bytes count. */
  #partial: Buffer = none
  #have = 0
  /** How many bytes of the frame, its prefix included, make the next step possible. */
  #needed = 0
  #stopped = false

  /**
   * @param maxFrame - frames above this many bytes end in a `ProtocolError`
   * @param onFrame - called for each frame; the reader is valid during the call only
   */
  constructor(maxFrame: number, onFrame: (reader: Reader) => void) {
    this.#maxFrame = maxFrame
    this.#onFrame = onFrame
  }

  /** True between two frames. */
  get idle(): boolean {
    return this.#have === 0
  }

  /** Gives up: frames that follow in the chunk under way are dropped. */
  stop(): void {
    this.#stopped = true
    this.#partial = none
    this.#have = 0
  }

  /** Takes bytes as they arrived. Throws `ProtocolError` on an impossible length, and what `onFrame` throws. */
  push(chunk: Buffer): void {
    let offset = 0
    while (this.#have > 0) {
      if (this.#stopped) return
      const taken = this.#append(chunk, offset)
      if (this.#have < this.#needed) return
      offset += taken
      this.#advancePartial()
    }
    if (!this.#stopped && offset < chunk.length) this.#consume(chunk, offset)
  }

  #consume(chunk: Buffer, start: number): void {
    const view = viewOf(chunk)
    const length = chunk.length
    let offset = start
    while (length - offset >= 4) {
      const size = this.#checkSize(view.getInt32(offset))
      const end = offset + 4 + size
      if (end > length) {
        this.#keep(chunk, offset, 4 + size)
        return
      }
      this.#reader.reset(chunk, view, offset + 4, end)
      this.#onFrame(this.#reader)
      if (this.#stopped) return
      offset = end
    }
    if (offset < length) this.#keep(chunk, offset, 4)
  }

  #keep(chunk: Buffer, offset: number, needed: number): void {
    this.#partial = Buffer.allocUnsafeSlow(Math.min(needed, Math.max(4, (chunk.length - offset) * 2)))
    this.#needed = needed
    this.#append(chunk, offset)
  }

  #append(chunk: Buffer, offset: number): number {
    const taken = Math.min(this.#needed - this.#have, chunk.length - offset)
    const have = this.#have + taken
    if (have > this.#partial.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#needed, have * 2))
      larger.set(this.#partial.subarray(0, this.#have))
      this.#partial = larger
    }
    this.#partial.set(chunk.subarray(offset, offset + taken), this.#have)
    this.#have = have
    return taken
  }

  #advancePartial(): void {
    const frame = this.#partial
    const view = viewOf(frame)
    if (this.#needed === 4) {
      this.#needed = 4 + this.#checkSize(view.getInt32(0))
      if (this.#needed > 4) return
    }
    const end = this.#needed
    this.#partial = none
    this.#have = 0
    this.#reader.reset(frame, view, 4, end)
    this.#onFrame(this.#reader)
  }

  #checkSize(size: number): number {
    if (size >= 0 && size <= this.#maxFrame) return size
    throw new ProtocolError(`a frame of ${size} bytes was announced; at most ${this.#maxFrame} are accepted`)
  }
}

const none = Buffer.alloc(0)

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}
