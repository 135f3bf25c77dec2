import { nodeRuntime } from '../../runtime/node-runtime.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { checkFlag, checkFunction } from '../../server/option-checks.ts'
import { checkNames } from '../check-options.ts'
import { Disk } from './disk.ts'
import type { Latency } from './links.ts'
import { Names } from './names.ts'
import { SimulatedNetwork } from './network.ts'
import { type SimulatedHost, SimulatedProcess } from './process.ts'
import { Schedule, type ScheduledEvent } from './schedule.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedRuntime, type World } from './simulated-runtime.ts'

/** Options of {@link Simulation}. */
export interface SimulationOptions {
  /** Decides all that is left to chance. @defaultValue one of its own; every failure names it */
  readonly seed?: number | undefined
  /**
   * How long what is sent from one host to another takes, in milliseconds.
   * @defaultValue 0.2 to 2, and for one segment in a hundred up to 50
   */
  readonly latency?: Latency | undefined
  /** How probable it is that what was written at once arrives in two parts, from 0 to 1. @defaultValue 0.1 */
  readonly fragmentation?: number | undefined
  /** What the hosts' wall clocks say at the start: milliseconds since 1970. @defaultValue the first moment of 2026 (UTC) */
  readonly epoch?: number | undefined
  /** Whether to keep a line for each event in {@link Simulation.trace}. @defaultValue false */
  readonly trace?: boolean | undefined
}

/** Options of {@link Simulation.run}. */
export interface RunOptions {
  /** How much virtual time the run may take, in milliseconds. @defaultValue 3,600,000 (an hour) */
  readonly limit?: number | undefined
}

interface Condition {
  readonly holds: () => boolean
  readonly resolve: () => void
}

/** More events than this in one moment are a loop that never ends. */
const momentLimit = 100_000

const names: ReadonlySet<string> = new Set(['seed', 'latency', 'fragmentation', 'epoch', 'trace'])

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
  /** The seed, to be given again where a run is to be repeated. */
  readonly seed: number
  /** For the choices of the test itself. */
  readonly random: SeededRandom
  /** The network between the hosts, and its faults. */
  readonly network: SimulatedNetwork
  /** What names resolve to. */
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

  /** @throws TypeError or RangeError that names the option */
  constructor(options: SimulationOptions = {}) {
    checkSimulationOptions(options)
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

  /** Virtual time since the start, in milliseconds. */
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

  /** The IP address of a host; the host is made when first named. */
  address(host: string): string {
    return this.#host(host).address
  }

  /** The files of a host, which outlive its processes; the host is made when first named. */
  disk(host: string): Disk {
    return this.#host(host).disk
  }

  /**
   * Stops a host's process where it stands, as SIGSTOP, a long collection of garbage or a sleeping laptop do: time goes
   * on, and its sockets take in what comes. With `ms` it goes on by itself after so many milliseconds.
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

  /** Sets a host's wall clock forward, or back, by so many milliseconds. Timers and `now()` notice nothing. */
  shiftWallClock(host: string, ms: number): void {
    this.#host(host).wallClockOffset += ms
  }

  /** Resolves after so many milliseconds of virtual time. For the script of a run: no pause of a host stops it. */
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
   * Runs a script in virtual time, to its end, and resolves to what it returned. A later run goes on from there.
   *
   * @throws what the script throws, or an event; Error when nothing is left to happen, when the time is up, or while
   * another run is under way. The message names the seed
   */
  async run<T>(script: () => Promise<T> | T, options: RunOptions = {}): Promise<T> {
    if (this.#running) throw new Error('this simulation runs already')
    this.#running = true
    try {
      await loadAll()
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
      if (moment > momentLimit) throw new Error(`time stands still: ${event.label}`)
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

/** @throws TypeError or RangeError that names the option */
function checkSimulationOptions(options: unknown): void {
  const { seed, latency, fragmentation, epoch, trace } = checkNames(options, names)
  checkFunction(latency, 'latency')
  checkFlag(trace, 'trace', false)
  for (const [name, value] of Object.entries({ seed, fragmentation, epoch })) {
    if (value === undefined) continue
    if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
    if (!Number.isFinite(value)) throw new RangeError(`${name} must be a finite number, not ${value}`)
  }
  if (fragmentation !== undefined && !((fragmentation as number) >= 0 && (fragmentation as number) <= 1)) {
    throw new RangeError(`fragmentation must be from 0 to 1, not ${fragmentation as number}`)
  }
}

/** Lets everything run that the last event has led to: microtasks, and what they deferred. */
function settle(): Promise<void> {
  return new Promise((resolve) => void nodeRuntime.setImmediate(resolve))
}

const usualLatency: Latency = (_from, _to, random) =>
  random.chance(0.01) ? random.between(2, 50) : random.between(0.2, 2)

/** What a client loads when it is wanted is loaded beforehand: in virtual time nobody waits for a disk. */
async function loadAll(): Promise<void> {
  await Promise.all([
    import('../../client/ensemble-tracker.ts'),
    import('../../client/walk.ts'),
    import('../../session/authentication/sasl/start-exchange.ts'),
  ])
}
