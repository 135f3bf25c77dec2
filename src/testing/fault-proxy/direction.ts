import type { LaneRules } from './lane.ts'

/** What a {@link Direction} changes, and whom it tells. */
export interface DirectionOwner {
  readonly rules: LaneRules
  /** Looks again at what is held, under the new rules. */
  changed(): void
}

/** The faults of one direction of a {@link FaultProxy}, for all its connections, those to come included. */
export class Direction {
  readonly #owner: DirectionOwner
  #bytes = 0

  /** @internal */
  constructor(owner: DirectionOwner) {
    this.#owner = owner
  }

  /** Bytes that have passed so far, on all connections. */
  get bytes(): number {
    return this.#bytes
  }

  /** Holds all bytes back, until `resume`. */
  pause(): void {
    this.#owner.rules.paused = true
  }

  /** Lets go what was held. */
  resume(): void {
    this.#owner.rules.paused = false
    this.#owner.changed()
  }

  /** Hands on what arrives from now on only after so many milliseconds. 0 ends it. */
  delay(ms: number): void {
    this.#owner.rules.delay = ms
  }

  /**
   * Hands on one byte at a time: one every `interval` milliseconds, or, with 0, one in each turn of the event loop. `null`
   * ends it.
   */
  dribble(interval: number | null = 0): void {
    this.#owner.rules.dribble = interval
    this.#owner.changed()
  }

  /**
   * Lets `bytes` more pass and then cuts the connection, once. With 0 it is cut when the next byte comes, which does not
   * pass. `null` takes it back.
   *
   * @throws RangeError for a number that is negative or not whole
   */
  cutAfter(bytes: number | null): void {
    if (bytes !== null && (!Number.isInteger(bytes) || bytes < 0)) throw new RangeError(`bytes: ${bytes}`)
    this.#owner.rules.remaining = bytes
  }

  /** Takes all faults of this direction back. */
  heal(): void {
    Object.assign(this.#owner.rules, { paused: false, delay: 0, dribble: null, remaining: null } satisfies LaneRules)
    this.#owner.changed()
  }

  /** @internal */
  count(bytes: number): void {
    this.#bytes += bytes
  }
}
