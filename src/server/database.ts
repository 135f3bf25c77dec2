import type { Runtime } from '../runtime/runtime.ts'
import { makeAuthSchemes, type AuthSchemes } from './access/auth-schemes.ts'
import { configPath, DataTree } from './tree/data-tree.ts'
import { standalone, type HistoryEntry, type Membership } from './membership.ts'
import type { ServerSettings } from './options.ts'
import type { EnsembleConfig } from './reconfig/ensemble-config.ts'
import { SessionTable, type Session, type SessionConnection } from './session-table.ts'
import { Sizes } from './sizes.ts'
import { proposalSize } from './storage/proposal-size.ts'
import type { Storage, StoredState } from './storage/storage.ts'
import type { Transaction, TransactionHeader } from './tree/transaction.ts'
import { WatchTables } from './tree/watch-table.ts'

/** A storage, and what was found in it. */
export interface Stored {
  readonly storage: Storage
  readonly state: StoredState
}

/** What the server knows: the tree, the sessions, the watches, and how far history has come. */
export class Database {
  readonly settings: ServerSettings
  readonly membership: Membership
  readonly watches: WatchTables
  readonly tree: DataTree
  readonly sessions: SessionTable
  readonly schemes: AuthSchemes
  /** Null for a server in memory. */
  readonly storage: Storage | null
  /** Whether writes are refused: sessions then come and go without a transaction. */
  readOnly: boolean
  /** What this server has proposed as a leader. */
  readonly proposals = new Sizes()
  readonly #runtime: Runtime
  readonly #sharesSessions: boolean
  #lastZxid: number

  /**
   * @param sessions - those of the ensemble, which all members share; its own by default
   * @param stored - where it keeps what it acknowledges, and what was there; nothing by default
   */
  constructor(
    settings: ServerSettings,
    membership: Membership = standalone,
    sessions?: SessionTable,
    stored: Stored | null = null,
  ) {
    this.settings = settings
    this.membership = membership
    this.#sharesSessions = sessions !== undefined
    this.#runtime = settings.runtime
    this.readOnly = settings.readOnly
    this.schemes = makeAuthSchemes(settings)
    this.storage = stored?.storage ?? null
    this.watches = stored?.state.watches ?? new WatchTables()
    this.tree = stored?.state.tree ?? new DataTree(this.watches)
    this.#lastZxid = stored?.state.lastZxid ?? 0
    this.sessions =
      sessions ?? new SessionTable(settings.runtime, settings.tickTime, 1, (session) => this.expire(session))
    for (const [id, timeout] of stored?.state.sessions ?? []) this.sessions.track(id, timeout)
    this.storage?.watchSessions(() => this.sessions.values())
  }

  /** Zxid of the last transaction. */
  get lastZxid(): number {
    return this.#lastZxid
  }

  /** Zxid of the next transaction. */
  get nextZxid(): number {
    return this.membership.nextZxid(this.#lastZxid)
  }

  /** Gives a transaction the next zxid and applies it; watches are told before this returns. */
  commit(sessionId: bigint, xid: number, transaction: Transaction, applied?: (part: Transaction) => void): void {
    const zxid = this.nextZxid
    const header = { sessionId, xid, zxid, time: Math.floor(this.#runtime.wallClock()) }
    this.#lastZxid = zxid
    if (this.storage === null) this.tree.apply(header, transaction, applied)
    else this.storage.commit(header, transaction, applied)
    this.#propose(header, transaction)
    this.membership.committed({ header, transaction })
  }

  /** Applies what another member has committed; watches are told before this returns. */
  replay({ header, transaction }: HistoryEntry): void {
    this.#lastZxid = header.zxid
    this.tree.apply(header, transaction)
    this.#propose(header, transaction)
  }

  /** In an ensemble all writes go by the leader, whoever was asked for them. */
  #propose(header: TransactionHeader, transaction: Transaction): void {
    if (this.membership.role === 'leader') this.proposals.add(proposalSize(header, transaction))
  }

  /** Takes up the configuration of its ensemble, of which no transaction tells. */
  configure(config: EnsembleConfig): void {
    const header = { sessionId: 0n, xid: 0, zxid: config.version, time: Math.floor(this.#runtime.wallClock()) }
    const data = Buffer.from(config.toString())
    this.tree.apply(header, { type: 'setData', path: configPath, data, version: -1 })
  }

  /** Starts the clock by which sessions expire, unless an ensemble keeps it; all have their whole time again. */
  startSessions(): void {
    if (!this.#sharesSessions) this.sessions.start()
  }

  stopSessions(): void {
    if (!this.#sharesSessions) this.sessions.stop()
  }

  /** A session's client was heard of. It counts once the leader has heard of it, too. */
  touch(session: Session, timeout: number, now: number): void {
    if (this.membership.hears(session, timeout)) this.sessions.touch(session, timeout, now)
  }

  openSession(timeout: number): Session {
    const session = this.sessions.create(timeout, this.readOnly)
    if (!this.readOnly) {
      this.membership.catchUp()
      this.commit(session.id, 0, { type: 'createSession', timeout })
    }
    return session
  }

  /**
   * Ends a session, deletes its ephemerals and ends its connections here; other members do so when they hear of it.
   *
   * @param asker - the connection that asked for it, which ends with the answer
   */
  closeSession(session: Session, xid: number, asker: SessionConnection | null): void {
    this.sessions.remove(session)
    if (!this.readOnly && !session.isLocal) {
      const paths = [...(this.tree.ephemerals.get(session.id) ?? [])]
      this.commit(session.id, xid, { type: 'closeSession', paths })
    }
    for (const connection of session.connections) {
      if (connection !== asker && connection.database === this) connection.close()
    }
  }

  /**
   * Ends a session as if its time were over. False where no leader could. Without a quorum no time goes by for it, and it has all
   * of it again once there is one; what was made without a quorum ends without one.
   */
  expire(session: Session): boolean {
    // What others have committed comes before: this one would take its place.
    if (!this.membership.catchUp() && !session.isLocal) return false
    if (this.readOnly && !session.isLocal) {
      this.sessions.touch(session, session.timeout, this.#runtime.now())
      return false
    }
    this.closeSession(session, 0, null)
    return true
  }
}
