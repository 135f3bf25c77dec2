/** A value as DER has it, within the bytes that it was read from. */
export interface DerValue {
  /** The whole first byte: what it is, and whether other values make it up. */
  readonly tag: number
  readonly content: Uint8Array
  /** Tag and length included. */
  readonly whole: Uint8Array
}

/** The values that lie one behind the other in these bytes, to their end; null if they are no DER. */
export function derValues(bytes: Uint8Array): DerValue[] | null {
  const values: DerValue[] = []
  for (let at = 0; at < bytes.length;) {
    const header = headerOf(bytes, at)
    if (header === null || header.end > bytes.length) return null
    const { start, end } = header
    values.push({ tag: bytes[at]!, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) })
    at = end
  }
  return values
}

/** Where the content of the value begins and ends. A length may have zeros in front, to Java, but no more than four bytes. */
function headerOf(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | null {
  const first = bytes[at + 1]
  if (first === undefined) return null
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const size = first - 0x80
  const start = at + 2 + size
  if (size < 1 || size > 4 || start > bytes.length) return null
  const length = bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 0x100 + byte, 0)
  return { start, end: start + length }
}

/** The dotted numbers of an object identifier. */
export function oidOf(content: Uint8Array): string {
  const numbers: bigint[] = []
  let number = 0n
  for (const byte of content) {
    number = (number << 7n) | BigInt(byte & 0x7f)
    if (byte >= 0x80) continue
    numbers.push(number)
    number = 0n
  }
  // The first two share one: the first of all is 0, 1 or 2.
  const [both = 0n, ...others] = numbers
  const first = both < 80n ? both / 40n : 2n
  return [first, both - first * 40n, ...others].join('.')
}
