import type { Runtime } from '../runtime/runtime.ts'
import { makeAuthSchemes, type AuthSchemes } from './auth-schemes.ts'
import { DataTree } from './data-tree.ts'
import type { ServerSettings } from './options.ts'
import { SessionTable, type Session } from './session-table.ts'
import type { Transaction } from './transaction.ts'
import { WatchTables } from './watch-table.ts'

/** What the server knows: the tree, the sessions, the watches, and how far history has come. */
export class Database {
  readonly settings: ServerSettings
  readonly watches = new WatchTables()
  readonly tree: DataTree
  readonly sessions: SessionTable
  readonly schemes: AuthSchemes
  /** Whether writes are refused: sessions then come and go without a transaction. */
  readOnly: boolean
  readonly #runtime: Runtime
  #lastZxid = 0

  constructor(settings: ServerSettings) {
    this.settings = settings
    this.#runtime = settings.runtime
    this.readOnly = settings.readOnly
    this.schemes = makeAuthSchemes(settings)
    this.tree = new DataTree(this.watches)
    this.sessions = new SessionTable(settings.runtime, settings.tickTime, 1, (session) => this.expire(session))
  }

  /** Zxid of the last transaction. */
  get lastZxid(): number {
    return this.#lastZxid
  }

  /** Gives a transaction the next zxid and applies it; watches are told before this returns. */
  commit(sessionId: bigint, xid: number, transaction: Transaction, applied?: (part: Transaction) => void): void {
    const zxid = ++this.#lastZxid
    this.tree.apply({ sessionId, xid, zxid, time: Math.floor(this.#runtime.wallClock()) }, transaction, applied)
  }

  openSession(timeout: number): Session {
    const session = this.sessions.create(timeout)
    if (!this.readOnly) this.commit(session.id, 0, { type: 'createSession', timeout })
    return session
  }

  /** Ends a session, and deletes its ephemerals; its connection is the caller's to close. */
  closeSession(session: Session, xid: number): void {
    this.sessions.remove(session)
    if (this.readOnly) return
    const paths = [...(this.tree.ephemerals.get(session.id) ?? [])]
    this.commit(session.id, xid, { type: 'closeSession', paths })
  }

  expire(session: Session): void {
    this.closeSession(session, 0)
    session.connection?.close()
  }
}
