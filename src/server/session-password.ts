const multiplier = 0x5_deec_e66dn
const mask = (1n << 48n) - 1n
const secret = 0xb341_5c00n

/**
 * The password of a session follows from its id, by the generator of `java.util.Random`: so a real ZooKeeper that takes
 * over a data directory, or this server after a restart, knows the passwords of sessions it did not make.
 */
export function sessionPassword(id: bigint): Buffer {
  let state = (BigInt.asUintN(64, id) ^ secret ^ multiplier) & mask
  const password = Buffer.alloc(16)
  for (let i = 0; i < 16; i += 4) {
    state = (state * multiplier + 11n) & mask
    password.writeUInt32LE(Number(state >> 16n), i)
  }
  return password
}
