import type { Timer } from '../../runtime/runtime.ts'
import { checkFlag, checkNumber } from '../option-checks.ts'
import type { Quorum } from '../membership.ts'
import { checkServerOptions, type EmbeddedServerOptions, type ServerSettings } from '../options.ts'
import type { EnsembleConfig } from '../reconfig/ensemble-config.ts'
import { SessionTable } from '../session-table.ts'
import { EnsembleMember } from './ensemble-member.ts'
import { firstConfig } from './first-config.ts'
import { epochSize, History } from './history.ts'

/** Options of {@link EmbeddedEnsemble}: its own, and those of each member. */
export interface EmbeddedEnsembleOptions extends Omit<
  EmbeddedServerOptions,
  'port' | 'securePort' | 'readOnly' | 'dataDir'
> {
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

/** Options of a server that stands alone: members share neither a port nor a directory. */
const notForMembers = ['port', 'securePort', 'readOnly', 'dataDir', 'dataLogDir'] as const

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
  readonly members: readonly EnsembleMember[]
  readonly #settings: ServerSettings
  readonly #history = new History()
  readonly #sessions: SessionTable
  readonly #noticeAfter: number
  #config: EnsembleConfig
  #leader: number | null = null
  /** Which members reach each other; those of no group reach nobody. */
  #groups: readonly ReadonlySet<number>[] = []
  #starting: Promise<this> | null = null
  #noticing: Timer | null = null

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
    this.#noticeAfter = checkNumber(noticeAfter, 'noticeAfter', 0, tickTime * 2)
    this.#sessions = new SessionTable(runtime, tickTime, 1, (session) => {
      const leader = this.#leading()
      if (leader?.connected === true) leader.database?.expire(session)
    })
    const host = {
      history: this.#history,
      sessions: this.#sessions,
      quorum: this.#quorum(),
      replicate: (from: EnsembleMember) => this.#replicate(from),
    }
    const mayReadOnly = checkFlag(readOnlyMode, 'readOnlyMode', false)
    this.members = Array.from({ length: count }, (_, index) => {
      const port = ports?.[index] ?? 0
      return new EnsembleMember(index + 1, host, runtime, { ...shared, port }, mayReadOnly)
    })
    this.#config = this.#firstConfig(voters)
  }

  /** Starts all members, and resolves when there is a leader. */
  start(): Promise<this> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<this> {
    this.#groups = [new Set(this.members.map(({ id }) => id))]
    const members = this.members.filter(({ id }) => this.#config.servers.has(id))
    try {
      await Promise.all(members.map((member) => member.start()))
    } catch (error) {
      this.#starting = null
      await Promise.all(this.members.map((member) => member.stop()))
      throw error
    }
    if (this.#history.lastZxid === 0) {
      // Which ports are free is known only now.
      this.#config = this.#firstConfig(this.#config.voters.length)
      for (const member of members) member.configure()
    }
    this.#elect()
    return this
  }

  /** Stops all members. May be called any number of times. */
  async stop(): Promise<void> {
    if (this.#starting === null) return
    await this.#starting.catch(() => {})
    this.#starting = null
    this.#noticing?.cancel()
    this.#sessions.stop()
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

  /** @throws RangeError if there is no such member */
  member(id: number): EnsembleMember {
    const member = this.members[id - 1]
    if (member === undefined) throw new RangeError(`id must be from 1 to ${this.members.length}, not ${id}`)
    return member
  }

  /** Ends a member's process. The others notice at once, as its sockets close. */
  async stopMember(id: number): Promise<void> {
    const member = this.member(id)
    await member.stop()
    this.#settle()
  }

  /**
   * Starts a member again, on the same port.
   *
   * @throws Error if the configuration leaves it out: a real one would not start either
   */
  async startMember(id: number): Promise<void> {
    const member = this.member(id)
    if (!this.#config.servers.has(id)) throw new Error(`member ${id} is not in the configuration`)
    await member.start()
    this.#settle()
  }

  /**
   * Parts the network among the members; their clients still reach each of them. A member that is cut off from its
   * leader notices after `noticeAfter`.
   *
   * @param groups - ids that reach each other; those in no group reach nobody
   */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const id of groups.flat()) this.member(id)
    this.#groups = groups.map((ids) => new Set(ids))
    this.#cutOff()
  }

  /** Lets all members reach each other again. */
  heal(): void {
    this.#groups = [new Set(this.members.map(({ id }) => id))]
    this.#noticing?.cancel()
    this.#noticing = null
    for (const member of this.members) if (member.running && this.#reachesLeader(member)) member.reconnect()
    this.#settle()
  }

  /** Lets another member lead: the one named, or the next. All clients are disconnected, as in a real election. */
  changeLeader(id?: number): void {
    const others = this.members.filter((member) => this.#mayLead(member) && member.id !== this.#leader)
    const next = id === undefined ? others[0] : others.find((member) => member.id === id)
    if (next === undefined) throw new RangeError(id === undefined ? 'nobody else can lead' : `${id} cannot lead`)
    this.#lead(next)
  }

  /** Ends a session as if its time were over. False if there is no such session, or no leader. */
  expireSession(id: bigint): boolean {
    const session = this.#sessions.find(id)
    const database = this.#leading()?.database
    if (session === undefined || database === null || database === undefined) return false
    database.expire(session)
    return true
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
    // The others hear of it when they reach the leader again.
    for (const member of this.members) if (this.#reachesLeader(member)) this.#settleMember(member)
  }

  #leading(): EnsembleMember | null {
    return this.#leader === null ? null : this.member(this.#leader)
  }

  #replicate(from: EnsembleMember): void {
    for (const member of this.members) if (member !== from && member.running) member.schedule()
  }

  /** Members that lost their leader go on for a while, as a real one does until it misses its pings. */
  #cutOff(): void {
    const leader = this.#leading()
    const isLed = leader !== null && this.#hasQuorum(leader)
    for (const member of this.members) {
      if (member.running && !(isLed && this.#reachesLeader(member))) member.cutOff()
    }
    this.#noticing?.cancel()
    this.#noticing = this.#settings.runtime.setTimer(this.#noticeAfter, () => {
      this.#noticing = null
      this.#settle()
    })
  }

  /** Brings the members' roles in line with who runs and who reaches whom. */
  #settle(): void {
    const leader = this.#leading()
    if (leader === null || !this.#mayLead(leader)) {
      this.#leader = null
      this.#sessions.stop()
      for (const member of this.members) {
        if (member.running && member.role !== 'looking' && member.role !== 'read-only') member.lookForLeader()
      }
      this.#elect()
      return
    }
    for (const member of this.members) this.#settleMember(member)
  }

  #settleMember(member: EnsembleMember): void {
    if (!member.running || member.id === this.#leader) return
    if (this.#reachesLeader(member)) {
      if (member.role !== this.#roleOf(member)) member.join(this.#roleOf(member))
    } else if (member.role !== 'looking' && member.role !== 'read-only') {
      member.lookForLeader()
    }
  }

  /** What a member is that does not lead. */
  #roleOf({ observer }: EnsembleMember): 'follower' | 'observer' {
    return observer ? 'observer' : 'follower'
  }

  #elect(): void {
    const candidates = this.members.filter((member) => this.#mayLead(member))
    // Who knows the most leads; among equals, the highest id.
    const [best] = candidates.toSorted((a, b) => a.behind - b.behind || b.id - a.id)
    if (best !== undefined) this.#lead(best)
  }

  #lead(leader: EnsembleMember): void {
    this.#leader = leader.id
    this.#history.beginEpoch()
    for (const member of this.members) {
      if (!member.running || !this.#reachesLeader(member)) continue
      member.join(member === leader ? 'leader' : this.#roleOf(member))
    }
    // A new leader gives every session its whole time again.
    this.#sessions.stop()
    this.#sessions.start()
  }

  #mayLead(member: EnsembleMember): boolean {
    return member.running && this.#config.voters.includes(member.id) && this.#hasQuorum(member)
  }

  /** Those of the configuration that are not members here count as out of reach. */
  #hasQuorum(member: EnsembleMember): boolean {
    const reached = this.members.filter((other) => other.running && this.#reach(member.id, other.id))
    return this.#config.isQuorum(reached.map(({ id }) => id))
  }

  #reachesLeader(member: EnsembleMember): boolean {
    return this.#leader !== null && this.#reach(member.id, this.#leader)
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
