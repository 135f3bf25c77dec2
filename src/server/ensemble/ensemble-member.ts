import type { Runtime, Timer } from '../../runtime/runtime.ts'
import { Database } from '../database.ts'
import { EmbeddedServer } from '../embedded-server.ts'
import type { HistoryEntry, Membership, Quorum } from '../membership.ts'
import type { EmbeddedServerOptions } from '../options.ts'
import type { SessionTable } from '../session-table.ts'
import type { History } from './history.ts'

/** What a member is at the moment. `looking` has no leader; `read-only` serves reads without one. */
export type MemberRole = 'leader' | 'follower' | 'observer' | 'looking' | 'read-only' | 'stopped'

/** What a member asks of the ensemble it belongs to. */
export interface MemberHost {
  readonly history: History
  readonly sessions: SessionTable
  readonly quorum: Quorum
  /** Tells the others of what this one has committed. */
  replicate(from: EmbeddedMember): void
}

/** One server of an `EmbeddedEnsemble`, with a tree and a port of its own. */
export class EmbeddedMember {
  /** From 1 on, as in `server.1`. */
  readonly id: number
  readonly #options: EmbeddedServerOptions
  readonly #runtime: Runtime
  readonly #host: MemberHost
  readonly #readOnlyMode: boolean
  #server: EmbeddedServer | null = null
  #starting: Promise<void> | null = null
  #database: Database | null = null
  #port: number
  /** How far into the history the tree has come. */
  #applied = 0
  #lag = 0
  #timer: Timer | null = null
  #role: 'leader' | 'follower' | 'observer' | 'looking' = 'looking'
  #connected = false

  constructor(id: number, host: MemberHost, runtime: Runtime, options: EmbeddedServerOptions, readOnlyMode: boolean) {
    this.id = id
    this.#host = host
    this.#runtime = runtime
    this.#options = options
    this.#readOnlyMode = readOnlyMode
    this.#port = options.port ?? 0
  }

  /** The server itself, for its faults and its connections. @throws Error while it is stopped */
  get server(): EmbeddedServer {
    if (this.#server === null) throw new Error(`member ${this.id} is stopped`)
    return this.#server
  }

  /** Whether its process runs. */
  get running(): boolean {
    return this.#server !== null
  }

  /** What it is at the moment. */
  get role(): MemberRole {
    if (this.#server === null) return 'stopped'
    return this.#database?.readOnly === true ? 'read-only' : this.#role
  }

  /** Observers follow without a vote. One that the configuration leaves out follows, and has no vote either. */
  get observer(): boolean {
    return this.#host.quorum.config.servers.get(this.id)?.observer ?? false
  }

  /** The same after each start. */
  get port(): number {
    return this.#port
  }

  /** @internal */
  get host(): string {
    return this.#options.host ?? '127.0.0.1'
  }

  /** The connect string for this member alone. */
  get hosts(): string {
    const { host } = this
    return `${host.includes(':') ? `[${host}]` : host}:${this.#port}`
  }

  /** How many transactions it has yet to apply. */
  get behind(): number {
    return this.#host.history.entries.length - this.#applied
  }

  /** Milliseconds after which it applies what others have committed. */
  get lag(): number {
    return this.#lag
  }

  set lag(milliseconds: number) {
    if (!(milliseconds >= 0)) throw new RangeError(`lag must not be negative, not ${milliseconds}`)
    this.#lag = milliseconds
    this.schedule()
  }

  /** @internal */
  start(): Promise<void> {
    if (this.#server !== null) return Promise.resolve()
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null
    })
    return this.#starting
  }

  async #start(): Promise<void> {
    const membership = this.#membership()
    let database: Database | null = null
    const server = new EmbeddedServer({ ...this.#options, port: this.#port }, (settings) => {
      database = new Database(settings, membership, this.#host.sessions)
      return database
    })
    this.#applied = 0
    this.#role = 'looking'
    this.#connected = false
    await server.start()
    this.#database = database
    this.#server = server
    this.#port = server.port
    this.configure()
    // What it has on disk: all that it knew when it stopped, which in this model is all there is.
    this.#applyAll()
  }

  /** @internal */
  async stop(): Promise<void> {
    // One that is about to run is stopped, too.
    await this.#starting?.catch(() => {})
    const server = this.#server
    this.#server = null
    this.#timer?.cancel()
    this.#timer = null
    await server?.stop()
    this.#database = null
  }

  /** Takes up the configuration as it is, as a real member does when it starts and when it joins a leader. @internal */
  configure(): void {
    this.#database?.configure(this.#host.quorum.config)
  }

  /** Whether it reaches its leader, or has a quorum if it leads. @internal */
  get connected(): boolean {
    return this.#connected
  }

  /** The database of the leader, by which sessions expire. @internal */
  get database(): Database | null {
    return this.#database
  }

  /** Loses the leader without noticing it yet: clients are served what is here, and writes wait. @internal */
  cutOff(): void {
    this.#connected = false
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Reaches the leader it had. @internal */
  reconnect(): void {
    if (this.#connected) return
    this.#connected = true
    this.schedule()
    this.#server?.resumeConnections()
  }

  /** Notices that it has no leader: clients have to look for another member. @internal */
  lookForLeader(): void {
    this.cutOff()
    this.#become('looking')
  }

  /** Belongs to a quorum from now on. @internal */
  join(role: 'leader' | 'follower' | 'observer'): void {
    this.#connected = true
    this.#applyAll()
    this.#become(role)
    // What a client may have written there comes to nothing then. Without `reconfig` it stays.
    if (this.#options.reconfig === true) this.configure()
  }

  /** Applies what others have committed, after its lag. @internal */
  schedule(): void {
    if (!this.#connected || this.behind === 0) return
    if (this.#lag === 0) {
      this.#applyAll()
      return
    }
    this.#timer ??= this.#runtime.setTimer(this.#lag, () => {
      this.#timer = null
      if (this.#connected) this.#applyAll()
    })
  }

  #become(role: 'leader' | 'follower' | 'observer' | 'looking'): void {
    const database = this.#database
    this.#role = role
    if (database !== null) database.readOnly = this.#readOnlyMode && role === 'looking'
    this.#server?.dropConnections()
  }

  #applyAll(): void {
    const { entries } = this.#host.history
    while (this.#applied < entries.length) this.#apply(entries[this.#applied++]!)
  }

  #apply(entry: HistoryEntry): void {
    this.#database?.replay(entry)
  }

  #membership(): Membership {
    const member = this
    const { history, quorum } = this.#host
    return {
      id: this.id,
      quorum,
      get role() {
        return member.#role === 'looking' ? 'follower' : member.#role
      },
      get serving() {
        return member.#role !== 'looking' || member.#database?.readOnly === true
      },
      get connected() {
        return member.#connected
      },
      catchUp: () => {
        if (member.#connected) member.#applyAll()
        return member.#connected
      },
      nextZxid: () => history.nextZxid(),
      committed: (entry) => {
        history.append(entry)
        member.#applied = history.entries.length
        member.#host.replicate(member)
      },
    }
  }
}
