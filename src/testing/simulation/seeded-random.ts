/** A generator of pseudo-random numbers (sfc32): the same seed gives the same numbers on every machine. */
export class SeededRandom {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param stream - generators of one seed and different streams give different numbers */
  constructor(seed: number, stream = '') {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0
    this.#c = hashText(stream)
    for (let i = 0; i < 12; i++) this.uint32()
  }

  /** An integer in [0, 2^32). */
  uint32(): number {
    const sum = (((this.#a + this.#b) >>> 0) + this.#counter) >>> 0
    this.#counter = (this.#counter + 1) >>> 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) >>> 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0
    return sum
  }

  /** A number in [0, 1), with 53 random bits. */
  number(): number {
    return ((this.uint32() >>> 5) * 0x400_0000 + (this.uint32() >>> 6)) / 0x20_0000_0000_0000
  }

  /** A number in [from, to). */
  between(from: number, to: number): number {
    return from + this.number() * (to - from)
  }

  /** An integer in [from, to], both included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.number() * (to - from + 1))
  }

  /** True with a probability from 0 to 1. */
  chance(probability: number): boolean {
    return this.number() < probability
  }

  /** One of the items. @throws RangeError if there is none */
  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length - 1)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  /** A copy in random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items]
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(0, i)
      const item = copy[i] as T
      copy[i] = copy[j] as T
      copy[j] = item
    }
    return copy
  }

  /** So many random bytes. */
  bytes(size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size)
    for (let i = 0; i < size; i++) bytes[i] = this.uint32() & 0xff
    return bytes
  }

  /** A version 4 UUID. */
  uuid(): string {
    const bytes = this.bytes(16)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const hex = bytes.toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }
}

/** FNV-1a. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
