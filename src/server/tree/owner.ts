/** What the `ephemeralOwner` of a znode says it is. */
export type OwnerKind = 'none' | 'session' | 'container' | 'ttl'

/** Owner of every container. */
export const containerOwner = -0x8000_0000_0000_0000n

/** The longest time to live: 40 bits of milliseconds, some 34 years. */
export const maxTtl = 0xff_ffff_ffff

const ttlMark = 0xffn << 56n

/** The owner that a znode with this time to live (in milliseconds) has. */
export function ttlOwner(ttl: number): bigint {
  return BigInt.asIntN(64, ttlMark | BigInt(ttl))
}

/** The time to live, in milliseconds, of a znode whose owner is of kind `'ttl'`. */
export function ttlOf(owner: bigint): number {
  return Number(BigInt.asUintN(40, owner))
}

export function ownerKind(owner: bigint): OwnerKind {
  if (owner === 0n) return 'none'
  if (owner === containerOwner) return 'container'
  return BigInt.asUintN(64, owner) >> 56n === 0xffn ? 'ttl' : 'session'
}
