/** Start of an Adler-32 checksum: that of no bytes. */
export const adlerStart = 1

/** The most bytes that can be summed before the sums pass 2^32. */
const stretch = 5552

/**
 * The Adler-32 of bytes that follow those whose checksum is `sum`. Logs and snapshots are sealed with it. `node:zlib`
 * computes it and keeps it to itself.
 */
export function adler32(bytes: Uint8Array, sum: number = adlerStart): number {
  let a = sum & 0xffff
  let b = sum >>> 16
  const { length } = bytes
  for (let i = 0; i < length;) {
    const end = Math.min(i + stretch, length)
    for (; i < end; i++) {
      a += bytes[i]!
      b += a
    }
    a %= 65_521
    b %= 65_521
  }
  return ((b << 16) | a) >>> 0
}
