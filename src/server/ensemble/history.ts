import type { HistoryEntry } from '../membership.ts'

/** Transactions of one leader are numbered within its epoch: the epoch is the upper half of a zxid. */
export const epochSize = 0x1_0000_0000

/** The one history that all members of an ensemble share: what was committed, in order. */
export class History {
  readonly entries: HistoryEntry[] = []
  #epoch = 0
  #lastZxid = 0

  get lastZxid(): number {
    return this.#lastZxid
  }

  /** A new leader counts anew. */
  beginEpoch(): void {
    this.#epoch++
  }

  nextZxid(): number {
    const begun = this.#epoch * epochSize
    return Math.max(this.#lastZxid, begun) + 1
  }

  append(entry: HistoryEntry): void {
    this.entries.push(entry)
    this.#lastZxid = entry.header.zxid
  }
}
