import type { Runtime } from '../../runtime/runtime.ts'

export interface BackoffOptions {
  /** The first pause at most, in milliseconds. */
  readonly delay: number
  /** What each pause is multiplied by to give the next. */
  readonly backoff: number
  /** The longest pause, in milliseconds. */
  readonly maxDelay: number
}

/** The pauses between rounds of connecting: growing, capped, and spread so that a fleet does not come back at once. */
export class Backoff {
  readonly #runtime: Runtime
  readonly #options: BackoffOptions
  #ceiling: number

  constructor(runtime: Runtime, options: BackoffOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#ceiling = options.delay
  }

  reset(): void {
    this.#ceiling = this.#options.delay
  }

  /**
   * The next pause, in milliseconds: between half of the current ceiling and all of it.
   *
   * @param longest - what the ceiling is cut to, though not below the first one; the pauses to come grow from there
   */
  next(longest = Infinity): number {
    const ceiling = Math.min(this.#ceiling, Math.max(longest, this.#options.delay))
    this.#ceiling = Math.min(ceiling * this.#options.backoff, this.#options.maxDelay)
    return ceiling * (0.5 + this.#runtime.random() / 2)
  }
}
