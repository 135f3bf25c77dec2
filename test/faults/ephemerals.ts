import type { KazooClient } from '../../src/index.ts'
import type { Holder } from './holder.ts'
import type { Ledger } from './ledger.ts'
import type { Participant } from './participant.ts'
import { until } from './until.ts'

/** One ephemeral for each session of a client: it is there as long as its session, and no longer. */
export class Ephemerals {
  readonly #participant: Participant
  readonly #ledger: Ledger
  /** By path, the session that made it. */
  readonly #made = new Map<string, bigint>()
  /** Who takes them for its own; null if nobody does. */
  readonly #holder: Holder | null
  #unaware = 0
  #count = 0
  #stopped = false
  #busy = 0

  constructor(participant: Participant, ledger: Ledger, holder: Holder | null) {
    this.#participant = participant
    this.#holder = holder
    this.#ledger = ledger
  }

  async start(): Promise<void> {
    const { client } = this.#participant
    const onState = (): undefined => {
      if (client.state === 'CONNECTED') void this.#make()
    }
    client.addListener(onState)
    await this.#make()
  }

  stop(): void {
    this.#stopped = true
  }

  /** The path of the one that belongs to the session there is now. */
  get current(): string | null {
    const session = this.#participant.client.session?.id
    for (const [path, owner] of this.#made) if (owner === session) return path
    return null
  }

  /** How often one was gone while its client was connected and could not know. */
  get unaware(): number {
    return this.#unaware
  }

  /** Somebody else was told that it is gone: whoever held it must have been told before. */
  sawGone(path: string): void {
    const owner = this.#made.get(path)
    const { client, name } = this.#participant
    if (owner === undefined || this.#stopped) return
    if (this.#holder?.holds(owner) === true) this.#ledger.problems.push(`${name} still holds ${path}, which is gone`)
    if (client.connected && client.session?.id === owner) this.#unaware++
  }

  /** What is wrong: waits for the end of sessions that a server has yet to notice. */
  async check(fresh: KazooClient): Promise<void> {
    const { client, name } = this.#participant
    await until(`${name} has its ephemeral`, () => this.#busy === 0 && this.current !== null)
    for (const [path, owner] of this.#made) {
      if (owner === client.session?.id) {
        const stat = await fresh.retry(() => fresh.exists(path))
        if (stat === null && owner === client.session?.id) {
          this.#ledger.problems.push(`${path} is gone, and its session goes on`)
        } else if (stat !== null && BigInt.asIntN(64, stat.ephemeralOwner) !== owner) {
          this.#ledger.problems.push(`${path} belongs to another session`)
        }
      } else {
        await until(`${path} goes with its session`, async () => (await fresh.retry(() => fresh.exists(path))) === null)
      }
    }
  }

  async #make(): Promise<void> {
    const { client, name } = this.#participant
    if (this.#stopped || this.#busy > 0 || this.current !== null) return
    this.#busy++
    const session = client.session?.id
    const path = `/eph/${name}-${this.#count++}`
    try {
      const made = client.create(path, '', { ephemeral: true })
      const note = (): void => {
        if (session !== undefined) this.#made.set(path, client.session?.id ?? session)
      }
      await this.#ledger.ask(`${name}: create ephemeral ${path}`, made, note)
    } finally {
      this.#busy--
      // Lost on the way: the next of them, over the connection there is by now.
      if (this.current === null && client.state === 'CONNECTED') void this.#make()
    }
  }
}
