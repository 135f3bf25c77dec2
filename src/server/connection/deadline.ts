import type { Runtime, Timer } from '../../runtime/runtime.ts'

/** How long a client may take, in ms. */
export interface Patience {
  /** Without a byte. */
  readonly silence: number
  /** In all. */
  readonly total: number
}

/**
 * For a client without a session: silence as in ZooKeeper's `zookeeper.nio.sessionlessCnxnTimeout`; and a time in all, or
 * whoever sends a byte now and then would hold its connection for ever.
 */
export const handshakePatience: Patience = { silence: 10_000, total: 30_000 }

/** Ends a connection whose client does not come to the point, or is not there any more. */
export class Deadline {
  readonly #patience: Patience
  readonly #runtime: Runtime
  readonly #isHeld: () => boolean
  readonly #onOver: () => void
  #accepted: number
  #heard: number
  #timer: Timer | null = null

  /** @param isHeld - whether it is the server that does not read */
  constructor(patience: Patience, runtime: Runtime, isHeld: () => boolean, onOver: () => void) {
    this.#patience = patience
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
    const { silence, total } = this.#patience
    const wait = Math.min(this.#heard + silence, this.#accepted + total) - now
    if (wait > 0) this.#timer = this.#runtime.setTimer(wait, this.#check)
    else this.#onOver()
  }
}
