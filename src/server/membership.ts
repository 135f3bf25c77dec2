import type { EnsembleConfig } from './reconfig/ensemble-config.ts'
import type { Session } from './session-table.ts'
import type { Transaction, TransactionHeader } from './tree/transaction.ts'

/** A transaction and its place in history. */
export interface HistoryEntry {
  readonly header: TransactionHeader
  readonly transaction: Transaction
}

/** What the members of an ensemble have in common: who they are, and how that changes. */
export interface Quorum {
  readonly config: EnsembleConfig
  /** Whether enough of those that would vote follow the leader already. */
  isSynced(next: EnsembleConfig): boolean
  /** A configuration was committed: who votes, follows or leads is as it says, once the answer is out. */
  activate(next: EnsembleConfig): void
}

/** What a server's place among others decides. One that stands alone decides it all by itself. */
export interface Membership {
  /** Its number in the ensemble, from 1 on; 0 for one that stands alone. */
  readonly id: number
  readonly role: 'standalone' | 'leader' | 'follower' | 'observer'
  /** Whether clients are served at all; without a quorum they are not, or for reading only. */
  readonly serving: boolean
  /** Whether there is a leader with a quorum, and it can be reached. */
  readonly connected: boolean
  /** Null for a server that stands alone: it has no members to change. */
  readonly quorum: Quorum | null
  /** A session's client was heard of. Whether that counts at once; a follower tells its leader later, if it can. */
  hears(session: Session, timeout: number): boolean
  /** Brings the database up to date, so that a write finds what the leader would. False if that cannot be done now. */
  catchUp(): boolean
  /** The zxid of the next transaction. */
  nextZxid(lastZxid: number): number
  /** A transaction was applied here first. */
  committed(entry: HistoryEntry): void
}

export const standalone: Membership = {
  id: 0,
  role: 'standalone',
  serving: true,
  connected: true,
  quorum: null,
  hears: () => true,
  catchUp: () => true,
  nextZxid: (lastZxid) => lastZxid + 1,
  committed: () => {},
}
