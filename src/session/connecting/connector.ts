import { isIP } from 'node:net'

import type { TlsOptions } from '../../runtime/node-tls-options.ts'
import type { DialOptions, Runtime, Timer } from '../../runtime/runtime.ts'
import { limited } from '../limited.ts'
import { Backoff, type BackoffOptions } from './backoff.ts'
import { formatServer, type ServerName } from './hosts.ts'
import type { OtherServer } from './read-write-search.ts'
import { ServerList, type ServerListChange, type ServerListOptions } from './server-list.ts'
import type { Candidate } from './server-round.ts'

export interface ConnectorOptions extends ServerListOptions {
  readonly backoff: BackoffOptions
  /** How many rounds over all servers may fail in a row. */
  readonly maxRounds: number
  /** Asked anew for each attempt, so that certificates may change; null without TLS. */
  readonly tls: (() => TlsOptions | PromiseLike<TlsOptions>) | null
  /** Told of each attempt; does not throw. */
  readonly log: (level: 'debug' | 'warn', details: object, message: string) => void
}

export interface ConnectorTarget {
  /** Makes a link to that address, which reports to {@link Connector.succeeded} or {@link Connector.failed}. */
  dial(address: DialOptions, connectTimeout: number): void
  /** Too many rounds have failed. */
  gaveUp(cause: Error): void
  /** The session timeout, in milliseconds: the one granted while there is a session, the one to ask for until then. */
  timeout(): number
  /** The longest pause between rounds that there is time for now, in milliseconds. */
  longestPause(): number
}

/** A connection that lived this long proves that its server works; a shorter one is answered with a pause. */
const steadyAfter = 1_000

/**
 * The search for a server: round after round over all of them, without a pause within a round, with growing ones
 * between rounds. One link at a time.
 */
export class Connector {
  readonly #runtime: Runtime
  readonly #options: ConnectorOptions
  readonly #target: ConnectorTarget
  readonly #backoff: Backoff
  readonly #list: ServerList
  #round: AsyncGenerator<Candidate | Error, void, void> | null = null
  #last: Candidate | null = null
  /** To be tried before the next round. */
  #first: Candidate | null = null
  #address: DialOptions | null = null
  #connectedAt: number | null = null
  #failedRounds = 0
  #searchingSince: number | null = null
  #lastFailure: Error | undefined
  #pause: Timer | undefined
  #atOnce = false
  #stopped = false
  /** Ends the look-ups of the round. */
  #roundOver = new AbortController()

  constructor(runtime: Runtime, servers: readonly ServerName[], options: ConnectorOptions, target: ConnectorTarget) {
    this.#runtime = runtime
    this.#list = new ServerList(runtime, servers, options)
    this.#options = options
    this.#target = target
    this.#backoff = new Backoff(runtime, options.backoff)
  }

  /** The address dialled last. */
  get address(): DialOptions | null {
    return this.#address
  }

  /** The name of the server dialled last, as the user gave it. */
  get serverName(): string {
    return this.#last?.server.host ?? ''
  }

  get lastFailure(): Error | undefined {
    return this.#lastFailure
  }

  /** The servers as they are known: what was given, or what a provider answered last. */
  get servers(): readonly ServerName[] {
    return this.#list.servers
  }

