import type { ConnectionView } from '../commands/source.ts'
import type { Database } from '../database.ts'
import type { Faults } from '../faults.ts'
import type { Backlog } from './backlog.ts'
import type { FlushQueue } from './flush-queue.ts'
import type { Statistics } from './statistics.ts'

/** What a connection asks of the server it belongs to. */
export interface ConnectionHost {
  readonly database: Database
  readonly faults: Faults
  readonly statistics: Statistics
  readonly flushes: FlushQueue
  readonly backlog: Backlog
  /** Answers a four-letter word, which came by this connection. */
  command(word: string, argument: Buffer, asker: ConnectionView): string | Promise<string>
}
