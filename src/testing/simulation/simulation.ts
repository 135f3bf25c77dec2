import { nodeRuntime } from '../../runtime/node-runtime.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { Disk } from './disk.ts'
import type { Latency } from './links.ts'
import { Names } from './names.ts'
import { SimulatedNetwork } from './network.ts'
import { type SimulatedHost, SimulatedProcess } from './process.ts'
import { Schedule, type ScheduledEvent } from './schedule.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedRuntime, type World } from './simulated-runtime.ts'

export interface SimulationOptions {
  /** Decides all that is left to chance. Default: a new one; every failure names it. */
  readonly seed?: number | undefined
  /** Of the network between hosts. Default: 0.2 to 2 ms, and one segment in a hundred up to 50 ms. */
  readonly latency?: Latency | undefined
  /** How probable it is that what was written at once arrives in two parts. Default 0.1. */
  readonly fragmentation?: number | undefined
  /** Milliseconds since 1970 at the start. Default: the first day of 2026. */
  readonly epoch?: number | undefined
  /** Keep a line for each event in {@link Simulation.trace}. Default false. */
  readonly trace?: boolean | undefined
}

export interface RunOptions {
  /** How much virtual time the run may take, in ms. Default: an hour. */
  readonly limit?: number | undefined
}

interface Condition {
  readonly holds: () => boolean
  readonly resolve: () => void
}

/** More events than this in one moment are a loop that never ends. */
const MOMENT_LIMIT = 100_000

/**
 * A world of virtual time: hosts with clocks, files, names and a network between them, all of whose chances come from
 * one seed. What runs on its {@link Runtime}s runs the same way each time, as fast as the machine allows.
 *
 * ```ts
 * const sim = new Simulation({ seed: 7 })
 * const server = new EmbeddedServer({ runtime: sim.runtime('server'), host: '0.0.0.0', port: 2181 })
 * const client = new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') })
 * await sim.run(async () => {
 *   await server.start()
 *   await client.start()
 *   sim.network.partition(['client'], ['server'])
 *   await sim.until(() => client.state === 'LOST')
 * })
 * ```
 *
 * Code under simulation must take everything from its runtime: a real timer or socket is not waited for.
 */
export class Simulation {
  readonly seed: number
  /** For the choices of the test itself. */
  readonly random: SeededRandom
  readonly network: SimulatedNetwork
  readonly names: Names
  /** What happened, one line per event, when that was asked for. */
  readonly trace: string[] = []
  readonly #tracing: boolean
  readonly #schedule: Schedule
  readonly #hosts = new Map<string, SimulatedHost>()
  readonly #runtimes = new WeakMap<SimulatedProcess, Runtime>()
  readonly #world: World
  #conditions: Condition[] = []
  #now = 0
  #running = false

