import { Sizes } from '../sizes.ts'
import { Summary } from '../summary.ts'
import { LatencyHistogram, type Latencies } from './latency.ts'

/** What a server counts. */
export class Statistics implements Latencies {
  received = 0
  sent = 0
  bytesReceived = 0
  rejected = 0
  /** Connections that ended without the server's doing. */
  dropped = 0
  /** Of answers and events, without what says how long they are. */
  readonly responses = new Sizes()
  /** Of events. */
  watchBytes = 0
  authFailed = 0
  traceMask = 306n
  /** From the arrival of a request to the sending of its answer. */
  readonly all = new Summary()
  readonly reads = new LatencyHistogram()
  readonly writes = new LatencyHistogram()

  /** What `srst` starts anew. */
  reset(): void {
    this.received = this.sent = this.bytesReceived = this.rejected = this.dropped = this.watchBytes = 0
    this.responses.reset()
    for (const latency of [this.all, this.reads, this.writes]) latency.reset()
  }
}
