import { offAbort, onAbort } from '../common/abort-listeners.ts'
import { RetryFailedError, SessionExpiredError, ZooKeeperError } from '../common/errors.ts'
import { describeType } from '../common/paths.ts'
import { nodeRuntime } from '../runtime/node-runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { checkBoolean, checkTimeout } from './arguments.ts'

/** When and how often {@link KazooRetry} tries again. Kazoo's names and, in milliseconds, its defaults. */
export interface KazooRetryOptions {
  /** How often the function is called at most; −1 for as often as it takes. @defaultValue 1 */
  readonly maxTries?: number
  /** The first pause in milliseconds. @defaultValue 100 */
  readonly delay?: number
  /** What each pause is multiplied by to give the next. @defaultValue 2 */
  readonly backoff?: number
  /** How far a pause is spread at random: 0.4 makes it 0.6 to 1.4 times as long. @defaultValue 0.4 */
  readonly maxJitter?: number
  /** The longest pause in milliseconds, jitter included. @defaultValue 60,000 */
  readonly maxDelay?: number
  /** Whether to try again after a `SessionExpiredError`, on the client's next session. @defaultValue true */
  readonly ignoreExpire?: boolean
  /** Milliseconds from the first call after which no further one is made. @defaultValue none */
  readonly deadline?: number | undefined
  /** Aborting it ends the pause under way; `run` rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /** The clock, the timers and the dice. @defaultValue those of Node */
  readonly runtime?: Runtime
}

/** Thrown by a function that wants {@link KazooRetry} to call it again. */
export class ForceRetryError extends Error {
  override readonly name = 'ForceRetryError'
}

const defaults: Required<Omit<KazooRetryOptions, 'deadline' | 'signal' | 'runtime'>> = {
  maxTries: 1,
  delay: 100,
  backoff: 2,
  maxJitter: 0.4,
  maxDelay: 60_000,
  ignoreExpire: true,
}

const names: ReadonlySet<string> = new Set([...Object.keys(defaults), 'deadline', 'signal', 'runtime'])

/**
 * Calls a function again when it fails in a way that may pass: with an error whose `retryable` is true, or with
 * {@link ForceRetryError}.
 *
 * It does not know what the function does. A request that failed with `maybeApplied` may be applied twice when it is
 * made again: a plain create then fails with `NodeExistsError`, a sequential one leaves two znodes (see `protect`).
 */
export class KazooRetry {
  readonly #options: KazooRetryOptions & typeof defaults
  readonly #runtime: Runtime

  /** @throws TypeError or RangeError that names the option */
  constructor(options: KazooRetryOptions = {}) {
    checkRetryOptions(options, 'options')
    this.#options = { ...defaults, ...withoutUndefined(options) }
    this.#runtime = options.runtime ?? nodeRuntime
  }

  /** The options in force. */
  get options(): Readonly<KazooRetryOptions> {
    return this.#options
  }

  /** The same, with some options changed. */
  copy(changes: KazooRetryOptions = {}): KazooRetry {
    return retryOf({ ...this.#options, ...changes })
  }

  /**
   * Calls `fn` until it succeeds, fails for good, or tries or time are used up.
   *
   * @returns what `fn` returned
   * @throws what `fn` threw, where trying again would not help; {@link RetryFailedError}, whose `cause` is the last
   * failure, where it was given up; `signal.reason`
   */
  async run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    const { maxTries, delay, backoff, maxDelay, deadline, signal } = this.#options
    const startedAt = this.#runtime.now()
    let ceiling = delay
    for (let tries = 1; ; tries++) {
      signal?.throwIfAborted()
      try {
        return await fn()
      } catch (error) {
        if (!this.#mayPass(error)) throw error
        if (maxTries !== -1 && tries >= maxTries) {
          throw new RetryFailedError(`gave up after ${tries} ${tries === 1 ? 'try' : 'tries'}`, { cause: error })
        }
        const pause = Math.min(this.#jittered(ceiling), maxDelay)
        if (deadline !== undefined && this.#runtime.now() + pause - startedAt >= deadline) {
          throw new RetryFailedError(`gave up after the deadline of ${deadline} ms`, { cause: error })
        }
        // It may have been aborted while the function ran, which no listener would be told any more.
        signal?.throwIfAborted()
        await this.#sleep(pause, signal)
        ceiling = Math.min(ceiling * backoff, maxDelay)
      }
    }
  }

  #mayPass(error: unknown): boolean {
    if (error instanceof ForceRetryError) return true
    if (!(error instanceof ZooKeeperError) || !error.retryable) return false
    return this.#options.ignoreExpire || !(error instanceof SessionExpiredError)
  }

  #jittered(pause: number): number {
    return pause * (1 + this.#options.maxJitter * (this.#runtime.random() * 2 - 1))
  }

  #sleep(pause: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = this.#runtime.setTimer(pause, () => {
        offAbort(signal, aborted)
        resolve()
      })
      onAbort(signal, aborted)
    })
  }
}

/** Outside of the class, because the bundler renames a class that names itself. */
function retryOf(options: KazooRetryOptions): KazooRetry {
  return new KazooRetry(options)
}

function withoutUndefined(options: KazooRetryOptions): KazooRetryOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

export function checkRetryOptions(options: unknown, name: string): asserts options is KazooRetryOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${name} must be an object, not ${describeType(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!names.has(key)) throw new TypeError(`unknown option ${JSON.stringify(key)}`)
  }
  const { maxTries, delay, backoff, maxJitter, maxDelay, ignoreExpire, deadline, signal } = options as KazooRetryOptions
  if (maxTries !== undefined) {
    if (typeof maxTries !== 'number') throw new TypeError(`maxTries must be a number, not ${describeType(maxTries)}`)
    if (!(Number.isInteger(maxTries) || maxTries === Infinity) || (maxTries < 1 && maxTries !== -1)) {
      throw new RangeError(`maxTries must be at least 1, or -1 for no limit, not ${maxTries}`)
    }
  }
  if (delay !== undefined) checkTimeout(delay, 'delay')
  if (maxDelay !== undefined) checkTimeout(maxDelay, 'maxDelay')
  if (deadline !== undefined) checkTimeout(deadline, 'deadline')
  checkFactor(backoff, 'backoff', 1, Infinity)
  checkFactor(maxJitter, 'maxJitter', 0, 1)
  checkBoolean(ignoreExpire, 'ignoreExpire')
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal must be an AbortSignal, not ${describeType(signal)}`)
  }
}

function checkFactor(value: unknown, name: string, least: number, most: number): void {
  if (value === undefined) return
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${describeType(value)}`)
  if (!(value >= least && value <= most)) throw new RangeError(`${name} must be from ${least} to ${most}, not ${value}`)
}
