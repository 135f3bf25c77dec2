import type { Runtime } from '../../runtime/runtime.ts'
import { askProvider, type HostProvider } from './host-provider.ts'
import { formatServer, type ServerName } from './hosts.ts'
import { rebalance } from './rebalance.ts'
import { serverRound, type Candidate } from './server-round.ts'

/** The servers to begin with. */
export interface ServerListOptions {
  readonly randomizeHosts: boolean
  /** Asked for the servers anew for each round. */
  readonly provider?: HostProvider | null
  /** Tried too, behind the servers, once these have not been reached for half the session timeout: not in an election. */
  readonly fallback?: readonly ServerName[]
}

/** Other servers. What is not said stays, but for the fallback, which goes. */
export interface ServerListChange {
  readonly servers: readonly ServerName[]
  readonly provider?: HostProvider | null
  readonly randomize?: boolean | undefined
  readonly fallback?: readonly ServerName[]
  /** Which of them is the one in use, where names do not tell. */
  readonly here?: ServerName | undefined
  /** They are the ensemble that the client knew under other names, over which all clients are spread already. */
  readonly renamed?: boolean
}

/** What a round has to know about the search it is part of. */
export interface SearchState {
  /** What was dialled last. */
  readonly last: Pick<Candidate, 'server' | 'address'> | null
  /** Milliseconds since the search began. */
  readonly duration: number
  /** Milliseconds that all of a round's servers share. */
  readonly sessionTimeout: number
  readonly signal: AbortSignal
}

/** The servers that a client may use, which may change, and the order in which it tries them. */
export class ServerList {
  readonly #runtime: Runtime
  #servers: readonly ServerName[]
  #randomize: boolean
  #provider: HostProvider | null
  #fallback: readonly ServerName[]
  /** The order of the next round, where a change of the servers asks for one; until a server was reached. */
  #order: readonly ServerName[] | null = null
  #withFallback = false

  constructor(runtime: Runtime, servers: readonly ServerName[], options: ServerListOptions) {
    this.#runtime = runtime
    this.#servers = servers
    this.#randomize = options.randomizeHosts
    this.#provider = options.provider ?? null
    this.#fallback = options.fallback ?? []
  }

  get servers(): readonly ServerName[] {
    return this.#servers
  }

  /**
   * Milliseconds for each of a server's addresses: an equal part for each server, so that one black hole does not cost the session; never more than a
   * third, as a single server, too, may leave one handshake unanswered that it would answer the next time.
   */
  share(sessionTimeout: number, addresses = 1): number {
    const count = this.#servers.length + (this.#withFallback ? this.#fallback.length : 0)
    return Math.max(1, sessionTimeout / Math.max(3, count * addresses))
  }

  /**
   * Takes other servers.
   *
   * @param last - the server in use, or dialled last
   * @returns `'same'` if they are those there are; `'move'` if the client has to leave its server for another
   */
  change(change: ServerListChange, last: SearchState['last']): 'same' | 'stay' | 'move' {
    const before = this.#servers
    const { servers, provider = null, randomize = this.#randomize, fallback = [], here } = change
    this.#randomize = randomize
    this.#fallback = fallback
    const sameProvider = provider === this.#provider
    this.#provider = provider
    // Its answer, in the next round, has the word.
    if (provider !== null) return sameProvider ? 'same' : 'stay'
    this.#servers = servers
    if (sameProvider && haveSame(before, servers)) return 'same'
    this.#order = null
    if (last === null) return 'stay'
    const isHere = (server: ServerName): boolean =>
      server === here ||
      (server.port === last.server.port && (server.host === last.server.host || server.host === last.address))
    if (randomize) this.#order = rebalance(this.#runtime, change.renamed === true ? servers : before, servers, isHere)
    else if (!servers.some((server) => isHere(server))) this.#order = servers
    return this.#order === null ? 'stay' : 'move'
  }

  /** A server was reached. */
  reached(): void {
    this.#order = null
    this.#withFallback = false
  }

  async *round(state: SearchState): AsyncGenerator<Candidate | Error, void, void> {
    const { last, duration, sessionTimeout, signal } = state
    if (this.#provider !== null) {
      const answer = await askProvider(this.#runtime, this.#provider, sessionTimeout / 3, signal)
      if (signal.aborted) return
      if (answer instanceof Error) {
        yield answer
        return
      }
      this.#servers = answer
    }
    const order = this.#order
    this.#withFallback = duration >= sessionTimeout / 2 && this.#fallback.length > 0
    const options = { randomize: this.#randomize, last, resolveTimeout: this.share(sessionTimeout), signal }
    yield* serverRound(this.#runtime, order ?? this.#servers, { ...options, keepOrder: order !== null })
    if (this.#order === order) this.#order = null
    if (!this.#withFallback) return
    const tried = new Set(this.#servers.map((server) => formatServer(server)))
    const others = this.#fallback.filter((server) => !tried.has(formatServer(server)))
    yield* serverRound(this.#runtime, others, options)
  }
}

function haveSame(some: readonly ServerName[], others: readonly ServerName[]): boolean {
  const names = new Set(some.map((server) => formatServer(server)))
  const otherNames = new Set(others.map((server) => formatServer(server)))
  return names.size === otherNames.size && [...names].every((name) => otherNames.has(name))
}
