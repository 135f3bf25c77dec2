import type { Runtime, Timer } from '../../runtime/runtime.ts'

/**
 * When followers tell their leader which sessions they have heard of: with their answers to its pings, which come every half
 * tick from when it began to lead.
 */
export class SessionReports {
  readonly #runtime: Runtime
  readonly #interval: number
  readonly #report: () => void
  #begunAt = 0
  #timer: Timer | null = null

  /** @param interval - milliseconds */
  constructor(runtime: Runtime, interval: number, report: () => void) {
    this.#runtime = runtime
    this.#interval = interval
    this.#report = report
  }

  /** A leader begins. */
  begin(): void {
    this.stop()
    this.#begunAt = this.#runtime.now()
  }

  /** Somebody has something to tell, at the next ping. */
  request(): void {
    if (this.#timer !== null) return
    const since = (this.#runtime.now() - this.#begunAt) % this.#interval
    this.#timer = this.#runtime.setTimer(this.#interval - since, () => {
      this.#timer = null
      this.#report()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
