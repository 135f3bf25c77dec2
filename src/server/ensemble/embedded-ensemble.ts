import { checkFlag, checkNumber } from '../option-checks.ts'
import type { Quorum } from '../membership.ts'
import { checkServerOptions, type EmbeddedServerOptions, type ServerSettings } from '../options.ts'
import type { EnsembleConfig } from '../reconfig/ensemble-config.ts'
import { SessionTable, type Session } from '../session-table.ts'
import { EmbeddedMember, type MemberHost } from './ensemble-member.ts'
import { firstConfig } from './first-config.ts'
import { epochSize, History } from './history.ts'
import { SessionReports } from './session-reports.ts'

/** Options of {@link EmbeddedEnsemble}: its own, and those of each member. */
export interface EmbeddedEnsembleOptions extends Omit<EmbeddedServerOptions, (typeof notForMembers)[number]> {
  /** How many members vote. @defaultValue 3 */
  readonly size?: number
  /** How many members follow without a vote. @defaultValue 0 */
  readonly observers?: number
  /** Ports to listen on, one for each member; free ones by default. */
  readonly ports?: readonly number[]
  /** Whether a member without a quorum serves reads: ZooKeeper's `readonlymode.enabled`. @defaultValue false */
  readonly readOnlyMode?: boolean
  /**
   * Milliseconds after which a member notices that it is cut off from its leader; until then it goes on answering reads
   * and pings. @defaultValue two ticks
   */
  readonly noticeAfter?: number
}

/** Options of a server that stands alone: members share neither a port nor a directory, and have nothing on disk. */
const notForMembers = [
  'port',
  'securePort',
  'readOnly',
  'dataDir',
  'dataLogDir',
  'snapCount',
  'snapRetainCount',
  'onFailure',
] as const

/** After so many transactions it is time to forget those that everybody has. */
const forgetInterval = 1_024

/**
 * Several servers over one history, for tests of clients: a client may move from one to another, follow a change of
 * leader, meet a member that lags, that is cut off, that is read-only or gone.
 *
 * It is a model of an ensemble in one process, and nothing to rely on: there is no quorum protocol behind it, and what
 * it survives proves nothing about a real one. Production is Apache ZooKeeper's.
 *
 * ```ts
 * await using ensemble = await new EmbeddedEnsemble({ size: 3 }).start()
 * await using zk = await new KazooClient({ hosts: ensemble.hosts }).start()
 * await ensemble.stopMember(ensemble.leader!)
 * ```
 */
