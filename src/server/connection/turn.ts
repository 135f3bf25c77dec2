import type { Runtime } from '../../runtime/runtime.ts'

/** So long, in ms, may one connection have what it sent handled before the others get their turn. */
const longest = 10
/** Requests of so much weight are handled between two looks at the clock. */
const unwatched = 64

/** How much a request may take at most, as far as its kind tells: how many of them go by until the clock is looked at. */
export const weights = { light: 1, write: 8, heavy: unwatched } as const

/**
 * The time that a connection takes. All share one thread, and a client may send thousands of dear requests at once; a
 * plain request costs an addition.
 */
export class Turn {
  readonly #runtime: Runtime
  #weight = 0
  /** When it began, on the monotonic clock. */
  began = 0
  /** Whether the session was touched for it: once for all that arrived together. */
  hasTouched = false

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.begin()
  }

  begin(): void {
    this.began = this.#runtime.now()
    this.hasTouched = false
  }

  /** Makes the request under way weigh more. */
  add(weight: number): void {
    this.#weight += weight
  }

  /** Counts a request that was handled; whether it is the turn of others now. */
  spend(weight: number): boolean {
    this.#weight += weight
    if (this.#weight < unwatched) return false
    this.#weight = 0
    return this.#runtime.now() - this.began >= longest
  }
}
