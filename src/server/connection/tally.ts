import { errorCodes, type ErrorCode } from '../error-codes.ts'
import type { Dispatch } from './dispatch.ts'
import { LastRequest } from './last-request.ts'
import { LatencyMeter } from './latency.ts'
import type { Statistics } from './statistics.ts'

/** What is counted of one connection, and of its server with it. */
export class Tally {
  /** How many frames were received and sent. */
  readonly counts = { received: 0, sent: 0 }
  readonly last = new LastRequest()
  readonly meter: LatencyMeter
  readonly #statistics: Statistics

  constructor(statistics: Statistics) {
    this.#statistics = statistics
    this.meter = new LatencyMeter(statistics)
  }

  /** A request came, or a four-letter word. */
  received(): void {
    this.counts.received++
    this.#statistics.received++
  }

  /** Something was sent that is neither an answer to a request nor an event. */
  sent(): void {
    this.counts.sent++
    this.#statistics.sent++
  }

  /** @param size - in bytes, less those that say so; of the answer, too */
  event(size: number): void {
    this.#statistics.responses.add(size)
    this.#statistics.watchBytes += size
    this.sent()
  }

  answer(size: number, operation: Dispatch | undefined, code: ErrorCode): void {
    if (code === errorCodes.authFailed) this.#statistics.authFailed++
    this.#statistics.responses.add(size)
    this.sent()
    // Authentication is no request that ZooKeeper would measure.
    if (operation?.isAuthentication === true) return
    if (operation?.isWrite === true) this.meter.writes++
    else this.meter.reads++
  }

  /** Notes a request as the last one. */
  note({ isWrite, isAuthentication, shortName }: Dispatch, code: ErrorCode, xid: number, zxid: number): void {
    if (isAuthentication || code === errorCodes.notReadOnly) return
    // What became of a write that failed has no name.
    this.last.note(isWrite && code !== errorCodes.ok ? 'NA' : shortName, xid, zxid, this.meter.since)
  }

  reset(): void {
    this.counts.received = this.counts.sent = 0
    this.last.reset()
    this.meter.latency.reset()
  }
}
