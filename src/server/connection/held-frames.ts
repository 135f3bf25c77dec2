import type { Reader } from '../../protocol/reader.ts'

/** What may be in the way of handling a frame. */
export const obstacles = {
  /** The client does not read what it asked for. */
  backlog: 1,
  /** A write waits for the leader. */
  leader: 2,
  /** The disk is behind. */
  disk: 4,
  /** Others have their turn. */
  turn: 8,
  /** Too much waits for clients that do not read. */
  room: 16,
} as const

export type Obstacle = (typeof obstacles)[keyof typeof obstacles]

/** The frames that came while something was in the way of handling them, in order, and what is in the way. */
export class HeldFrames {
  #obstacles = 0
  #frames: Buffer[] = []
  /** Those before it are handled. */
  #next = 0

  get isHeld(): boolean {
    return this.#obstacles !== 0
  }

  get isEmpty(): boolean {
    return this.#next === this.#frames.length
  }

  get size(): number {
    return this.#frames.length - this.#next
  }

  holdFor(obstacle: Obstacle): void {
    this.#obstacles |= obstacle
  }

  isHeldFor(obstacle: Obstacle): boolean {
    return (this.#obstacles & obstacle) !== 0
  }

  release(obstacle: Obstacle): void {
    this.#obstacles &= ~obstacle
  }

  /** Keeps what the reader has left, which may be all of a frame. */
  push(reader: Reader): void {
    this.#frames.push(rest(reader))
  }

  /** Keeps a request whose header was read, ahead of all others. */
  putBack(xid: number, opcode: number, reader: Reader): void {
    const body = rest(reader)
    const frame = Buffer.alloc(8 + body.length)
    frame.writeInt32BE(xid, 0)
    frame.writeInt32BE(opcode, 4)
    body.copy(frame, 8)
    if (this.#next > 0) this.#frames[--this.#next] = frame
    else this.#frames.unshift(frame)
  }

  /** The frame whose turn it is; there must be one. */
  shift(): Buffer {
    const frame = this.#frames[this.#next]!
    // Nobody holds on to what is handled.
    this.#frames[this.#next++] = none
    if (this.isEmpty) this.clear()
    return frame
  }

  clear(): void {
    this.#frames = []
    this.#next = 0
  }
}

const none = Buffer.alloc(0)

function rest(reader: Reader): Buffer {
  const size = reader.remaining
  const { buffer, byteOffset } = reader.view
  return Buffer.from(Buffer.from(buffer, byteOffset + reader.take(size), size))
}
