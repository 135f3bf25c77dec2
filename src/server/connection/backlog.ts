import type { Runtime } from '../../runtime/runtime.ts'

/** Above this many bytes that a client does not read, nothing more of what it asks is handled. */
export const highWater = 1024 * 1024
/** So many bytes may wait for all such clients together. */
const most = 256 * highWater
/** So long, in ms, and so many bytes in it: who takes fewer while the server is short of memory does not read. */
const watchInterval = 1_000
const least = highWater

/** A connection whose client reads more slowly than it asks. */
export interface Laggard {
  /** Ends it, whatever waits for it. */
  giveUp(): void
  /** What it had to wait for is there: {@link Backlog.waitForRoom}. */
  roomAgain(): void
}

interface Share {
  bytes: number
  /** Since it was last looked at. */
  taken: number
  wasSeen: boolean
  isGivenUp: boolean
}

/**
 * What waits in all for clients that do not read it. Each has its own bound; for as many of them as there may be, memory has
 * one. Beyond, what asks for much waits, and those who take nothing and have more than their share are given up, the largest
 * first, until there is room: a client that reads loses nothing but a moment.
 */
export class Backlog {
  readonly #runtime: Runtime
  readonly #most: number
  readonly #shares = new Map<Laggard, Share>()
  readonly #waiting = new Set<Laggard>()
  #total = 0
  #isWatching = false
  #isReleasing = false

  constructor(runtime: Runtime, limit = most) {
    this.#runtime = runtime
    this.#most = limit
  }

  get isFull(): boolean {
    return this.#total > this.#most
  }

  /** So many bytes wait for a client now. */
  note(laggard: Laggard, bytes: number): void {
    let share = this.#shares.get(laggard)
    if (share === undefined) {
      if (bytes <= highWater) return
      share = { bytes: 0, taken: 0, wasSeen: false, isGivenUp: false }
      this.#shares.set(laggard, share)
    }
    if (share.isGivenUp) return
    this.#total += bytes - share.bytes
    share.taken += Math.max(0, share.bytes - bytes)
    share.bytes = bytes
    if (bytes <= highWater) this.#remove(laggard, share)
    else if (this.isFull) this.#watch()
  }

  /** The connection is over. */
  leave(laggard: Laggard): void {
    this.#waiting.delete(laggard)
    const share = this.#shares.get(laggard)
    if (share !== undefined) this.#remove(laggard, share)
  }

  waitForRoom(laggard: Laggard): void {
    this.#waiting.add(laggard)
  }

  #remove(laggard: Laggard, share: Share): void {
    this.#total -= share.bytes
    this.#shares.delete(laggard)
    this.#release()
  }

  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#begin()
    this.#runtime.setTimer(watchInterval, () => this.#look())
  }

  #begin(): void {
    for (const share of this.#shares.values()) {
      share.taken = 0
      share.wasSeen = true
    }
  }

  #look(): void {
    this.#isWatching = false
    if (this.isFull) this.#makeRoom()
    if (this.isFull) this.#watch()
    else this.#release()
  }

  #makeRoom(): void {
    const here = [...this.#shares].filter(([, { isGivenUp }]) => !isGivenUp)
    // Nobody is given up for having what each of them could have.
    const fair = this.#most / here.length
    const idle = here.filter(([, { wasSeen, taken, bytes }]) => wasSeen && taken < least && bytes > fair)
    for (const [laggard, share] of idle.toSorted(([, a], [, b]) => b.bytes - a.bytes)) {
      // Room for more than the next one.
      if (this.#total * 2 <= this.#most) break
      share.isGivenUp = true
      this.#total -= share.bytes
      share.bytes = 0
      laggard.giveUp()
    }
  }

  /** Lets those go on that wait, one after the other, as long as there is room. */
  #release(): void {
    if (this.#isReleasing || this.#waiting.size === 0 || this.isFull) return
    this.#isReleasing = true
    this.#runtime.defer(() => {
      this.#isReleasing = false
      for (const laggard of this.#waiting) {
        if (this.isFull) break
        this.#waiting.delete(laggard)
        laggard.roomAgain()
      }
    })
  }
}
