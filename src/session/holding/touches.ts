/** One request that was answered: the server touched the session in between. Times are monotonic milliseconds. */
interface Touch {
  readonly sentAt: number
  readonly answeredAt: number
}

/** How many touches of one session timeout are told apart: those of busier sessions are taken for the first of each. */
const perTimeout = 24

/**
 * When servers have touched the session, and which of that its leader is sure to know.
 *
 * A follower touches the session itself and tells the leader twice a tick; a write or a `sync` that it passes on touches
 * nothing there (`LearnerHandler`). So who was answered by the leader just now only knows that the leader has heard of what
 * was over half a tick before. That is a quarter of the session timeout at most, which has two ticks at least.
 */
export class Touches {
  /** From when on a request is worth noting: all that is asked on the path of a reply. */
  due = Infinity
  readonly #noted: Touch[] = []
  #timeout = 0

  /** A session begins or goes on on another connection: the leader itself was asked for that, at that time. */
  restart(timeout: number, sentAt: number): void {
    this.#timeout = timeout
    this.#noted.length = 0
    this.#note({ sentAt, answeredAt: -Infinity })
  }

  /** A request was answered; to be called if it was sent when {@link due}. */
  add(sentAt: number, answeredAt: number): void {
    this.#note({ sentAt, answeredAt })
    // These go back for two timeouts and more, and a session that was not touched for one is over.
    while (this.#noted.length > 2 * perTimeout) this.#noted.shift()
  }

  /**
   * The sending of the latest request that the leader is sure to have heard of when it answers one that was sent at that
   * time: from there on it gives the session its whole timeout.
   */
  knownAt(confirmedAt: number): number {
    const before = confirmedAt - this.#timeout / 4
    return this.#noted.findLast(({ answeredAt }) => answeredAt <= before)?.sentAt ?? -Infinity
  }

  #note(touch: Touch): void {
    this.#noted.push(touch)
    this.due = touch.sentAt + this.#timeout / perTimeout
  }
}
