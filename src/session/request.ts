import { offAbort, onAbort } from '../common/abort-listeners.ts'
import { ConnectionLossError, errorFromCode, OperationTimeoutError, type ZooKeeperError } from '../common/errors.ts'
import type { Reader } from '../protocol/reader.ts'
import type { Writer } from '../protocol/writer.ts'
import type { Runtime, Timer } from '../runtime/runtime.ts'
import type { Batch } from '../transport/connection.ts'
import type { WatchListener, WatchRegistry } from './watches/watch-registry.ts'

/** How a caller limits a call that waits. */
export interface CallOptions {
  /** Aborting it rejects the call with `signal.reason`. What was sent may still be applied. */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds after which the call rejects with {@link OperationTimeoutError}. What was sent may still be applied.
   * @defaultValue the client's `requestTimeout`
   */
  readonly timeout?: number | undefined
}

/** How a request was rejected, and whether an answer of the server's was the reason. */
interface Failure {
  readonly reason: unknown
  readonly answered: boolean
}

type EndListener = (failure: Failure | null) => void

/**
 * One request, from the call to the end of its promise. The promise is resolved in the reply handler and handed out as
 * it is: anything wrapped around it would let a watch event overtake the reply, or the other way round.
 *
 * Its public fields belong to the session: one object for each request is all that the hot path can afford.
 */
export abstract class Request<T> {
  /** The operation in the caller's words, for errors. */
  abstract readonly op: string
  abstract readonly opcode: number
  /** What the client's paths are under on the server; `''` for nothing. */
  readonly chroot: string
  /** The caller's path, for errors. */
  readonly path: string | undefined
  /** The watch to leave behind. */
  readonly listener: WatchListener | null
  readonly promise: Promise<T>

  /** Given when the request is written. */
  xid = 0
  /** The connection's batch it is in, which knows when it was sent; null while it waits. */
  batch: Batch | null = null
  /** The body, encoded when the request was queued, so that what the caller does to the data later changes nothing. */
  encoded: Buffer | null = null
  settled = false

  #resolve!: (value: T) => void
  #reject!: (reason: unknown) => void
  #ending: EndListener | null = null

  /** What nearly all requests have is set here, in one go: each class that has fields of its own costs another call. */
  constructor(chroot: string, path: string | undefined, listener: WatchListener | null = null) {
    this.chroot = chroot
    this.path = path
    this.listener = listener
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Writes the body. */
  abstract write(writer: Writer): void

  /** Writes the body ahead of its time: from now on it does not depend on what it was made of. */
  encode(writer: Writer): Buffer {
    if (this.encoded !== null) return this.encoded
    try {
      this.write(writer)
      return (this.encoded = writer.take())
    } catch (error) {
      writer.truncate(0)
      throw error
    }
  }

  /** Reads the body of a reply without error. */
  abstract read(reader: Reader): T

  /** What an error code means to this request: a value after all (`exists` on a missing znode), or undefined. */
  recover(_errno: number): { readonly value: T } | undefined {
    return undefined
  }

  /** Registers the watch that the server has set with this reply, if the request asked for one. */
  watch(_watches: WatchRegistry, _errno: number): void {}

  resolve(value: T): void {
    if (this.settled) return
    this.settled = true
    this.#ending?.(null)
    this.#resolve(value)
  }

  /** @param answered - whether the server has answered; false for what the client itself ends it with */
  reject(reason: unknown, answered = true): void {
    if (this.settled) return
    this.settled = true
    this.#ending?.({ reason, answered })
    this.#reject(reason)
  }

  /** Has `listener` called once, just before the promise is settled; after those that were given before. */
  onEnd(listener: EndListener): void {
    const before = this.#ending
    this.#ending =
      before === null
        ? listener
        : (failure) => {
            before(failure)
            listener(failure)
          }
  }

  /** Ends the request with an error code of the server. */
  fail(errno: number): void {
    this.reject(errorFromCode(errno, { op: this.op, path: this.path }))
  }

  /** Ends the request because its connection ended. */
  lose(sent: boolean, cause: unknown): void {
    this.reject(new ConnectionLossError(undefined, { op: this.op, path: this.path, maybeApplied: sent, cause }), false)
  }

  /** Ends the request with an error of the client's own, which says that nothing was sent. */
  refuse(type: new (message?: string, details?: object) => ZooKeeperError, cause?: unknown): void {
    this.reject(new type(undefined, { op: this.op, path: this.path, cause }), false)
  }

  /**
   * Binds the request to what the caller limits it by. `abandon` is told when it ends that way, to drop it from a
   * queue it may still be in; one that was sent stays, for its reply has to be consumed.
   */
  limit(runtime: Runtime, { signal, timeout }: CallOptions, abandon: () => void): void {
    if (this.settled) return
    let timer: Timer | undefined
    const aborted = (): void => {
      this.reject(signal?.reason, false)
      abandon()
    }
    this.onEnd(() => {
      timer?.cancel()
      offAbort(signal, aborted)
    })
    onAbort(signal, aborted)
    if (timeout !== undefined) {
      timer = runtime.setTimer(timeout, () => {
        const details = { op: this.op, path: this.path, maybeApplied: this.batch !== null }
        this.reject(new OperationTimeoutError(`timed out after ${timeout} ms: ${this.describe()}`, details), false)
        abandon()
      })
    }
  }

  describe(): string {
    return this.path === undefined ? this.op : `${this.op} ${this.path}`
  }
}
