import type { Hold, ZooKeeperError } from '../../src/index.ts'
import type { Ledger } from './ledger.ts'
import type { Participant } from './participant.ts'
import { sleep } from './until.ts'

/** How waiting for a hold may fail, while servers do. */
const expected: ReadonlySet<string> = new Set(['CONNECTION_LOSS', 'SESSION_EXPIRED'])

/** A client that holds whatever its session has made, and takes hold again whenever it is told that it may be gone. */
export class Holder {
  readonly #participant: Participant
  readonly #ledger: Ledger
  readonly #stop = new AbortController()
  #hold: Hold | null = null
  #running: Promise<void> | null = null

  constructor(participant: Participant, ledger: Ledger) {
    this.#participant = participant
    this.#ledger = ledger
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#hold?.release()
    this.#stop.abort()
    await this.#running
  }

  /** Whether it takes what that session has made for its own, now. */
  holds(session: bigint): boolean {
    const hold = this.#hold
    return hold?.sessionId === session && !hold.signal.aborted && !this.#stop.signal.aborted
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const { client, name } = this.#participant
    while (!signal.aborted) {
      try {
        const hold = await client.hold({ signal })
        this.#hold = hold
        await Promise.race([aborted(hold.signal), aborted(signal)])
        this.#hold = null
      } catch (error) {
        if (signal.aborted) return
        const { code } = error as ZooKeeperError
        if (!expected.has(code)) this.#ledger.problems.push(`${name}: hold failed: ${String(error)}`)
        await sleep(20)
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
