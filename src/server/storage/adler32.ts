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

/** The checksum of two pieces in a row from those of each; the second one's length in bytes. */
function combine(first: number, second: number, length: number): number {
  const a = first & 0xffff
  const sum = a + (second & 0xffff) - 1
  const sums = (first >>> 16) + (second >>> 16) + (length % modulus) * (a - 1)
  // The factor is −1 where a is 0.
  return (((((sums % modulus) + modulus) % modulus) << 16) | ((sum + modulus) % modulus)) >>> 0
}
