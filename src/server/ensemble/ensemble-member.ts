import type { Runtime, Timer } from '../../runtime/runtime.ts'
import { Database } from '../database.ts'
import { EmbeddedServer } from '../embedded-server.ts'
import type { Membership, Quorum } from '../membership.ts'
import type { EmbeddedServerOptions, ServerSettings } from '../options.ts'
import type { Session, SessionTable } from '../session-table.ts'
import type { History } from './history.ts'

/** What a member is at the moment. `looking` has no leader; `read-only` serves reads without one. */
export type MemberRole = 'leader' | 'follower' | 'observer' | 'looking' | 'read-only' | 'stopped'

/** What a member is to its leader. */
type Part = 'leader' | 'follower' | 'observer'

/** The longest time that a timer takes. */
const longestDelay = 0x7fff_ffff

/** What a member asks of the ensemble it belongs to. */
export interface MemberHost {
  readonly history: History
  readonly sessions: SessionTable
  readonly quorum: Quorum
  /** Milliseconds after which a member notices that it is cut off. */
  readonly noticeAfter: number
  /** Tells the others of what this one has committed. */
  replicate(from: EmbeddedMember): void
  /** A member runs or runs no more, or has noticed that it is cut off. */
  changed(): void
  /** A follower has heard of sessions of which its leader is to be told. */
  heard(): void
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
  #stopping: Promise<void> | null = null
  /** What it has on disk, so to speak: it outlives the server. */
  #database: Database | null = null
  #port: number
  /** How far into the history the tree has come. */
  #applied = 0
  #lag = 0
  #applying: Timer | null = null
  #noticing: Timer | null = null
  #role: Part | 'looking' | 'starting' = 'starting'
  /** Whom it follows, which may be itself, and since which election. */
  #leader: EmbeddedMember | null = null
  #epoch = 0
  #connected = false
  /** Whom it has heard of since it last told its leader, and their timeouts. */
  readonly #heard = new Map<Session, number>()

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
    if (this.#database?.readOnly === true) return 'read-only'
    return this.#role === 'starting' ? 'looking' : this.#role
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
    return this.#host.history.length - this.#applied
  }

  /** Milliseconds after which it applies what others have committed. */
  get lag(): number {
    return this.#lag
  }

  set lag(milliseconds: number) {
    if (typeof milliseconds !== 'number' || !(milliseconds >= 0)) {
      throw new RangeError(`lag must be a number from 0 on, not ${milliseconds}`)
    }
    this.#lag = milliseconds
    this.#applying?.cancel()
    this.#applying = null
    this.schedule()
  }

  /** How far into the history it has come. @internal */
  get applied(): number {
    return this.#applied
  }

