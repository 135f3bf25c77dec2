import { Summary } from '../summary.ts'

/** What took longer counts as this, for percentiles. */
const mostMilliseconds = 1023

/** Latencies that percentiles can be had of. */
export class LatencyHistogram extends Summary {
  /** How many took so many whole milliseconds. */
  readonly #counts = new Uint32Array(mostMilliseconds + 1)

  override add(ms: number, count = 1): void {
    super.add(ms, count)
    this.#counts[Math.min(Math.floor(ms), mostMilliseconds)]! += count
  }

  /** In whole milliseconds: so many at most took this share of the requests, between 0 and 1. */
  percentile(share: number): number {
    let left = this.count * share
    for (let ms = 0; ms < mostMilliseconds; ms++) {
      left -= this.#counts[ms]!
      if (left <= 0) return ms
    }
    return mostMilliseconds
  }

  override reset(): void {
    super.reset()
    this.#counts.fill(0)
  }
}

/** Requests of one connection that are answered in one piece. */
export interface AnsweredBatch {
  readonly reads: number
  readonly writes: number
  /** When they had come in, in ms of the monotonic clock. */
  readonly since: number
}

/** The latencies of a server. */
export interface Latencies {
  readonly all: Summary
  readonly reads: LatencyHistogram
  readonly writes: LatencyHistogram
}

/** Measures the latencies of one connection: once for all requests that came in together, and are answered together. */
export class LatencyMeter {
  readonly latency = new Summary()
  /** When what is answered now had come in, in ms of the monotonic clock. */
  since = 0
  reads = 0
  writes = 0
  readonly #latencies: Latencies

  constructor(latencies: Latencies) {
    this.#latencies = latencies
  }

  /** What was answered since the last call; null for nothing. */
  take(): AnsweredBatch | null {
    const { reads, writes, since } = this
    if (reads + writes === 0) return null
    this.reads = this.writes = 0
    return { reads, writes, since }
  }

  /** Their answer is on its way. */
  sent({ reads, writes, since }: AnsweredBatch, now: number): void {
    const ms = Math.max(0, now - since)
    this.latency.add(ms, reads + writes)
    this.#latencies.all.add(ms, reads + writes)
    if (reads > 0) this.#latencies.reads.add(ms, reads)
    if (writes > 0) this.#latencies.writes.add(ms, writes)
  }
}
