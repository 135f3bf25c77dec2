import { KazooClient, type KazooClientOptions, type KazooState } from '../../src/index.ts'
import { type ObservedRuntime, observedRuntime } from './observed-runtime.ts'
import { until } from './until.ts'

/** What a state listener was told. */
interface Heard {
  readonly state: KazooState
  /** No session follows until the client is started again. */
  readonly stopped: boolean
}

/** What may follow what, while a client is not stopped. */
const legal: Record<KazooState, readonly KazooState[]> = {
  LOST: ['CONNECTED'],
  CONNECTED: ['SUSPENDED'],
  SUSPENDED: ['CONNECTED', 'LOST'],
}

export type ParticipantOptions = Omit<KazooClientOptions, 'runtime'>

/** A client whose states, timers and sockets are looked at. */
export class Participant {
  readonly name: string
  readonly client: KazooClient
  readonly runtime: ObservedRuntime
  /** From before `start` on. */
  readonly heard: Heard[] = []

  constructor(name: string, options: ParticipantOptions) {
    this.name = name
    this.runtime = observedRuntime()
    this.client = new KazooClient({
      randomizeHosts: false,
      // Trials are many and short.
      connectionRetry: { delay: 20, maxDelay: 200 },
      commandRetry: { delay: 20, maxDelay: 200 },
      ...options,
      runtime: this.runtime,
    })
    this.client.addListener((state, { stopped }) => void this.heard.push({ state, stopped }))
  }

  /** How often its connection was lost. */
  get suspensions(): number {
    return this.heard.filter(({ state }) => state === 'SUSPENDED').length
  }

  /** How often its session was lost, its own end apart. */
  get losses(): number {
    return this.heard.filter(({ state, stopped }) => state === 'LOST' && !stopped).length
  }

  /** Whether it has, or is making, a connection to that server. */
  isAt({ host, port }: { readonly host: string; readonly port: number }): boolean {
    return this.runtime.open.some((each) => each.startsWith(`socket to ${host}:${port},`))
  }

  /** Waits until a state is told that was not told before `since` changes. */
  async hears(state: KazooState, since: number): Promise<void> {
    await until(`${this.name} hears ${state}`, () => this.heard.slice(since).some((each) => each.state === state))
  }

  /** What was wrong with what the listener was told. */
  stateProblems(): string[] {
    const told = this.heard.map(({ state }) => state).join(', ')
    const problems: string[] = []
    let before: KazooState = 'LOST'
    for (const [index, { state, stopped }] of this.heard.entries()) {
      const isEnd = stopped && state === 'LOST' && index === this.heard.length - 1
      if (!isEnd && !legal[before].includes(state)) {
        problems.push(`${this.name} was told ${state} after ${before}: ${told}`)
      }
      before = state
    }
    return problems
  }

  /** Stops the client, and waits until nothing of it is left. */
  async stop(): Promise<string[]> {
    const problems: string[] = []
    await until('', () => !this.client.connected || this.client.pending === 0, 5_000).catch(() => {
      problems.push(`${this.name} has ${this.client.pending} requests pending`)
    })
    const timeout = this.client.session?.timeout ?? 0
    const started = performance.now()
    await this.client.stop()
    const took = performance.now() - started
    problems.push(...this.stateProblems())
    // It promises the session timeout; the rest is for a machine that has other things to do.
    if (took > timeout + 2_000) problems.push(`${this.name} took ${Math.round(took)} ms to stop`)
    await until('', () => this.runtime.open.length === 0, 5_000).catch(() => {
      problems.push(`${this.name} left open: ${this.runtime.open.join('; ')}`)
    })
    return problems
  }
}