  constructor(options: SimulationOptions = {}) {
    this.seed = options.seed ?? Math.floor(nodeRuntime.random() * 0x1_0000_0000)
    this.random = new SeededRandom(this.seed, 'script')
    this.#tracing = options.trace ?? false
    this.#schedule = new Schedule(this.seed)
    this.names = new Names((name) => this.#hosts.get(name)?.address ?? null)
    const now = (): number => this.#now
    const scheduler = {
      get now() {
        return now()
      },
      schedule: this.#schedule,
    }
    this.network = new SimulatedNetwork(
      scheduler,
      new SeededRandom(this.seed, 'network'),
      { latency: options.latency ?? usualLatency, fragmentation: options.fragmentation ?? 0.1 },
      () => this.#hosts.values(),
    )
    this.#world = Object.assign(scheduler, {
      network: this.network,
      names: this.names,
      epoch: options.epoch ?? Date.UTC(2026, 0, 1),
    })
  }

  /** Virtual time since the start, in ms. */
  get now(): number {
    return this.#now
  }

  /** The world as seen by the process that runs on a host; the host is made when first named. */
  runtime(host: string): Runtime {
    const machine = this.#host(host)
    if (machine.process === null) {
      machine.process = new SimulatedProcess(machine, this.#world)
      machine.powered = true
    }
    const { process } = machine
    let runtime = this.#runtimes.get(process)
    if (runtime === undefined) this.#runtimes.set(process, (runtime = new SimulatedRuntime(this.#world, process)))
    return runtime
  }

  /** The address of a host. */
  address(host: string): string {
    return this.#host(host).address
  }

  /** The files of a host. */
  disk(host: string): Disk {
    return this.#host(host).disk
  }

  /**
   * Stops a host's process where it stands, as SIGSTOP, a long collection of garbage or a sleeping laptop do: time goes
   * on, and its sockets take in what comes. With `ms` it goes on by itself after that time.
   */
  pause(host: string, ms?: number): void {
    const { process } = this.#host(host)
    process?.freeze()
    if (ms !== undefined) this.#script(ms, `resume ${host}`, () => process?.thaw())
  }

  /** Lets a paused process go on. */
  resume(host: string): void {
    this.#host(host).process?.thaw()
  }

  /** Ends a host's process, as SIGKILL does: its peers are told. The next `runtime(host)` is that of a new process. */
  kill(host: string): void {
    this.#end(this.#host(host), true)
  }

  /**
   * Switches a host off: nobody is told, and what was not synced may be lost. The next `runtime(host)` is that of a new
   * process, after a boot.
   */
  powerOff(host: string): void {
    const machine = this.#host(host)
    this.#end(machine, false)
    machine.powered = false
    machine.disk.losePower(machine.random)
  }

  /** Sets a host's wall clock forward, or back. Timers and `now()` notice nothing. */
  shiftWallClock(host: string, ms: number): void {
    this.#host(host).wallClockOffset += ms
  }

  /** Resolves after some virtual time. For the script of a run: no pause of a host stops it. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#script(ms, 'sleep', resolve))
  }

  /** Resolves once `holds()`: it is asked after each event. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => void this.#conditions.push({ holds, resolve }))
  }

  /** Adds a line to the trace. */
  log(line: string): void {
    if (this.#tracing) this.trace.push(`${this.#now.toFixed(3)} ${line}`)
  }

  /**
   * Runs a script in virtual time, to its end. Rejects as the script does, when an event throws, when nothing is left to
   * happen, or when the time is up; the error's message names the seed. A later run goes on from there.
   */
  async run<T>(script: () => Promise<T> | T, options: RunOptions = {}): Promise<T> {
    if (this.#running) throw new Error('this simulation runs already')
    this.#running = true
    try {
      return await this.#drive(script, this.#now + (options.limit ?? 3_600_000))
    } catch (error) {
      throw this.#named(error)
    } finally {
      this.#running = false
      this.#conditions = []
    }
  }

  async #drive<T>(script: () => Promise<T> | T, deadline: number): Promise<T> {
    let outcome: { readonly value: T } | { readonly error: unknown } | null = null
    void (async () => {
      try {
        outcome = { value: await script() }
      } catch (error) {
        outcome = { error }
      }
    })()
    for (let moment = 0; ;) {
      await settle()
      const ended = outcome as { readonly value: T } | { readonly error: unknown } | null
      if (ended !== null) {
        if ('error' in ended) throw ended.error
        return ended.value
      }
      if (this.#meetConditions()) continue
      const event = this.#schedule.take()
      if (event === undefined) throw new Error('nothing is left to happen, and the script has not ended')
      if (event.time > deadline) throw new Error(`the script has not ended after ${deadline} ms of virtual time`)
      moment = event.time > this.#now ? 0 : moment + 1
      if (moment > MOMENT_LIMIT) throw new Error(`time stands still: ${event.label}`)
      this.#now = Math.max(this.#now, event.time)
      this.#dispatch(event)
    }
  }

  #dispatch(event: ScheduledEvent): void {
    const { process } = event
    if (this.#tracing) this.log(`${process === null ? '' : `${process.name}: `}${event.label}`)
    if (process === null) event.run()
    else process.dispatch(event)
  }

  #meetConditions(): boolean {
    const met = this.#conditions.filter(({ holds }) => holds())
    if (met.length === 0) return false
    this.#conditions = this.#conditions.filter((condition) => !met.includes(condition))
    for (const { resolve } of met) resolve()
    return true
  }

  #script(delay: number, label: string, run: () => void): void {
    this.#schedule.add({ time: this.#now + delay, kind: 'script', place: 0, label, process: null, run })
  }

  #end(host: SimulatedHost, tellPeers: boolean): void {
    const { process } = host
    if (process === null) return
    host.process = null
    process.end()
    this.network.abandon(process, tellPeers)
  }

  #host(name: string): SimulatedHost {
    const known = this.#hosts.get(name)
    if (known !== undefined) return known
    const index = this.#hosts.size + 1
    const host: SimulatedHost = {
      name,
      index,
      address: `10.0.${index >> 8}.${index & 0xff}`,
      // By the name, so that one host more changes nothing for the others.
      random: new SeededRandom(this.seed, `host ${name}`),
      disk: new Disk(),
      wallClockOffset: 0,
      powered: true,
      process: null,
      nextPort: 40_000,
      processCount: 0,
    }
    this.#hosts.set(name, host)
    return host
  }

  #named(error: unknown): unknown {
    const note = `[seed ${this.seed}, ${this.#now.toFixed(3)} ms]`
    if (!(error instanceof Error)) return new Error(`${note} ${String(error)}`, { cause: error })
    const { message, stack } = error
    error.message = `${note} ${message}`
    // The stack has a copy of the message, and is what is shown.
    if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
    return error
  }
}

/** Lets everything run that the last event has led to: microtasks, and what they deferred. */
function settle(): Promise<void> {
  return new Promise((resolve) => void nodeRuntime.setImmediate(resolve))
}

const usualLatency: Latency = (_from, _to, random) =>
  random.chance(0.01) ? random.between(2, 50) : random.between(0.2, 2)
