import { nodeRuntime } from '../../runtime/node-runtime.ts'
import type {
  DialOptions,
  Files,
  Listener,
  ListenOptions,
  Processes,
  ResolvedAddress,
  Runtime,
  Socket,
  SocketHandler,
  Timer,
} from '../../runtime/runtime.ts'
import type { Names } from './names.ts'
import type { SimulatedNetwork } from './network.ts'
import type { Scheduler, SimulatedProcess } from './process.ts'

/** What all processes of a simulation share. */
export interface World extends Scheduler {
  readonly network: SimulatedNetwork
  readonly names: Names
  /** Milliseconds since 1970 at virtual time 0. */
  readonly epoch: number
}

/** Node's timers take no longer delay: it fires at once instead. */
const longestDelay = 2_147_483_647

/** The outside world as one process of a simulation sees it. */
export class SimulatedRuntime implements Runtime {
  readonly files: Files
  readonly processes: Processes
  readonly #world: World
  readonly #process: SimulatedProcess

  constructor(world: World, process: SimulatedProcess) {
    this.#world = world
    this.#process = process
    this.files = process.host.disk.filesFor(process)
    this.processes = {
      own: async () => process.id,
      isRunning: async (id) => process.host.process?.id === id,
    }
  }

  now(): number {
    return this.#world.now
  }

  wallClock(): number {
    return Math.floor(this.#world.epoch + this.#world.now + this.#process.host.wallClockOffset)
  }

  setTimer(delay: number, callback: () => void): Timer {
    const wait = delay >= 1 && delay <= longestDelay ? delay : 1
    return this.#process.after(wait, 'timer', 'timer', callback)
  }

  setImmediate(callback: () => void): Timer {
    return this.#process.after(0, 'immediate', 'immediate', callback)
  }

  defer(callback: () => void): void {
    // Each event of the simulation has a turn of the real event loop to itself, so that the real thing is exact.
    nodeRuntime.defer(() => {
      if (this.#process.alive) callback()
    })
  }

  random(): number {
    return this.#process.host.random.number()
  }

  randomBytes(size: number): Buffer {
    return this.#process.host.random.bytes(size)
  }

  randomUuid(): string {
    return this.#process.host.random.uuid()
  }

  resolve(host: string): Promise<ResolvedAddress[]> {
    const delay = this.#process.host.random.between(0.1, 5)
    return new Promise((resolve, reject) => {
      this.#process.after(delay, 'io', `resolve ${host}`, () => {
        try {
          resolve(this.#world.names.resolve(host))
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  dial(options: DialOptions, handler: SocketHandler): Socket {
    return this.#world.network.dial(this.#process, options, handler)
  }

  listen(options: ListenOptions, accept: (socket: Socket) => SocketHandler): Promise<Listener> {
    return this.#world.network.listen(this.#process, options, accept)
  }
}