export class EmbeddedEnsemble {
  /** In the order of their ids: voters first, then observers. */
  readonly members: readonly EmbeddedMember[]
  readonly #settings: ServerSettings
  readonly #history = new History()
  readonly #sessions: SessionTable
  readonly #reports: SessionReports
  #config: EnsembleConfig
  #leader: number | null = null
  /** Which members reach each other; those of no group reach nobody. */
  #groups: readonly ReadonlySet<number>[] = []
  #starting: Promise<this> | null = null
  #stopping: Promise<void> | null = null
  #isStarted = false

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options: EmbeddedEnsembleOptions = {}) {
    if (typeof options !== 'object' || options === null) throw new TypeError('the options must be an object')
    const { size, observers, ports, readOnlyMode, noticeAfter, ...shared } = options
    for (const name of notForMembers) {
      if (name in shared) throw new TypeError(`option ${JSON.stringify(name)} is not one of an ensemble`)
    }
    this.#settings = checkServerOptions(shared)
    const { runtime, tickTime } = this.#settings
    const voters = checkNumber(size, 'size', 1, 3, 64)
    const count = voters + checkNumber(observers, 'observers', 0, 0, 64)
    checkPorts(ports, count)
    this.#sessions = new SessionTable(runtime, tickTime, 1, (session) => this.#timeIsOver(session))
    this.#reports = new SessionReports(runtime, tickTime / 2, () => this.#report())
    const host: MemberHost = {
      history: this.#history,
      sessions: this.#sessions,
      quorum: this.#quorum(),
      noticeAfter: checkNumber(noticeAfter, 'noticeAfter', 0, tickTime * 2),
      replicate: (from) => this.#replicate(from),
      changed: () => this.#settle(),
      heard: () => this.#reports.request(),
    }
    const mayReadOnly = checkFlag(readOnlyMode, 'readOnlyMode', false)
    this.members = Array.from({ length: count }, (_, index) => {
      const port = ports?.[index] ?? 0
      return new EmbeddedMember(index + 1, host, runtime, { ...shared, port }, mayReadOnly)
    })
    this.#config = this.#firstConfig(voters)
  }

  /** Starts all members, and resolves when there is a leader. While it stops, it starts once that is done. */
  start(): Promise<this> {
    if (this.#starting !== null) return this.#starting
    const starting = this.#start(this.#stopping)
    this.#starting = starting
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = null
    })
    return starting
  }

  async #start(stopping: Promise<void> | null): Promise<this> {
    await stopping
    this.#groups = [new Set(this.members.map(({ id }) => id))]
    const members = this.members.filter(({ id }) => this.#config.servers.has(id))
    try {
      await Promise.all(members.map((member) => member.start()))
    } catch (error) {
      await Promise.all(this.members.map((member) => member.stop()))
      throw error
    }
    if (this.#history.lastZxid === 0) {
      // Which ports are free is known only now.
      this.#config = this.#firstConfig(this.#config.voters.length)
      for (const member of members) member.configure()
    }
    this.#isStarted = true
    this.#settle()
    return this
  }

  /** Stops all members. May be called any number of times. What was written is there after another start. */
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

  async #stop(starting: Promise<this>): Promise<void> {
    await starting.catch(() => {})
    this.#isStarted = false
    this.#sessions.stop()
    this.#reports.stop()
    this.#leader = null
    await Promise.all(this.members.map((member) => member.stop()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** The connect string of all members, running or not. */
  get hosts(): string {
    return this.members.map((member) => member.hosts).join(',')
  }

  /** The id of the leader; null while there is none. */
  get leader(): number | null {
    return this.#leader
  }

  /** How many transactions are kept for those that lack them. @internal */
  get kept(): number {
    return this.#history.kept
  }

  /** @throws RangeError if there is no such member */
  member(id: number): EmbeddedMember {
    const member = this.members[id - 1]
    if (member === undefined) throw new RangeError(`id must be from 1 to ${this.members.length}, not ${id}`)
    return member
  }

  /** Ends a member's process. The others notice at once, as its sockets close. */
  async stopMember(id: number): Promise<void> {
    await this.member(id).stop()
  }

  /**
   * Starts a member again, on the same port, once it has stopped.
   *
   * @throws Error if the ensemble is not started, or its configuration leaves the member out: a real one would not start either
   */
  async startMember(id: number): Promise<void> {
    const member = this.member(id)
    this.#checkStarted()
    if (!this.#config.servers.has(id)) throw new Error(`member ${id} is not in the configuration`)
    await member.start()
  }

  /**
   * Parts the network among the members; their clients still reach each of them. A member that is cut off from its
   * leader notices after `noticeAfter`, unless it is reached again before.
   *
   * @param groups - ids that reach each other; those in no group reach nobody
   * @throws Error if the ensemble is not started
   */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const id of groups.flat()) this.member(id)
    this.#checkStarted()
    this.#groups = groups.map((ids) => new Set(ids))
    this.#settle()
  }

  /** Lets all members reach each other again. */
  heal(): void {
    this.#groups = [new Set(this.members.map(({ id }) => id))]
    this.#settle()
  }

  /** Lets another member lead: the one named, or the next. All clients are disconnected, as in a real election. */
  changeLeader(id?: number): void {
    const others = this.members.filter((member) => this.#mayLead(member) && member.id !== this.#leader)
    const next = id === undefined ? others[0] : others.find((member) => member.id === id)
    if (next === undefined) throw new RangeError(id === undefined ? 'nobody else can lead' : `${id} cannot lead`)
    this.#lead(next)
  }

  /** Ends a session as if its time were over. False if there is no such session, or no leader with a quorum. */
  expireSession(id: bigint): boolean {
    const session = this.#sessions.find(id)
    return session !== undefined && this.#expire(session)
  }

  /** Closes connections and leaves their sessions alive: all, or the one of a session. How many there were. */
  dropConnections(sessionId?: bigint): number {
    return this.members
      .filter((member) => member.running)
      .reduce((count, { server }) => count + server.dropConnections(sessionId), 0)
  }

  #firstConfig(voters: number): EnsembleConfig {
    // ZooKeeper numbers the first one when its members may change.
    const version = this.#settings.reconfig ? epochSize : 0
    return firstConfig(
      version,
      this.members.map(({ id, host, port }) => ({ id, observer: id > voters, host, port })),
    )
  }

  #quorum(): Quorum {
    const ensemble = this
    return {
      get config() {
        return ensemble.#config
      },
      isSynced: (next) => {
        // An observer that is to vote does not yet, and so counts for nothing.
        const synced = this.members.filter(({ running, connected, observer }) => running && connected && !observer)
        return next.isQuorum(synced.map(({ id }) => id))
      },
      activate: (next) => {
        const before = this.#config
        this.#config = next
        this.#settings.runtime.setImmediate(() => this.#reorganize(before))
      },
    }
  }

  /** Gives the members the parts that a new configuration has for them. */
  #reorganize(before: EnsembleConfig): void {
    const leader = this.#leading()
    if (leader === null) return
    const [old, now] = [before, this.#config].map(({ servers }) => servers.get(leader.id))
    // A leader that moves leaves those behind who follow it.
    const isMoved = old?.host !== now?.host || old?.peerPort !== now?.peerPort
    if (isMoved || !this.#mayLead(leader)) {
      const next = this.members.find((member) => member !== leader && this.#mayLead(member))
      if (next === undefined) this.#settle()
      else this.#lead(next)
      return
    }
    this.#settle()
  }

  #leading(): EmbeddedMember | null {
    return this.#leader === null ? null : this.member(this.#leader)
  }

  #replicate(from: EmbeddedMember): void {
    for (const member of this.members) if (member !== from && member.running) member.schedule()
    // One that is stopped, too, goes on from where it was.
    if (this.#history.kept % forgetInterval !== 0) return
    this.#history.forget(Math.min(...this.members.map(({ applied }) => applied)))
  }

  /** When this process stood still, followers have only now heard of those whose clients did not. */
  #timeIsOver(session: Session): void {
    const { bucket } = session
    this.#report()
    if (session.bucket === bucket) this.#expire(session)
  }

  /** Ends a session, where that can be done now. */
  #expire(session: Session): boolean {
    // One that was made without a quorum is its maker's alone.
    const ender = session.isLocal ? this.members.find(({ database }) => database === session.owner) : this.#leading()
    return ender?.database?.expire(session) ?? false
  }

  /** Followers tell their leader of whom they have heard. Whether it has a quorum does not matter for that. */
  #report(): void {
    const now = this.#settings.runtime.now()
    for (const member of this.members) if (member.isCurrent && this.#reachesLeader(member)) member.report(now)
  }

  /** Brings what all members are in line with who runs, who reaches whom and who leads. To be called when any of that changes. */
  #settle(): void {
    if (!this.#isStarted) return
    const leader = this.#leading()
    if (leader !== null && !this.#isLed(leader)) {
      leader.lookForLeader()
      this.#leader = null
    }
    // Their sockets close.
    for (const member of this.members) {
      if (member.leader !== null && member.isLeftAlone && this.#reach(member.id, member.leader.id))
        member.lookForLeader()
    }
    this.#align()
    if (this.#leader === null) this.#elect()
  }

  /** Gives each its part. Who has lost its leader goes on for a while, as a real one does until it misses the pings. */
  #align(): void {
    const leader = this.#leading()
    const hasQuorum = leader !== null && this.#hasQuorum(leader)
    for (const member of this.members) {
      if (!member.running) continue
      if (hasQuorum && this.#reachesLeader(member)) member.follow(leader)
      else member.cutOff()
    }
  }

  /** Whether it leads for all that it knows: of those who are cut off it has yet to hear, and of those who stopped it has heard. */
  #isLed(leader: EmbeddedMember): boolean {
    const followers = this.members.filter(({ isCurrent }) => isCurrent)
    return (
      leader.isCurrent &&
      this.#config.voters.includes(leader.id) &&
      this.#config.isQuorum(followers.map(({ id }) => id))
    )
  }

  /** Those alone take part who know that there is no leader. */
  #elect(): void {
    const candidates = this.members.filter(({ id, isLooking }) => {
      const others = this.members.filter((other) => other.isLooking && this.#reach(id, other.id))
      return isLooking && this.#config.voters.includes(id) && this.#config.isQuorum(others.map((other) => other.id))
    })
    // Who knows the most leads; among equals, the highest id.
    const [best] = candidates.toSorted((a, b) => a.behind - b.behind || b.id - a.id)
    if (best !== undefined) this.#lead(best)
  }

  #lead(leader: EmbeddedMember): void {
    this.#leader = leader.id
    this.#history.beginEpoch()
    this.#reports.begin()
    // A new leader gives every session its whole time again.
    this.#sessions.stop()
    this.#sessions.start()
    this.#align()
  }

  #mayLead(member: EmbeddedMember): boolean {
    return member.running && this.#config.voters.includes(member.id) && this.#hasQuorum(member)
  }

  /** Those of the configuration that are not members here count as out of reach. */
  #hasQuorum(member: EmbeddedMember): boolean {
    const reached = this.members.filter((other) => other.running && this.#reach(member.id, other.id))
    return this.#config.isQuorum(reached.map(({ id }) => id))
  }

  #reachesLeader(member: EmbeddedMember): boolean {
    return this.#leader !== null && this.#reach(member.id, this.#leader)
  }

  #checkStarted(): void {
    if (this.#starting === null) throw new Error('the ensemble is not started')
  }

  #reach(a: number, b: number): boolean {
    return a === b || this.#groups.some((group) => group.has(a) && group.has(b))
  }
}

function checkPorts(ports: unknown, count: number): void {
  if (ports === undefined) return
  if (!Array.isArray(ports)) throw new TypeError('ports must be an array of numbers')
  if (ports.length !== count) {
    throw new RangeError(`ports must have one port for each of ${count} members, not ${ports.length}`)
  }
  for (const port of ports) checkNumber(port, 'each of ports', 0, 0, 65_535)
}
