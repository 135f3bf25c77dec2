import { Latency, LatencyHistogram, type Latencies } from './latency.ts'

/** What a server counts. */
export class Statistics implements Latencies {
  received = 0
  sent = 0
  bytesReceived = 0
  rejected = 0
  authFailed = 0
  traceMask = 306n
  /** From the arrival of a request to the sending of its answer. */
  readonly all = new Latency()
  readonly reads = new LatencyHistogram()
  readonly writes = new LatencyHistogram()

  /** What `srst` starts anew. */
  reset(): void {
    this.received = this.sent = this.bytesReceived = 0
    for (const latency of [this.all, this.reads, this.writes]) latency.reset()
  }
}