  /** Starts once it has stopped. @internal */
  start(): Promise<void> {
    if (this.#starting !== null) return this.#starting
    const starting = this.#start(this.#stopping)
    this.#starting = starting
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = null
    })
    return starting
  }

  async #start(stopping: Promise<void> | null): Promise<void> {
    await stopping
    const server = new EmbeddedServer({ ...this.#options, port: this.#port }, (settings) => this.#open(settings))
    await server.start()
    this.#server = server
    this.#port = server.port
    this.#host.changed()
  }

  /** What it knew when it stopped, and no more. */
  #open(settings: ServerSettings): Database {
    this.#database ??= new Database(settings, this.#membership(), this.#host.sessions)
    this.#database.readOnly = false
    return this.#database
  }

  /** Once it has stopped it may start again. @internal */
  stop(): Promise<void> {
    const starting = this.#starting
    if (starting === null) return this.#stopping ?? Promise.resolve()
    this.#starting = null
    const stopping = this.#stop(starting).finally(() => {
      if (this.#stopping === stopping) this.#stopping = null
    })
    this.#stopping = stopping
    return stopping
  }

  async #stop(starting: Promise<void>): Promise<void> {
    // What runs ends at once, and what is about to run, once it does.
    if (this.#server === null) await starting.catch(() => {})
    const server = this.#server
    if (server === null) return
    this.#server = null
    this.#leave('starting')
    this.#host.changed()
    await server.stop()
  }

  /** Takes up the configuration as it is, as a real member does when it starts and when it joins a leader. @internal */
  configure(): void {
    this.#database?.configure(this.#host.quorum.config)
  }

  /** Whether it reaches its leader, and that has a quorum. @internal */
  get connected(): boolean {
    return this.#connected
  }

  /** Whether it runs and has no leader, and knows that. @internal */
  get isLooking(): boolean {
    return this.#server !== null && this.#isLeaderless
  }

  /** Whether it runs as what the last election made it, for all that it knows. @internal */
  get isCurrent(): boolean {
    return this.#server !== null && !this.#isLeaderless && this.#epoch === this.#host.history.epoch
  }

  get #isLeaderless(): boolean {
    return this.#role === 'looking' || this.#role === 'starting'
  }

  /** The database of the leader, by which sessions expire. @internal */
  get database(): Database | null {
    return this.#database
  }

  /** Whom it follows for all that it knows; that may be itself. @internal */
  get leader(): EmbeddedMember | null {
    return this.#isLeaderless ? null : this.#leader
  }

  /** Whether it leads those who follow it since that election. */
  #leads(epoch: number): boolean {
    return this.#server !== null && this.#role === 'leader' && this.#epoch === epoch
  }

  /** Whether it follows somebody who does not lead it any more: it notices that where it reaches them. @internal */
  get isLeftAlone(): boolean {
    const { leader } = this
    return leader !== null && !leader.#leads(this.#epoch)
  }

  /** Belongs to the quorum of the leader of this epoch, or leads it. @internal */
  follow(leader: EmbeddedMember): void {
    const role = leader === this ? 'leader' : this.observer ? 'observer' : 'follower'
    const isNew = this.#role !== role || this.#epoch !== this.#host.history.epoch
    this.#leader = leader
    if (!isNew && this.#connected) return
    this.#noticing?.cancel()
    this.#noticing = null
    this.#connected = true
    if (isNew) this.#join(role)
    else this.#goOn()
  }

  #join(role: Part): void {
    this.#leave(role)
    this.#connected = true
    this.#epoch = this.#host.history.epoch
    this.#applyAll()
    // What a client may have written there comes to nothing then. Without `reconfig` it stays.
    if (this.#options.reconfig === true) this.configure()
    this.#server?.dropConnections()
  }

  /** Nobody has noticed anything. */
  #goOn(): void {
    this.schedule()
    if (this.#heard.size > 0) this.#host.heard()
    this.#server?.resumeConnections()
  }

  /**
   * Has no leader, or none with a quorum. It may not have noticed yet: then clients are served what is here, and writes
   * wait. @internal
   */
  cutOff(): void {
    if (this.isLooking) {
      this.lookForLeader()
      return
    }
    this.#disconnect()
    this.#noticing ??= this.#runtime.setTimer(this.#host.noticeAfter, () => {
      this.#noticing = null
      this.lookForLeader()
      this.#host.changed()
    })
  }

  /** Notices that it has no leader: clients have to look for another member. @internal */
  lookForLeader(): void {
    if (this.#role === 'looking') return
    this.#leave('looking')
    this.#server?.dropConnections()
  }

  /** Applies what others have committed, each after its lag. @internal */
  schedule(): void {
    if (!this.#connected || this.#applying !== null) return
    const { history } = this.#host
    const now = this.#runtime.now()
    let next = history.at(this.#applied)
    while (next !== undefined && next.committedAt + this.#lag <= now) {
      this.#applyNext()
      next = history.at(this.#applied)
    }
    if (next === undefined || this.#lag === Infinity) return
    const delay = Math.min(next.committedAt + this.#lag - now, longestDelay)
    this.#applying = this.#runtime.setTimer(delay, () => {
      this.#applying = null
      this.schedule()
    })
  }

  /** Tells the leader of whom it has heard: from now on they have their time. @internal */
  report(now: number): void {
    const { sessions } = this.#host
    for (const [session, timeout] of this.#heard) {
      if (sessions.find(session.id) === session) sessions.touch(session, timeout, now)
    }
    this.#heard.clear()
  }

  #disconnect(): void {
    this.#connected = false
    this.#applying?.cancel()
    this.#applying = null
  }

  /** Is no more what it was. What only that one knew is gone. */
  #leave(role: Part | 'looking' | 'starting'): void {
    this.#disconnect()
    this.#noticing?.cancel()
    this.#noticing = null
    this.#heard.clear()
    this.#role = role
    const database = this.#database
    if (database === null) return
    database.readOnly = this.#readOnlyMode && role === 'looking'
    const { sessions } = this.#host
    for (const session of sessions.values()) {
      if (session.isLocal && session.owner === database) sessions.remove(session)
    }
  }

  #applyAll(): void {
    while (this.behind > 0) this.#applyNext()
  }

  #applyNext(): void {
    const entry = this.#host.history.at(this.#applied++)!
    this.#database?.replay(entry)
    // Now it knows that the session is over.
    if (entry.transaction.type === 'closeSession') this.#server?.dropConnections(entry.header.sessionId)
  }

  /** Whether the leader hears of a session's client at once, as it does of its own. Others tell it later. */
  #hears(session: Session, timeout: number): boolean {
    if (session.isLocal) return true
    if (this.#role === 'leader') return this.isCurrent
    this.#heard.set(session, timeout)
    this.#host.heard()
    return false
  }

  #membership(): Membership {
    const member = this
    const { history, quorum } = this.#host
    return {
      id: this.id,
      quorum,
      get role() {
        return member.#role === 'looking' || member.#role === 'starting' ? 'follower' : member.#role
      },
      get serving() {
        return !member.#isLeaderless || member.#database?.readOnly === true
      },
      get connected() {
        return member.#connected
      },
      hears: (session, timeout) => this.#hears(session, timeout),
      catchUp: () => {
        if (member.#connected) member.#applyAll()
        return member.#connected
      },
      nextZxid: () => history.nextZxid(),
      committed: (entry) => {
        history.append(entry, member.#runtime.now())
        member.#applied = history.length
        member.#host.replicate(member)
      },
    }
  }
}
