import type { SeededRandom } from '../../src/testing/index.ts'
import type { Ledger } from './ledger.ts'
import type { Participant } from './participant.ts'
import { sleep, until } from './until.ts'
import { registers } from './watchers.ts'

/** Requests that one client leaves unanswered at most. */
const window = 30

/** Milliseconds between two requests, at most. */
const longestPause = 12

/** Writes and reads of one client, one after the other, without waiting for the answers. */
export class Workload {
  readonly #participant: Participant
  readonly #ledger: Ledger
  readonly #random: SeededRandom
  readonly #onlyReads: boolean
  /** By session and register, the latest version that was seen: reads do not go back. */
  readonly #seen = new Map<string, number>()
  #running: Promise<void> | null = null
  #stopped = false
  #count = 0
  #inFlight = 0

  constructor(
    participant: Participant,
    ledger: Ledger,
    random: SeededRandom,
    options: { readonly onlyReads?: boolean } = {},
  ) {
    this.#onlyReads = options.onlyReads ?? false
    this.#participant = participant
    this.#ledger = ledger
    this.#random = random
  }

  start(): void {
    this.#stopped = false
    this.#running = this.#run()
  }

  /** Asks for nothing more. */
  halt(): void {
    this.#stopped = true
  }

  /** Asks for nothing more, and waits until all has been answered or has failed. */
  async stop(): Promise<void> {
    this.halt()
    await this.#running
    await until(`${this.#participant.name} has no request left`, () => this.#inFlight === 0).catch(() => {})
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#inFlight < window) {
        this.#inFlight++
        void this.#issue().finally(() => this.#inFlight--)
      }
      await sleep(this.#random.between(0, longestPause))
    }
  }

  #issue(): Promise<void> {
    const { name, client } = this.#participant
    const ledger = this.#ledger
    const id = `${name}-${++this.#count}`
    const register = this.#random.pick(registers)
    switch (this.#onlyReads ? 5 : this.#random.integer(0, 9)) {
      case 0:
      case 1:
        return ledger.create(client, name, `/log/${id}`)
      case 2:
        return ledger.removeOne(client, name)
      case 3:
        return ledger.createPair(client, name, `/log/${id}`)
      case 4:
        return ledger.createProtected(client, name, '/prot', id)
      case 5:
      case 6:
        return ledger.ask(`${name}: get ${register}`, client.get(register), ({ data, stat }) => {
          ledger.saw(register, stat.version, data.toString())
          this.#sawVersion(register, stat.version)
        })
      default:
        return ledger.set(client, name, register, id)
    }
  }

  #sawVersion(register: string, version: number): void {
    const { name, client } = this.#participant
    const key = `${client.session?.id} ${register}`
    const before = this.#seen.get(key) ?? -1
    if (version < before) this.#ledger.problems.push(`${name}: ${register} went back from ${before} to ${version}`)
    this.#seen.set(key, version)
  }
}
