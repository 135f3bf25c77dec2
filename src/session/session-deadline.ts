import type { Runtime, Timer } from '../runtime/runtime.ts'

/**
 * When a session is over by the clock, whatever a server may say later: its timeout after the sending of the last request
 * that was answered.
 */
export class SessionDeadline {
  readonly #runtime: Runtime
  readonly #passed: () => void
  #aliveSince = 0
  /** Without a session there is no deadline. */
  #timeout = Infinity
  #timer: Timer | undefined

  /** @param passed - called when it has passed, and nobody has asked until then */
  constructor(runtime: Runtime, passed: () => void) {
    this.#runtime = runtime
    this.#passed = passed
  }

  /** A server granted the session, or confirmed it, when asked at that time. */
  start(timeout: number, sentAt: number): void {
    this.#timeout = timeout
    this.#aliveSince = sentAt
    this.#schedule()
  }

  /** A request that was sent then was answered. */
  answered(sentAt: number): void {
    if (sentAt > this.#aliveSince) this.#aliveSince = sentAt
  }

  /** Whether it has passed. */
  isLate(): boolean {
    return this.#remaining() <= 0
  }

  /** There is no session any more. */
  stop(): void {
    this.#timeout = Infinity
    this.#timer?.cancel()
  }

  #remaining(): number {
    return this.#aliveSince + this.#timeout - this.#runtime.now()
  }

  #schedule(): void {
    this.#timer?.cancel()
    this.#timer = this.#runtime.setTimer(Math.max(1, this.#remaining()), () => {
      if (this.isLate()) this.#passed()
      else this.#schedule()
    })
  }
}
