import type { Runtime, Timer } from '../runtime/runtime.ts'

/** What a {@link Heartbeat} asks of the connection it watches over. Times are monotonic milliseconds. */
export interface HeartbeatTarget {
  /** When something was last sent, and last received. */
  readonly lastSentAt: number
  readonly lastReceivedAt: number
  /** When the ping that is not answered yet was sent; null if there is none. */
  readonly pingSentAt: number | null
  ping(): void
  dead(silence: number): void
}

/**
 * Keeps an idle session alive and notices a peer that went silent. With a session timeout of T, a ping is sent when
 * nothing was sent, or nothing received, for T/3; the peer is taken for dead when nothing came for another T/3.
 *
 * Receiving is what counts: a connection that can still be written to says nothing about its peer. And only an
 * unanswered ping is evidence: a process that was itself paused asks first.
 */
export class Heartbeat {
  readonly #runtime: Runtime
  readonly #target: HeartbeatTarget
  readonly #interval: number
  #timer: Timer | undefined
  #stopped = false

  constructor(runtime: Runtime, sessionTimeout: number, target: HeartbeatTarget) {
    this.#runtime = runtime
    this.#target = target
    this.#interval = sessionTimeout / 3
  }

  start(): void {
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#timer = this.#runtime.setTimer(Math.max(1, this.#remaining()), () => this.#check())
  }

  #check(): void {
    if (this.#remaining() > 0) {
      this.#schedule()
    } else if (this.#target.pingSentAt === null) {
      this.#target.ping()
      this.#schedule()
    } else {
      // The event loop may have been blocked, with the answer waiting in the socket: let it be read first.
      this.#timer = this.#runtime.setImmediate(() => {
        if (this.#stopped) return
        const { pingSentAt, lastReceivedAt } = this.#target
        if (pingSentAt !== null && this.#remaining() <= 0) this.#target.dead(this.#runtime.now() - lastReceivedAt)
        else this.#schedule()
      })
    }
  }

  /** Milliseconds until something has to be done. */
  #remaining(): number {
    const { lastSentAt, lastReceivedAt, pingSentAt } = this.#target
    const since = pingSentAt === null ? Math.min(lastSentAt, lastReceivedAt) : Math.max(pingSentAt, lastReceivedAt)
    return since + this.#interval - this.#runtime.now()
  }
}
