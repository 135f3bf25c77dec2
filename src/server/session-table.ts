import type { Runtime, Timer } from '../runtime/runtime.ts'

/** What a session needs of the connection that serves it. */
export interface SessionConnection {
  /** Of the server that it is connected to. */
  readonly database: object
  /** The session was taken up at another server: what keeps it alive says nothing of this connection any more. */
  movedAway(): void
  /** Ends the connection: its session is over, or served by another connection. */
  close(): void
}

export interface Session {
  readonly id: bigint
  /** Milliseconds, as negotiated when it began. */
  readonly timeout: number
  /** Made without a quorum: the server that made it knows it, and nobody else, nor does it itself once it has one. */
  readonly isLocal: boolean
  /** More than one where the session has moved from one member of an ensemble to another. */
  readonly connections: Set<SessionConnection>
  /** The database of the server that the session was taken up at last. */
  owner: object | null
  /** The tick at whose end it expires. */
  bucket: number
  /** Its time is over, and nobody could end it yet. */
  isOverdue: boolean
}

/**
 * The sessions and when they expire. Time goes by in ticks, as in ZooKeeper: a session lives to the end of the tick in
 * which its timeout passes, so touching one costs nothing most of the time.
 */
export class SessionTable {
  readonly #runtime: Runtime
  readonly #tickTime: number
  readonly #onExpired: (session: Session) => void
  readonly #sessions = new Map<bigint, Session>()
  readonly #buckets = new Map<number, Set<Session>>()
  #nextId: bigint
  #lastTick: number
  #timer: Timer | null = null
  #running = false
  /** How many have expired. */
  expired = 0

  /**
   * @param tickTime - milliseconds
   * @param onExpired - called for each session whose time is over; it is to end in {@link remove} or {@link touch}, and is called
   *   again a tick later where it does not
   */
  constructor(runtime: Runtime, tickTime: number, serverId: number, onExpired: (session: Session) => void) {
    this.#runtime = runtime
    this.#tickTime = tickTime
    this.#onExpired = onExpired
    // The server's number on top, then the clock: ids do not come again after a restart. Servers that start in the same
    // millisecond, as in tests, are told apart by chance.
    const clock = (BigInt(Math.floor(runtime.wallClock())) << 16n) | BigInt(Math.floor(runtime.random() * 0x1_0000))
    this.#nextId = (BigInt(serverId) << 56n) | BigInt.asUintN(56, clock)
    this.#lastTick = this.#tickOf(runtime.now())
  }

  get size(): number {
    return this.#sessions.size
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values()
  }

  find(id: bigint): Session | undefined {
    return this.#sessions.get(id)
  }

  create(timeout: number, isLocal = false): Session {
    const id = this.#nextId++
    return this.track(id, timeout, isLocal)
  }

  /** Takes up a session that exists: one that another server, or this one in an earlier life, had made. */
  track(id: bigint, timeout: number, isLocal = false): Session {
    const session: Session = { id, timeout, isLocal, connections: new Set(), owner: null, bucket: -1, isOverdue: false }
    this.#sessions.set(id, session)
    this.touch(session, timeout, this.#runtime.now())
    return session
  }

  /** @param timeout - of the connection: a reconnect may have negotiated another than the session has */
  touch(session: Session, timeout: number, now: number): void {
    if (session.isOverdue) return
    const bucket = Math.floor((now + timeout) / this.#tickTime) + 1
    if (bucket !== session.bucket) this.#move(session, bucket)
  }

  #move(session: Session, bucket: number): void {
    this.#buckets.get(session.bucket)?.delete(session)
    session.bucket = bucket
    const sessions = this.#buckets.get(bucket)
    if (sessions === undefined) this.#buckets.set(bucket, new Set([session]))
    else sessions.add(session)
    this.#schedule()
  }

  remove(session: Session): void {
    this.#sessions.delete(session.id)
    this.#buckets.get(session.bucket)?.delete(session)
  }

  /** Starts the clock; every session has its whole timeout again, as after a restart of ZooKeeper. */
  start(): void {
    this.#running = true
    const now = this.#runtime.now()
    this.#lastTick = this.#tickOf(now)
    for (const session of this.#sessions.values()) {
      session.isOverdue = false
      this.touch(session, session.timeout, now)
    }
    this.#schedule()
  }

  stop(): void {
    this.#running = false
    this.#timer?.cancel()
    this.#timer = null
  }

  /** When the sessions expire that are asked for: ticks of `tickTime` on the monotonic clock, in order. */
  expirations(includes: (session: Session) => boolean = () => true): [time: number, sessions: readonly Session[]][] {
    return [...this.#buckets]
      .map(([bucket, sessions]): [number, Session[]] => [bucket * this.#tickTime, [...sessions].filter(includes)])
      .filter(([, sessions]) => sessions.length > 0)
      .toSorted(([a], [b]) => a - b)
  }

  #tickOf(time: number): number {
    return Math.floor(time / this.#tickTime)
  }

  #schedule(): void {
    if (!this.#running || this.#timer !== null || this.#sessions.size === 0) return
    const now = this.#runtime.now()
    const delay = (this.#tickOf(now) + 1) * this.#tickTime - now
    // Input that waited while the process was busy, or stopped in a debugger, is read first: it may touch the session.
    this.#timer = this.#runtime.setTimer(Math.max(1, Math.ceil(delay)), () => {
      this.#timer = this.#runtime.setImmediate(() => {
        this.#timer = null
        this.#expire()
        this.#schedule()
      })
    })
  }

  #expire(): void {
    const tick = this.#tickOf(this.#runtime.now())
    for (let bucket = this.#lastTick; bucket <= tick; bucket++) {
      const sessions = this.#buckets.get(bucket)
      if (sessions === undefined) continue
      this.#buckets.delete(bucket)
      for (const session of sessions) {
        this.#onExpired(session)
        if (!this.#sessions.has(session.id)) this.expired++
        else if (session.bucket === bucket) {
          session.isOverdue = true
          this.#move(session, tick + 1)
        }
      }
    }
    this.#lastTick = tick
  }
}
