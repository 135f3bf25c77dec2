import type { KazooClient, WatchedEvent } from '../../../src/index.ts'
import { FaultProxy, type SeededRandom } from '../../../src/testing/index.ts'
import type { Fault } from '../fault.ts'
import { Participant } from '../participant.ts'
import type { Trial } from '../trial.ts'
import { until } from '../until.ts'

const watches = 100_000

/** Requests under way at a time. */
const width = 5_000

/** How many znodes change while the client is away, and how many later. */
const changes = 200

/**
 * A client with 100,000 one-shot watches loses its connection; on the next one it sets them again, in several requests.
 * Those whose znodes have changed meanwhile are called, the others are not, and go on.
 */
export const manyWatches: Fault = {
  name: '100,000-watches',
  open: async (target) => {
    const proxies = await Promise.all(
      target.members.map(({ host, port }) => new FaultProxy({ target: { host, port } }).start()),
    )
    const field = new Field(proxies)
    return {
      run: (trial) => field.run(trial),
      [Symbol.asyncDispose]: async () => {
        await field.stop()
        for (const proxy of proxies) await proxy.stop()
      },
    }
  },
}

class Field {
  readonly #proxies: readonly FaultProxy[]
  readonly #calls = new Map<number, WatchedEvent[]>()
  readonly #present = new Set<number>()
  #watcher: Participant | null = null
  #told = 0

  constructor(proxies: readonly FaultProxy[]) {
    this.#proxies = proxies
  }

  async run(trial: Trial): Promise<void> {
    const participant = await this.#participant()
    const { client, heard } = participant
    const { random } = trial
    const losses = participant.losses
    const since = heard.length
    await trial.withFreshClient(async (writer) => {
      for (const proxy of this.#proxies) await proxy.setMode('refuse')
      for (const proxy of this.#proxies) proxy.cut()
      await participant.hears('SUSPENDED', since)
      const away = pickSome(random)
      await this.#toggle(writer, away)
      for (const proxy of this.#proxies) await proxy.heal()
      await participant.hears('CONNECTED', since)
      const isLost = participant.losses > losses
      trial.count('suspended')
      if (isLost) {
        // It happens on a machine that is slow enough: the session took the watches with it, and none may be called.
        trial.count('lost')
        if (this.#told > 0) trial.problem(`${this.#told} watches were called after the session's end`)
        await this.#watch(client, range(watches))
      } else {
        await this.#calledFor(trial, client, away)
      }
      const later = pickSome(random)
      await this.#toggle(writer, later)
      await this.#calledFor(trial, client, later)
    }, '/watched')
    for (const problem of participant.stateProblems()) trial.problem(problem)
  }

  async stop(): Promise<void> {
    const participant = this.#watcher
    if (participant === null) return
    const { client } = participant
    await client.retry(() => client.delete('/', { recursive: true })).catch(() => {})
    await participant.stop()
  }

  /** With all of its watches. */
  async #participant(): Promise<Participant> {
    if (this.#watcher !== null) return this.#watcher
    const participant = new Participant('w', {
      hosts: `${this.#proxies.map(({ hosts }) => hosts).join(',')}/watched`,
      sessionTimeout: 4_000,
    })
    await participant.client.start()
    await participant.client.ensurePath('/')
    await this.#watch(participant.client, range(watches))
    this.#watcher = participant
    return participant
  }

  async #watch(client: KazooClient, indices: readonly number[]): Promise<void> {
    for (let from = 0; from < indices.length; from += width) {
      await Promise.all(
        indices
          .slice(from, from + width)
          .map((index) => client.exists(pathOf(index), { watch: (event) => this.#called(index, event) })),
      )
    }
  }

  #called(index: number, event: WatchedEvent): void {
    this.#told++
    this.#calls.set(index, [...(this.#calls.get(index) ?? []), event])
  }

  /** Deletes those that are there, and creates the others. */
  async #toggle(writer: KazooClient, indices: readonly number[]): Promise<void> {
    await Promise.all(
      indices.map((index) => {
        const path = pathOf(index)
        return this.#present.delete(index) ? writer.delete(path) : (this.#present.add(index), writer.create(path))
      }),
    )
  }

  /** Each of them once, with the truth, and no others; afterwards they are watched again. */
  async #calledFor(trial: Trial, client: KazooClient, indices: readonly number[]): Promise<void> {
    await until('the watches are called', () => indices.every((index) => this.#calls.has(index))).catch(() => {
      const missing = indices.filter((index) => !this.#calls.has(index))
      trial.problem(`${missing.length} of ${indices.length} watches were not called, as on ${pathOf(missing[0]!)}`)
    })
    // What is answered now was sent after all that is told of these changes.
    await client.retry(() => client.sync('/'))
    if (this.#told !== indices.length) trial.problem(`${this.#told} calls for ${indices.length} changes`)
    for (const index of indices) {
      const [event] = this.#calls.get(index) ?? []
      const truth = this.#present.has(index) ? 'CREATED' : 'DELETED'
      if (event !== undefined && (event.type !== truth || event.path !== pathOf(index))) {
        trial.problem(`${pathOf(index)} was said to be ${event.type} at ${event.path}, and was ${truth}`)
      }
    }
    trial.count('acknowledged', indices.length)
    this.#calls.clear()
    this.#told = 0
    await this.#watch(client, indices)
  }
}

const pathOf = (index: number): string => `/${String(index).padStart(8, '0')}`

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

function pickSome(random: SeededRandom): number[] {
  const picked = new Set<number>()
  while (picked.size < changes) picked.add(random.integer(0, watches - 1))
  return [...picked]
}
