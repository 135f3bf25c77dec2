import type { HistoryEntry } from '../membership.ts'

/** Transactions of one leader are numbered within its epoch: the epoch is the upper half of a zxid. */
export const epochSize = 0x1_0000_0000

/** A transaction that the ensemble has committed. */
export interface CommittedEntry extends HistoryEntry {
  /** When, on the monotonic clock. */
  readonly committedAt: number
}

/** The one history that all members of an ensemble share: what was committed, in order, as far as somebody lacks it. */
export class History {
  readonly #entries: CommittedEntry[] = []
  #forgotten = 0
  #epoch = 0
  #lastZxid = 0

  get lastZxid(): number {
    return this.#lastZxid
  }

  /** How many leaders there were. */
  get epoch(): number {
    return this.#epoch
  }

  /** How many transactions there were. */
  get length(): number {
    return this.#forgotten + this.#entries.length
  }

  /** How many of them are still here. */
  get kept(): number {
    return this.#entries.length
  }

  /** Undefined behind the last one, and for what is forgotten. */
  at(index: number): CommittedEntry | undefined {
    return this.#entries[index - this.#forgotten]
  }

  /** A new leader counts anew. */
  beginEpoch(): void {
    this.#epoch++
  }

  nextZxid(): number {
    const begun = this.#epoch * epochSize
    return Math.max(this.#lastZxid, begun) + 1
  }

  append({ header, transaction }: HistoryEntry, committedAt: number): void {
    this.#entries.push({ header, transaction, committedAt })
    this.#lastZxid = header.zxid
  }

  /** Drops what is before, which every member has applied. */
  forget(before: number): void {
    this.#entries.splice(0, before - this.#forgotten)
    this.#forgotten = Math.max(this.#forgotten, before)
  }
}
