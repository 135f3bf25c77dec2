import { ProtocolError } from '../common/errors.ts'
import { FrameDecoder } from '../protocol/framing.ts'
import type { Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'
import type { DialOptions, Runtime, Socket } from '../runtime/runtime.ts'

/** What a {@link Connection} tells its owner. */
export interface ConnectionHandler {
  opened(): void
  /** Bytes are there; false keeps them from being read, after the connection was closed. */
  mayRead(): boolean
  /** A batch is about to leave; false keeps it from being sent, after the connection was closed. */
  mayWrite(): boolean
  /** Whether {@link mayWrite} would say no. Closes nothing, so that it may be asked in the middle of anything. */
  isLate(): boolean
  /** A frame; the reader is valid during the call only. What it throws ends the connection. */
  frame(reader: Reader): void
  /** The connection is over, for this reason; called exactly once, and last. */
  closed(cause: Error): void
}

/** Frames that leave in one `write`. Requests share it: a time of their own would cost each an object on the heap. */
export interface Batch {
  /** When it was begun: not later than any of its frames will be sent. Monotonic milliseconds. */
  readonly startedAt: number
  /** Whether it was handed to the operating system, so that the server may have it. */
  sent: boolean
}

/** Batches are flushed early once they are this large, so that a burst of requests is on its way while it is made. */
const batchLimit = 65_536

/**
 * One socket, one life: frames in, frames out. Frames that are written in one tick leave in one `write`, a batch.
 */
export class Connection {
  readonly writer: Writer = new Writer(16_384)
  readonly #runtime: Runtime
  readonly #handler: ConnectionHandler
  readonly #decoder: FrameDecoder
  readonly #socket: Socket
  readonly #flush = (): void => {
    this.#flushScheduled = false
    this.flush()
  }
  #flushScheduled = false
  #closed = false
  #batch: Batch = { startedAt: 0, sent: false }

  constructor(runtime: Runtime, address: DialOptions, maxReply: number, handler: ConnectionHandler) {
    this.#runtime = runtime
    this.#handler = handler
    this.#decoder = new FrameDecoder(maxReply, (reader) => handler.frame(reader))
    this.#socket = runtime.dial(address, {
      opened: () => {
        if (!this.#closed) handler.opened()
      },
      received: (chunk) => this.#received(chunk),
      closed: (error) => this.close(error ?? this.#endedBy()),
    })
  }

  /** Why the connection is over, when its peer has ended it and nothing has failed. */
  #endedBy(): Error {
    if (this.#decoder.idle) return new Error('the server closed the connection')
    return new ProtocolError('the server closed the connection inside a frame')
  }

  /** The batch that the last frame went into. */
  get batch(): Batch {
    return this.#batch
  }

  /** Begins a frame on {@link writer}; returns what {@link endFrame} wants. */
  beginFrame(): number {
    if (!this.#flushScheduled) {
      this.#flushScheduled = true
      this.#runtime.defer(this.#flush)
    }
    if (this.writer.length === 0) this.#batch = { startedAt: this.#runtime.now(), sent: false }
    return this.writer.beginFrame()
  }

  /** Ends a frame; returns its size in bytes. */
  endFrame(start: number): number {
    return this.writer.endFrame(start)
  }

  /** Takes back the frame begun at `start`, as if it had never been. */
  dropFrame(start: number): void {
    this.writer.truncate(start - 4)
  }

  /**
   * To be called after a frame, when what belongs to it is noted: sends a batch that has grown large. One that is too
   * late stays, for the flush at the end of the tick to close the connection: here its owner may be half-way through
   * something that needs it.
   */
  flushIfLarge(): void {
    if (this.writer.length >= batchLimit && !this.#closed && !this.#handler.isLate()) this.#send()
  }

  /** Sends what was written. */
  flush(): void {
    if (!this.#closed && this.writer.length > 0 && this.#handler.mayWrite()) this.#send()
  }

  #send(): void {
    this.#batch.sent = true
    this.#socket.write(this.writer.take())
  }

  /** Closes at once. `handler.closed` is called before this returns, if it was not called before. */
  close(cause: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#decoder.stop()
    this.#socket.destroy()
    this.#handler.closed(cause)
  }

  #received(chunk: Buffer): void {
    if (this.#closed || !this.#handler.mayRead()) return
    try {
      this.#decoder.push(chunk)
    } catch (error) {
      this.close(error instanceof ProtocolError ? error : new ProtocolError('unreadable frame', { cause: error }))
    }
  }
}
