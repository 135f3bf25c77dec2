import type { DialOptions, Runtime, Timer } from '../../runtime/runtime.ts'
import { fourLetterWord } from '../../transport/four-letter-word.ts'
import type { Candidate } from './server-round.ts'

/** A server to ask, and where to ask it. */
export interface OtherServer {
  readonly candidate: Candidate
  readonly address: DialOptions
}

/** What a {@link ReadWriteSearch} asks of the session it works for. */
export interface SearchTarget {
  /** The servers but the one in use, their names resolved anew. The signal ends what it takes to find them. */
  others(signal: AbortSignal): AsyncIterable<OtherServer>
  /** This one has a quorum. */
  found(server: OtherServer): void
}

/** Milliseconds, as in ZooKeeper's own client (`ClientCnxn`). */
const firstPause = 100
const longestPause = 60_000
const answerTimeout = 1_000

/**
 * Looks for a server with a quorum while a read-only one serves the session: asks all others, one after the other, then
 * pauses, for twice as long each time. The pauses start over once a server with a quorum was reached, so that one that
 * says it has one and then takes nobody is not asked again and again.
 */
export class ReadWriteSearch {
  readonly #runtime: Runtime
  readonly #target: SearchTarget
  #pause = firstPause
  #timer: Timer | undefined
  #asking: AbortController | null = null

  constructor(runtime: Runtime, target: SearchTarget) {
    this.#runtime = runtime
    this.#target = target
  }

  /** A read-only server serves the session. */
  start(): void {
    this.stop()
    const asking = new AbortController()
    this.#asking = asking
    this.#schedule(asking.signal)
  }

  /** No server serves the session any more, or one that does not need the search. */
  stop(): void {
    this.#timer?.cancel()
    this.#asking?.abort()
    this.#asking = null
  }

  /** A server with a quorum serves the session. */
  succeeded(): void {
    this.#pause = firstPause
  }

  #schedule(signal: AbortSignal): void {
    this.#timer = this.#runtime.setTimer(this.#pause, () => void this.#ask(signal))
    this.#pause = Math.min(this.#pause * 2, longestPause)
  }

  async #ask(signal: AbortSignal): Promise<void> {
    for await (const server of this.#target.others(signal)) {
      if (signal.aborted) return
      const isFound = await this.#isReadWrite(server.address, signal)
      if (signal.aborted) return
      if (isFound) {
        this.#target.found(server)
        return
      }
    }
    if (!signal.aborted) this.#schedule(signal)
  }

  /** Never rejects: who does not answer is no server to go to. */
  async #isReadWrite(address: DialOptions, signal: AbortSignal): Promise<boolean> {
    const limits = { timeout: answerTimeout, signal }
    try {
      const answer = await fourLetterWord(this.#runtime, address, 'isro', limits)
      if (!answer.includes('not in the whitelist')) return answer.trim() === 'rw'
      // Without `readonlymode.enabled` of its own a server answers this one only.
      const report = await fourLetterWord(this.#runtime, address, 'srvr', limits)
      return /^Mode: (?:leader|follower|observer|standalone)$/m.test(report)
    } catch {
      return false
    }
  }
}
