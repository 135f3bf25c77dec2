import type { Transaction, TransactionHeader } from './tree/transaction.ts'

/** A transaction and its place in history. */
export interface HistoryEntry {
  readonly header: TransactionHeader
  readonly transaction: Transaction
}

/** What a server's place among others decides. One that stands alone decides it all by itself. */
export interface Membership {
  readonly role: 'standalone' | 'leader' | 'follower' | 'observer'
  /** Whether clients are served at all; without a quorum they are not, or for reading only. */
  readonly serving: boolean
  /** Whether the leader can be reached: only then do pings keep a session alive. */
  readonly connected: boolean
  /** Brings the database up to date, so that a write finds what the leader would. False if that cannot be done now. */
  catchUp(): boolean
  /** The zxid of the next transaction. */
  nextZxid(lastZxid: number): number
  /** A transaction was applied here first. */
  committed(entry: HistoryEntry): void
}

export const standalone: Membership = {
  role: 'standalone',
  serving: true,
  connected: true,
  catchUp: () => true,
  nextZxid: (lastZxid) => lastZxid + 1,
  committed: () => {},
}
