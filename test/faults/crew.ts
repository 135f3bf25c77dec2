import type { KazooClient } from '../../src/index.ts'
import { Ephemerals } from './ephemerals.ts'
import { Holder } from './holder.ts'
import { Ledger } from './ledger.ts'
import { Participant, type ParticipantOptions } from './participant.ts'
import type { Member } from './target.ts'
import type { Trial } from './trial.ts'
import { until, within } from './until.ts'
import { parents, registers, Watchers } from './watchers.ts'
import { Workload } from './workload.ts'

export interface CrewOptions {
  /** Milliseconds. @defaultValue one of several, by chance */
  readonly sessionTimeout?: number
  /** Options of each client; there are as many clients as there are of them. @defaultValue one beginning at each member */
  readonly clients?: readonly ParticipantOptions[]
  /** Options of more clients, which read and watch, and write nothing. */
  readonly readers?: readonly ParticipantOptions[]
  /** Which clients hold what their sessions make. @defaultValue each or not, by chance */
  readonly holds?: (index: number) => boolean
}

/** Runs a script while clients read, write and watch; afterwards all that they were told has to be true. */
export async function underLoad(
  trial: Trial,
  options: CrewOptions,
  script: (crew: Crew) => Promise<void>,
): Promise<void> {
  const crew = new Crew(trial, options)
  try {
    await crew.start()
    await crew.progress()
    await script(crew)
    await trial.target.heal()
    await crew.progress()
    await crew.settle()
  } finally {
    await crew.end()
  }
}

/** The clients of one trial, under a root of its own. */
export class Crew {
  readonly participants: readonly Participant[]
  readonly ledger = new Ledger()
  readonly ephemerals: readonly Ephemerals[]
  /** Milliseconds, as it was asked for. */
  readonly sessionTimeout: number
  readonly #trial: Trial
  readonly #holders: readonly (Holder | null)[]
  readonly #workloads: readonly Workload[]
  readonly #watchers: readonly Watchers[]

  constructor(trial: Trial, options: CrewOptions) {
    this.#trial = trial
    const { members } = trial.target
    const { sessionTimeout = trial.random.pick([800, 2_000, 4_000]), clients, readers = [] } = options
    const { holds = () => trial.random.chance(0.5) } = options
    this.sessionTimeout = sessionTimeout
    // Each begins at another member, so that whatever happens to a member happens to a client.
    const each = clients ?? members.map((_, index) => ({ hosts: trial.hostsFrom(index) }))
    this.participants = [...each, ...readers].map(
      ({ hosts, ...rest }, index) =>
        new Participant('abcdef'[index]!, { sessionTimeout, ...rest, hosts: `${String(hosts)}${trial.root}` }),
    )
    this.#workloads = this.participants.map((participant, index) => {
      const onlyReads = index >= each.length
      return new Workload(participant, this.ledger, trial.randomOf(participant.name), { onlyReads })
    })
    this.#holders = this.participants.map((participant, index) =>
      holds(index) ? new Holder(participant, this.ledger) : null,
    )
    this.ephemerals = this.participants.map(
      (participant, index) => new Ephemerals(participant, this.ledger, this.#holders[index]!),
    )
    const deleted = (path: string): void => {
      for (const each of this.ephemerals) each.sawGone(path)
    }
    this.#watchers = this.participants.map((participant) => new Watchers(participant, this.ledger, deleted))
  }

  async start(): Promise<void> {
    await this.prepare()
    for (const { client } of this.participants) await client.start()
    for (const watchers of this.#watchers) await watchers.start()
    for (const each of this.ephemerals) await each.start()
    for (const holder of this.#holders) holder?.start()
    this.work()
  }

  /** Does to a member what ends its connections, and waits until its clients have noticed. */
  async disconnect(member: Member, how: () => Promise<void>): Promise<void> {
    const there = this.participants.filter((each) => each.client.connected && each.isAt(member))
    const noticed = there.map((participant) => participant.hears('SUSPENDED', participant.heard.length))
    await Promise.all([how(), ...noticed])
  }

  work(): void {
    for (const workload of this.#workloads) workload.start()
  }

  /** Waits until some more has been done. */
  async progress(): Promise<void> {
    const { counts } = this.ledger
    const before = counts.acknowledged
    await until('more is acknowledged', () => counts.acknowledged > before + 50)
  }

  /** Asks for nothing more. */
  halt(): void {
    for (const workload of this.#workloads) workload.halt()
  }

  /** Waits until no request is left. */
  async rest(): Promise<void> {
    await Promise.all(this.#workloads.map((workload) => workload.stop()))
  }

  /** Waits until all is well again, and compares what was told with what is there. */
  async settle(): Promise<void> {
    for (const { name, client } of this.participants) await until(`${name} is connected`, () => client.connected)
    await this.rest()
    await this.#trial.withFreshClient(async (fresh) => {
      await fresh.retry(() => fresh.sync('/'))
      await this.ledger.check(fresh)
      for (const each of this.ephemerals) await each.check(fresh)
      await this.#compare(fresh)
    })
  }

  /** Ends everything; tells what was wrong, what is left over included. */
  async end(): Promise<void> {
    const { problems, counts } = this.ledger
    await this.rest()
    for (const each of this.ephemerals) each.stop()
    for (const holder of this.#holders) await holder?.stop()
    const unaware = this.ephemerals.reduce((sum, each) => sum + each.unaware, 0)
    if (unaware > 0) this.#trial.count('unaware', unaware)
    await within('the watches stop', Promise.all(this.#watchers.map((watchers) => watchers.stop()))).catch((error) => {
      problems.push(String(error))
    })
    for (const participant of this.participants) problems.push(...(await participant.stop()))
    for (const problem of new Set(problems)) this.#trial.problem(problem)
    this.#trial.count('acknowledged', counts.acknowledged)
    this.#trial.count('open', counts.open)
    this.#trial.count('refused', counts.refused)
    for (const { suspensions, losses } of this.participants) {
      this.#trial.count('suspended', suspensions)
      this.#trial.count('lost', losses)
    }
  }

  /** Makes the znodes that all use. */
  prepare(): Promise<void> {
    return this.#trial.withFreshClient(async (fresh) => {
      await fresh.ensurePath('/reg')
      for (const path of [...registers, ...parents]) await fresh.ensurePath(path)
      await fresh.sync('/')
    })
  }

  /** The last of the events may be under way. */
  async #compare(fresh: KazooClient): Promise<void> {
    let found: string[] = []
    const same = async (): Promise<boolean> => {
      const real = await picture(fresh)
      found = this.#watchers.flatMap((watchers) => watchers.differences(real))
      return found.length === 0
    }
    await until('', same, 10_000, 20).catch(() => {
      this.ledger.problems.push(...found)
    })
  }
}

async function picture(fresh: KazooClient): Promise<{ data: Map<string, string>; children: Map<string, string[]> }> {
  const data = new Map<string, string>()
  const children = new Map<string, string[]>()
  for (const path of registers) {
    const read = await fresh.retry(() => fresh.get(path))
    data.set(path, `${read.stat.version}: ${String(read.data)}`)
  }
  for (const path of parents) children.set(path, await fresh.retry(() => fresh.getChildren(path)))
  return { data, children }
}
