import type { Timer } from '../../runtime/runtime.ts'
import type { Disk } from './disk.ts'
import type { EventKind, EventOwner, Schedule, ScheduledEvent } from './schedule.ts'
import type { SeededRandom } from './seeded-random.ts'

/** A machine of the simulation: what stays when its process ends. */
export interface SimulatedHost {
  readonly name: string
  readonly index: number
  /** Its IPv4 address. */
  readonly address: string
  readonly random: SeededRandom
  readonly disk: Disk
  /** ms between the host's wall clock and the simulation's. */
  wallClockOffset: number
  /** Off: nothing answers, not even with a refusal. */
  powered: boolean
  process: SimulatedProcess | null
  nextPort: number
  /** How many processes it has had. */
  processCount: number
}

/** What a process needs of the simulation. */
export interface Scheduler {
  readonly now: number
  readonly schedule: Schedule
}

/** One run of a program on a host, from its start to its end. */
export class SimulatedProcess implements EventOwner {
  readonly host: SimulatedHost
  /** No other process of its host ever has the same. */
  readonly id: string
  readonly #scheduler: Scheduler
  #alive = true
  #frozen = false
  #missed: ScheduledEvent[] = []

  constructor(host: SimulatedHost, scheduler: Scheduler) {
    this.host = host
    this.id = String(++host.processCount)
    this.#scheduler = scheduler
  }

  get name(): string {
    return this.host.name
  }

  get alive(): boolean {
    return this.#alive
  }

  get frozen(): boolean {
    return this.#frozen
  }

  /** Has the process do something, `delay` ms from now. */
  after(delay: number, kind: EventKind, label: string, run: () => void): Timer {
    const { now, schedule } = this.#scheduler
    const { index } = this.host
    return schedule.add({ time: now + delay, kind, place: index, label, process: this, run })
  }

  /** Runs an event whose time has come, unless the process is gone or must catch up later. */
  dispatch(event: ScheduledEvent): void {
    if (!this.#alive) return
    if (this.#frozen) this.#missed.push(event)
    else event.run()
  }

  freeze(): void {
    this.#frozen = true
  }

  /**
   * Goes on. A process may have been stopped while it waited for input or just before it looked at its timers: so either
   * all due timers come first, or all input does.
   */
  thaw(): void {
    if (!this.#frozen) return
    this.#frozen = false
    const missed = this.#missed
    this.#missed = []
    const timers = missed.filter((event) => event.kind === 'timer')
    const others = missed.filter((event) => event.kind !== 'timer')
    const order = this.host.random.chance(0.5) ? [...timers, ...others] : [...others, ...timers]
    for (const event of order) {
      this.after(0, event.kind, event.label, () => {
        if (!event.cancelled) event.run()
      })
    }
  }

  /** Nothing of it ever runs again. */
  end(): void {
    this.#alive = false
    this.#missed = []
  }
}
