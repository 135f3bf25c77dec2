import type { CallOptions } from '../request.ts'

/**
 * When a {@link Hold} is lost: `'lost'` as late as is safe, `'suspended'` already when the connection drops, for those who
 * would rather stop too often than look at clocks.
 */
export type HoldLoss = 'lost' | 'suspended'

/** Options of `client.hold`. `signal` and `timeout` limit the wait for it, not the hold itself. */
export interface HoldOptions extends CallOptions {
  /** When the hold is lost. @defaultValue 'lost' */
  readonly loseOn?: HoldLoss | undefined
}

/** Who keeps holds, and looks after their time. */
export interface HoldKeeper {
  /** Ends what is over by the clock. */
  check(): void
  release(hold: Hold): void
}

/**
 * The watch over a session on behalf of somebody who holds something by it: a lock, a lead, an ephemeral znode. Made by
 * `client.hold`.
 *
 * What is held is safe until {@link signal} aborts, by the clock of this machine. That is as good as clocks are; where
 * it has to be certain, let the resource itself refuse those who come too late (a fencing token, a version).
 */
export class Hold {
  /** The session. What another session has made, this hold says nothing about. */
  readonly sessionId: bigint
  readonly #signal: AbortSignal
  readonly #keeper: HoldKeeper

  /** @internal */
  constructor(sessionId: bigint, signal: AbortSignal, keeper: HoldKeeper) {
    this.sessionId = sessionId
    this.#signal = signal
    this.#keeper = keeper
  }

  /**
   * Aborts with a `LockLostError` when what is held may be gone. Asking for it looks at the clock: after a long
   * computation, in which no timer could fire, `hold.signal.aborted` tells the truth, and a signal kept from before may not.
   */
  get signal(): AbortSignal {
    this.#keeper.check()
    return this.#signal
  }

  /** Ends the watch; the signal will not abort any more. May be called any number of times. */
  release(): void {
    this.#keeper.release(this)
  }

  /** {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }
}
