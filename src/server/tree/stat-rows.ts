import { statSize } from '../../protocol/stat.ts'
import type { Writer } from '../../protocol/writer.ts'

/**
 * The `Stat` of every znode, kept as the bytes that go out on the wire. A reply copies them; and a million znodes cost the
 * garbage collector nothing, where a million objects with eleven fields each would.
 *
 * Behind the 68 bytes of the wire a row holds what clients do not see: the raw counter of creates, which sequential
 * names come from (clients see `2 × creates − children` as `cversion`), and the raw owner, which marks containers and
 * TTL znodes (clients see 0 since ZOOKEEPER-2901).
 */
export const rowSize = statSize + 12

const rowsPerPage = 1024

/** Where the fields of a row start. */
export const rowOffsets = {
  czxid: 0,
  mzxid: 8,
  ctime: 16,
  mtime: 24,
  version: 32,
  cversion: 36,
  aversion: 40,
  ephemeralOwner: 44,
  dataLength: 52,
  numChildren: 56,
  pzxid: 60,
  creates: 68,
  owner: 72,
} as const

/** Hands out rows in pages, and takes them back. */
export class StatRows {
  #page = newPage()
  #used = 0
  readonly #freePages: DataView[] = []
  readonly #freeOffsets: number[] = []

  /** The page of the row that {@link take} returned last. */
  page: DataView = this.#page

  /** Takes a row, all zero, in {@link page}; returns its offset there. */
  take(): number {
    const reused = this.#freeOffsets.pop()
    if (reused !== undefined) {
      this.page = this.#freePages.pop()!
      clear(this.page, reused)
      return reused
    }
    if (this.#used === rowsPerPage) {
      this.#page = newPage()
      this.#used = 0
    }
    this.page = this.#page
    return this.#used++ * rowSize
  }

  release(page: DataView, offset: number): void {
    this.#freePages.push(page)
    this.#freeOffsets.push(offset)
  }
}

function newPage(): DataView {
  return new DataView(new ArrayBuffer(rowsPerPage * rowSize))
}

function clear(page: DataView, offset: number): void {
  for (let i = 0; i < rowSize; i += 4) page.setInt32(offset + i, 0)
}

/** Writes the 68 bytes that clients see. */
export function writeRow(writer: Writer, page: DataView, offset: number): void {
  for (let i = 0; i < statSize; i += 4) writer.int(page.getInt32(offset + i))
}

/** A 64-bit value as a number: zxids and times are exact up to 2^53. */
export function readLong(page: DataView, offset: number): number {
  return page.getInt32(offset) * 0x1_0000_0000 + page.getUint32(offset + 4)
}

export function writeLong(page: DataView, offset: number, value: number): void {
  page.setInt32(offset, Math.floor(value / 0x1_0000_0000))
  page.setUint32(offset + 4, value >>> 0)
}