  /** Other servers, from the next attempt on. True if the link there is has to end, for a server that is to be used. */
  setServers(change: ServerListChange): boolean {
    const outcome = this.#list.change(change, this.#last)
    if (this.#last !== null && change.here !== undefined) this.#last = { ...this.#last, server: change.here }
    if (outcome === 'same') return false
    this.#dropRound()
    if (this.#pause !== undefined) {
      this.#pause.cancel()
      this.#endPause()
    }
    return outcome === 'move'
  }

  connect(): void {
    void this.#next()
  }

  succeeded(): void {
    this.#connectedAt = this.#runtime.now()
    this.#failedRounds = 0
    this.#searchingSince = null
    this.#lastFailure = undefined
    this.#list.reached()
    this.#dropRound()
  }

  /** The link ended, before it was ready or after. */
  failed(cause: Error): void {
    this.#lastFailure = cause
    this.#options.log('warn', { server: this.#describe(), cause }, 'connection to ZooKeeper failed or was lost')
    const lived = this.#connectedAt === null ? null : this.#runtime.now() - this.#connectedAt
    this.#connectedAt = null
    if (lived !== null && lived < steadyAfter && !this.#atOnce) {
      this.#pauseThenConnect()
      return
    }
    if (lived !== null) this.#backoff.reset()
    this.#atOnce = false
    this.connect()
  }

  /** What ends the link is no failure of its server: the next attempt needs no pause. */
  retryAtOnce(): void {
    this.#atOnce = true
    this.#dropRound()
  }

  /** The next attempt goes to this server, and needs no pause. */
  tryFirst(server: Candidate): void {
    this.#first = server
    this.retryAtOnce()
  }

  /**
   * All servers but the one dialled last, the fallback included. Those that have no address, or whom TLS cannot reach,
   * are left out.
   */
  async *others(signal: AbortSignal): AsyncGenerator<OtherServer, void, void> {
    const last = this.#last
    const sessionTimeout = this.#target.timeout()
    const share = this.#list.share(sessionTimeout)
    for await (const candidate of this.#list.round({ last, duration: sessionTimeout, sessionTimeout, signal })) {
      if (signal.aborted) return
      if (candidate instanceof Error) continue
      const isLast = candidate.address === last?.address && candidate.server.port === last.server.port
      const address = isLast ? null : await this.#addressOf(candidate, share, signal)
      if (address !== null && !(address instanceof Error)) yield { candidate, address }
    }
  }

  stop(): void {
    this.#stopped = true
    this.#pause?.cancel()
    this.#roundOver.abort()
  }

  async #next(): Promise<void> {
    for (;;) {
      if (this.#stopped) return
      const round = (this.#round ??= this.#newRound())
      const first = this.#first
      this.#first = null
      const { value: candidate } = first === null ? await round.next() : { value: first }
      if (this.#stopped) return
      if (round !== this.#round) continue
      if (candidate === undefined) {
        this.#roundFailed()
        return
      }
      if (candidate instanceof Error) {
        this.#lastFailure = candidate
        this.#options.log('warn', { cause: candidate }, 'a ZooKeeper server cannot be found')
        continue
      }
      const share = this.#list.share(this.#target.timeout(), candidate.siblings)
      const begun = this.#runtime.now()
      const address = await this.#addressOf(candidate, share, this.#roundOver.signal)
      if (this.#stopped) return
      if (round !== this.#round) continue
      if (address instanceof Error) {
        this.#lastFailure = address
        this.#options.log('warn', { cause: address }, 'the options of TLS cannot be had')
        continue
      }
      this.#address = address
      this.#last = candidate
      this.#options.log('debug', { server: this.#describe() }, 'connecting to ZooKeeper')
      this.#target.dial(address, Math.max(1, share - (this.#runtime.now() - begun)))
      return
    }
  }

  /** Where and how to dial; the error that kept the options of TLS from being had, within `timeout` milliseconds. */
  async #addressOf(candidate: Candidate, timeout: number, signal: AbortSignal): Promise<DialOptions | Error> {
    const { address: host, server } = candidate
    const { port } = server
    const { tls } = this.#options
    if (tls === null) return { host, port }
    try {
      const late = (): Error => new Error(`the function given as tls did not answer within ${Math.round(timeout)} ms`)
      const given = (async () => tls())()
      const options = await limited(this.#runtime, given, { timeout, signal }, late)
      // The name that the user gave is the one to verify, whatever it resolved to; an address has no name to send.
      const name = isIP(server.host) === 0 ? { servername: server.host } : {}
      return { host, port, tls: { ...name, ...options } }
    } catch (error) {
      return error instanceof Error ? error : new Error('the TLS options could not be had', { cause: error })
    }
  }

  #newRound(): AsyncGenerator<Candidate | Error, void, void> {
    this.#roundOver = new AbortController()
    return this.#list.round({
      last: this.#last,
      duration: this.#runtime.now() - (this.#searchingSince ??= this.#runtime.now()),
      sessionTimeout: this.#target.timeout(),
      signal: this.#roundOver.signal,
    })
  }

  #dropRound(): void {
    this.#round = null
    this.#roundOver.abort()
  }

  #describe(): string | undefined {
    const { host, port } = this.#address ?? {}
    return host === undefined || port === undefined ? undefined : formatServer({ host, port })
  }

  #roundFailed(): void {
    this.#dropRound()
    this.#failedRounds++
    if (this.#failedRounds >= this.#options.maxRounds) {
      this.#target.gaveUp(this.#lastFailure ?? new Error('no server could be reached'))
      return
    }
    this.#pauseThenConnect()
  }

  #pauseThenConnect(): void {
    this.#pause = this.#runtime.setTimer(this.#backoff.next(this.#target.longestPause()), () => this.#endPause())
  }

  #endPause(): void {
    this.#pause = undefined
    this.connect()
  }
}
