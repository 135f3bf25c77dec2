import { deflateSync } from 'node:zlib'

/** Start of an Adler-32 checksum: that of no bytes. */
export const adlerStart = 1

const modulus = 65_521

/** The most bytes that can be summed before the sums pass 2^32. */
const stretch = 5552

/** From so many bytes on, `node:zlib` is the faster. */
const large = 4096

/** So many bytes are given to `node:zlib` at once. */
const piece = 1024 * 1024

/**
 * The Adler-32 of bytes that follow those whose checksum is `sum`. Logs and snapshots are sealed with it.
 */
export function adler32(bytes: Uint8Array, sum: number = adlerStart): number {
  if (bytes.length < large) return sumUp(bytes, sum)
  let total = sum
  for (let i = 0; i < bytes.length; i += piece) {
    const part = bytes.subarray(i, i + piece)
    total = combine(total, ofLarge(part), part.length)
  }
  return total
}

function sumUp(bytes: Uint8Array, sum: number): number {
  let a = sum & 0xffff
  let b = sum >>> 16
  const { length } = bytes
  for (let i = 0; i < length;) {
    const end = Math.min(i + stretch, length)
    for (; i < end; i++) {
      a += bytes[i]!
      b += a
    }
    a %= modulus
    b %= modulus
  }
  return ((b << 16) | a) >>> 0
}

/**
 * `node:zlib` computes the checksum many times faster than JavaScript, and keeps it to itself: but it stands at the end of
 * what it compresses, which without any compression (level 0) is no more than a copy.
 */
function ofLarge(bytes: Uint8Array): number {
  const stored = deflateSync(bytes, { level: 0, chunkSize: bytes.length + 1024 })
  return stored.readUInt32BE(stored.length - 4)
}

/** So many bytes apart are the sums that are kept. */
const stride = 64

/** The checksums of any parts of the same bytes, each in next to no time. */
export class AdlerSums {
  readonly #bytes: Uint8Array
  /** At every 64th byte, the sum of all before it. */
  readonly #sums: Uint16Array
  /** And the sum of all those sums. */
  readonly #sumsOfSums: Uint16Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    const count = Math.ceil((bytes.length + 1) / stride)
    this.#sums = new Uint16Array(count)
    this.#sumsOfSums = new Uint16Array(count)
    for (let i = 1; i < count; i++) {
      const [sum, sumOfSums] = this.#at(i * stride, i - 1)
      this.#sums[i] = sum
      this.#sumsOfSums[i] = sumOfSums
    }
  }

  of(start: number, end: number): number {
    const [sumBefore, sumsBefore] = this.#at(start)
    const [sum, sumOfSums] = this.#at(end)
    const length = end - start
    // Each of its sums begins at 1, and not at what came before.
    const sums = sumOfSums - sumsBefore + (length % modulus) * (adlerStart - sumBefore)
    return ((residue(sums) << 16) | residue(sum - sumBefore + adlerStart)) >>> 0
  }

  #at(position: number, from = Math.floor(position / stride)): readonly [sum: number, sumOfSums: number] {
    let sum = this.#sums[from]!
    let sumOfSums = this.#sumsOfSums[from]!
    for (let i = from * stride; i < position; i++) {
      sum += this.#bytes[i]!
      sumOfSums += sum
    }
    return [sum % modulus, sumOfSums % modulus]
  }
}

function residue(value: number): number {
  return ((value % modulus) + modulus) % modulus
}

/** The checksum of two pieces in a row from those of each; the second one's length in bytes. */
function combine(first: number, second: number, length: number): number {
  const a = first & 0xffff
  const sum = a + (second & 0xffff) - 1
  const sums = (first >>> 16) + (second >>> 16) + (length % modulus) * (a - 1)
  // The factor is −1 where a is 0.
  return ((residue(sums) << 16) | residue(sum)) >>> 0
}
