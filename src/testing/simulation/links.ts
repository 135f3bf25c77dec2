import type { SimulatedHost } from './process.ts'
import type { Schedule } from './schedule.ts'
import type { SeededRandom } from './seeded-random.ts'

/** How long a segment takes from one host to another, in milliseconds. Its chances come from `random` alone. */
export type Latency = (from: string, to: string, random: SeededRandom) => number

/** One direction of one connection: segments do not overtake each other in it. */
export interface Stream {
  lastArrival: number
  /** Cut off for ever, without either side being told. */
  severed: boolean
}

interface Held {
  readonly stream: Stream
  /** The receiver: all segments of a stream have one, which keeps those of one moment in order. */
  readonly place: number
  readonly label: string
  readonly arrive: () => void
}

/** What a repeated segment waits at most after a partition has healed, in ms. */
const retransmit = 200

/**
 * The ways between hosts. A blocked way loses nothing for good: as TCP does, it goes on trying, and what was sent arrives
 * once the way is open again.
 */
export class Links {
  readonly #schedule: Schedule
  readonly #random: SeededRandom
  readonly #now: () => number
  readonly #latency: Latency
  readonly #blocked = new Set<string>()
  readonly #held = new Map<string, Held[]>()

  constructor(schedule: Schedule, random: SeededRandom, now: () => number, latency: Latency) {
    this.#schedule = schedule
    this.#random = random
    this.#now = now
    this.#latency = latency
  }

  send(from: SimulatedHost, to: SimulatedHost, stream: Stream, label: string, arrive: () => void): void {
    if (stream.severed) return
    const segment = { stream, place: to.index, label, arrive }
    if (from === to) return this.#deliver(this.#random.between(0.01, 0.05), segment)
    const key = way(from.name, to.name)
    if (!this.#blocked.has(key)) return this.#deliver(this.#latency(from.name, to.name, this.#random), segment)
    const held = this.#held.get(key)
    if (held === undefined) this.#held.set(key, [segment])
    else held.push(segment)
  }

  block(from: string, to: string): void {
    this.#blocked.add(way(from, to))
  }

  unblock(from: string, to: string): void {
    const key = way(from, to)
    this.#blocked.delete(key)
    const held = this.#held.get(key) ?? []
    this.#held.delete(key)
    for (const each of held) this.#deliver(this.#random.between(0, retransmit), each)
  }

  unblockAll(): void {
    for (const key of this.#blocked) {
      const [from = '', to = ''] = key.split('\n')
      this.unblock(from, to)
    }
  }

  #deliver(latency: number, { stream, place, label, arrive }: Held): void {
    const time = Math.max(this.#now() + latency, stream.lastArrival)
    stream.lastArrival = time
    this.#schedule.add({
      time,
      kind: 'network',
      place,
      label,
      process: null,
      run: () => {
        if (!stream.severed) arrive()
      },
    })
  }
}

function way(from: string, to: string): string {
  return `${from}\n${to}`
}
