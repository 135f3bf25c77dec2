import type { Database } from '../database.ts'
import type { ServerSettings } from '../options.ts'
import type { Statistics } from '../connection/statistics.ts'
import type { Tally } from '../connection/tally.ts'

/** What is shown of a connection. */
export interface ConnectionView {
  /** `/127.0.0.1:50123` */
  readonly remote: string
  readonly sessionId: bigint | null
  /** How many requests are not answered yet. */
  readonly queued: number
  /** Milliseconds since 1970. */
  readonly established: number
  /** Milliseconds, as negotiated. */
  readonly timeout: number
  /** When its last bytes came, on the monotonic clock. */
  readonly heardAt: number
  readonly tally: Tally
}

/** What the words are answered from. */
export interface CommandSource {
  readonly settings: ServerSettings
  readonly database: Database
  readonly statistics: Statistics
  readonly connections: Iterable<ConnectionView>
  readonly connectionCount: number
  /** The one that asks. */
  readonly asker: ConnectionView
  readonly port: number
  readonly securePort: number | null
  /** When the server started, on the monotonic clock. */
  readonly startedAt: number
}

/** A session id as Java shows a long in hexadecimal. */
export function hex(value: bigint | null): string {
  return `0x${BigInt.asUintN(64, value ?? 0n).toString(16)}`
}
