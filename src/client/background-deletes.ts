import { NoNodeError, OperationTimeoutError, QueueFullError, ZooKeeperError } from '../common/errors.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Log } from '../session/observing/log.ts'
import type { CallOptions } from '../session/request.ts'
import { isLost } from './persist.ts'

/** Milliseconds before the next attempt where it was not the connection that failed: a server that is overloaded, say. */
const pause = 1_000

/** Deletes that go on after their callers were told of a failure, until they are done or the client stops. */
export class BackgroundDeletes {
  readonly #runtime: Runtime
  readonly #log: Log
  readonly #limit: number
  #running = 0

  constructor(runtime: Runtime, log: Log, limit: number) {
    this.#runtime = runtime
    this.#log = log
    this.#limit = limit
  }

  /**
   * Deletes, and rejects as that does; but where it is open whether the znode is gone, the delete goes on by itself.
   *
   * @throws QueueFullError, and nothing is sent, where too many go on already
   */
  async guarantee(path: string, run: (limits: CallOptions) => Promise<void>, options: CallOptions): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#running >= this.#limit) {
      throw new QueueFullError('too many deletes go on in the background', { op: 'delete', path })
    }
    try {
      await run(options)
    } catch (error) {
      if (mayPass(error) || options.signal?.aborted === true) void this.#goOn(path, run)
      throw error
    }
  }

  async #goOn(path: string, run: (limits: CallOptions) => Promise<void>): Promise<void> {
    this.#running++
    try {
      while (!(await this.#attempt(path, run)));
    } finally {
      this.#running--
    }
  }

  /** Whether it is over. */
  async #attempt(path: string, run: (limits: CallOptions) => Promise<void>): Promise<boolean> {
    try {
      await run({ timeout: Infinity })
      return true
    } catch (error) {
      if (error instanceof NoNodeError) return true
      // It waits for the next connection as any request does.
      if (isLost(error) || error instanceof OperationTimeoutError) return false
      if (!(error instanceof ZooKeeperError) || !error.retryable) {
        this.#log('warn', { path, cause: error }, 'gave up a guaranteed delete')
        return true
      }
    }
    await new Promise<void>((resolve) => this.#runtime.setTimer(pause, resolve))
    return false
  }
}

/** What was never sent, as there was no room for it, is the caller's to send again. */
function mayPass(error: unknown): boolean {
  return error instanceof ZooKeeperError && error.retryable && !(error instanceof QueueFullError)
}
