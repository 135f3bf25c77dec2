import type { Summary } from '../summary.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { Transaction, TransactionHeader } from '../tree/transaction.ts'
import type { WatchTables } from '../tree/watch-table.ts'

/** What was found on disk, replayed to its end. */
export interface StoredState {
  /** Zxid of the last transaction. */
  readonly lastZxid: number
  readonly watches: WatchTables
  readonly tree: DataTree
  /** Timeouts in milliseconds of the sessions that live on, by their ids. */
  readonly sessions: ReadonlyMap<bigint, number>
  /** What was not as it should be and could be mended, in sentences. */
  readonly notices: readonly string[]
}

/** In bytes. Where snapshots and logs are in one directory, both are of all that is there. */
export interface StorageSizes {
  readonly snapshots: number
  readonly logs: number
}

/** The digest of the tree as it was after a transaction. */
export interface DigestEntry {
  readonly zxid: number
  readonly value: bigint
}

/** Where a server keeps what it acknowledges. */
export interface Storage {
  /** Reads what is there. @throws DataDirectoryError if that cannot be done without losing what was acknowledged */
  load(): Promise<StoredState>
  /** Says who has a session, for snapshots. */
  watchSessions(sessions: () => Iterable<{ readonly id: bigint; readonly timeout: number }>): void
  /** Applies a transaction to the tree that was loaded, and begins to write it down. */
  commit(header: TransactionHeader, transaction: Transaction, applied?: (part: Transaction) => void): void
  /** Whether every transaction so far is on disk. */
  readonly isDurable: boolean
  /** Whether so much waits for the disk that nothing more should be committed before it is durable. */
  readonly isFull: boolean
  /** Calls back, at once if possible, when every transaction so far is on disk; never if that fails. */
  whenDurable(callback: () => void): void
  /** Of every 128th transaction since the start, the oldest first; 1,024 of them at most. */
  readonly digests: readonly DigestEntry[]
  /** How long, in ms, it took to have the log on disk each time, and to write each snapshot. */
  readonly times: { readonly syncs: Summary; readonly snapshots: Summary }
  /** How large the directories are. */
  sizes(): Promise<StorageSizes>
  /** Writes what is left and closes the files. */
  close(): Promise<void>
}
