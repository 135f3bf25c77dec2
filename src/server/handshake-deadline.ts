import type { Runtime, Timer } from '../runtime/runtime.ts'

/** So long may a client without a session be silent, in ms: ZooKeeper's `zookeeper.nio.sessionlessCnxnTimeout`. */
const silence = 10_000
/** So long may it take in all, in ms, or whoever sends a byte now and then would hold its connection for ever. */
const patience = 30_000

/** Ends a connection whose client does not come to the point. */
export class HandshakeDeadline {
  readonly #runtime: Runtime
  readonly #isHeld: () => boolean
  readonly #onOver: () => void
  #accepted: number
  #heard: number
  #timer: Timer | null = null

  /** @param isHeld - whether it is the server that does not read */
  constructor(runtime: Runtime, isHeld: () => boolean, onOver: () => void) {
    this.#runtime = runtime
    this.#isHeld = isHeld
    this.#onOver = onOver
    this.#accepted = this.#heard = runtime.now()
    this.#check()
  }

  /** Bytes came. */
  heard(): void {
    this.#heard = this.#runtime.now()
  }

  cancel(): void {
    this.#timer?.cancel()
  }

  readonly #check = (): void => {
    const now = this.#runtime.now()
    if (this.#isHeld()) this.#accepted = this.#heard = now
    const wait = Math.min(this.#heard + silence, this.#accepted + patience) - now
    if (wait > 0) this.#timer = this.#runtime.setTimer(wait, this.#check)
    else this.#onOver()
  }
}
