import { ProtocolError } from '../../common/errors.ts'
import { Writer } from '../../protocol/writer.ts'
import type { Transaction, TransactionHeader } from '../tree/transaction.ts'
import { adler32, AdlerSums } from './adler32.ts'
import {
  readTransaction,
  writeTransaction,
  type LoggedTransaction,
  type TransactionDigest,
} from './transaction-codec.ts'

/**
 * How transactions stand in a log: an Adler-32 in eight bytes, the length in four, the transaction, and `B` for its end.
 * What follows the last one is zeros.
 */
const endMark = Buffer.from('B')

/** Bytes of an entry beside its transaction. */
const frameSize = 13

/** The least that a transaction can be: a header. */
const leastSize = 32

/** Turns transactions into the bytes of a log. */
export class LogEncoder {
  readonly #body = new Writer(1024)
  readonly #log = new Writer(65_536)

  /** Bytes not taken yet. */
  get pending(): number {
    return this.#log.length
  }

  add(header: TransactionHeader, transaction: Transaction, digest: TransactionDigest | null): void {
    writeTransaction(this.#body, header, transaction, digest)
    const bytes = this.#body.take()
    this.#log.longNumber(adler32(bytes))
    this.#log.buffer(bytes)
    this.#log.raw(endMark)
  }

  take(): Buffer {
    return this.#log.take()
  }
}

/** What stands at a place of a log. */
export type Entry =
  | { readonly kind: 'transaction'; readonly value: LoggedTransaction; readonly next: number }
  /** Zeros, or nothing: here the log ends. */
  | { readonly kind: 'end' }
  /** Bytes are missing: there may be more to be had from the file. */
  | { readonly kind: 'short'; readonly needed: number }
  /** `isWhole`: it has its end mark, so it was written to its end, and is damaged; else it may never have been. */
  | { readonly kind: 'bad'; readonly reason: string; readonly isWhole: boolean }

/** Reads the entry at an offset. */
export function readEntry(bytes: Buffer, offset: number): Entry {
  const available = bytes.length - offset
  if (available === 0) return { kind: 'end' }
  if (available < 12) return isZero(bytes, offset) ? { kind: 'end' } : { kind: 'short', needed: 12 }
  const size = bytes.readInt32BE(offset + 8)
  if (size === 0 && bytes.readBigInt64BE(offset) === 0n) return { kind: 'end' }
  if (size < leastSize) return { kind: 'bad', reason: `impossible length ${size}`, isWhole: false }
  const needed = size + frameSize
  if (available < needed) return { kind: 'short', needed }
  if (bytes[offset + needed - 1] !== endMark[0]) return { kind: 'bad', reason: 'no end mark', isWhole: false }
  const body = bytes.subarray(offset + 12, offset + 12 + size)
  if (bytes.readBigInt64BE(offset) !== BigInt(adler32(body))) {
    return { kind: 'bad', reason: 'wrong checksum', isWhole: true }
  }
  const value = parse(body)
  if (typeof value === 'string') return { kind: 'bad', reason: value, isWhole: true }
  return { kind: 'transaction', value, next: offset + needed }
}

/** A string says why it is none. */
function parse(body: Buffer): LoggedTransaction | string {
  try {
    return readTransaction(body)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return error.message
  }
}

/**
 * Looks behind a damaged place for a transaction that is whole: then the damage is not the torn end of a log, but in the
 * middle of what was acknowledged. Returns its offset, or −1.
 */
export function findWholeEntry(bytes: Buffer, from: number): number {
  let sums: AdlerSums | null = null
  for (let at = from; at + leastSize + frameSize <= bytes.length; at++) {
    // The checksum's upper half is zeros; few places of a damaged log pass this and the end mark.
    if (bytes[at] !== 0 || bytes.readUInt32BE(at) !== 0) continue
    const size = bytes.readInt32BE(at + 8)
    const end = at + 12 + size
    if (size < leastSize || end >= bytes.length || bytes[end] !== endMark[0]) continue
    // What clients have written may look like this from one end to the other: to sum up each anew would take for ever.
    sums ??= new AdlerSums(bytes)
    if (bytes.readUInt32BE(at + 4) !== sums.of(at + 12, end)) continue
    if (typeof parse(bytes.subarray(at + 12, end)) !== 'string') return at
  }
  return -1
}

export function isZero(bytes: Buffer, from: number): boolean {
  for (let i = from; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}
