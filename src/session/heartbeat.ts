import type { Runtime, Timer } from '../runtime/runtime.ts'

/** What a {@link Heartbeat} asks of the connection it watches over. */
export interface HeartbeatTarget {
  /** When something was last sent, and last received; monotonic milliseconds. */
  readonly lastSentAt: number
  readonly lastReceivedAt: number
  ping(): void
  dead(silence: number): void
}

/**
 * Keeps an idle session alive and notices a peer that went silent, on the terms of ZooKeeper's Java client: with a
 * session timeout of T, a ping when nothing was sent for T/3, and the peer taken for dead when nothing was received for
 * 2T/3. Receiving is what counts: a connection into which one can still write says nothing.
 */
export class Heartbeat {
  readonly #runtime: Runtime
  readonly #target: HeartbeatTarget
  readonly #pingAfter: number
  readonly #deadAfter: number
  #timer: Timer | undefined
  #stopped = false

  constructor(runtime: Runtime, sessionTimeout: number, target: HeartbeatTarget) {
    this.#runtime = runtime
    this.#target = target
    this.#pingAfter = sessionTimeout / 3
    this.#deadAfter = (sessionTimeout * 2) / 3
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
    const { lastSentAt, lastReceivedAt } = this.#target
    const due = Math.min(lastSentAt + this.#pingAfter, lastReceivedAt + this.#deadAfter)
    this.#timer = this.#runtime.setTimer(Math.max(1, due - this.#runtime.now()), () => this.#check())
  }

  #check(): void {
    if (this.#silence() < this.#deadAfter) {
      this.#pingIfDue()
      this.#schedule()
      return
    }
    // The event loop may have been blocked, with the answer waiting in the socket: let it be read first.
    this.#timer = this.#runtime.setImmediate(() => {
      if (this.#stopped) return
      const silence = this.#silence()
      if (silence >= this.#deadAfter) this.#target.dead(silence)
      else this.#schedule()
    })
  }

  #pingIfDue(): void {
    if (this.#runtime.now() - this.#target.lastSentAt >= this.#pingAfter) this.#target.ping()
  }

  #silence(): number {
    return this.#runtime.now() - this.#target.lastReceivedAt
  }
}
