// @ts-check
/**
 * The few frames that the benchmarks write by hand, so that neither the limit nor the floor nor the server they run
 * against owes anything to the code that is measured.
 */

/** The znode that is read: its path, and its 100 bytes. */
export const benchPath = '/bench'
export const benchData = Buffer.alloc(100, 'kazoo-ts ')

/** Opcodes that the stub server knows. */
export const opcodes = { create: 1, delete: 2, exists: 3, get: 4, set: 5, ping: 11, setWatches: 101, closeSession: -11 }

/**
 * A length and the bytes after it.
 *
 * @param {readonly Buffer[]} parts
 */
export function frame(...parts) {
  const body = Buffer.concat(parts)
  return Buffer.concat([int(body.length), body])
}

/** @param {number} value */
export function int(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** @param {number | bigint} value */
export function long(value) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

/** @param {string | Buffer} value */
export function buffer(value) {
  const bytes = Buffer.from(value)
  return Buffer.concat([int(bytes.length), bytes])
}

export const statSize = 68

/** A `Stat` as a znode that lives for a while has it: zxids beyond 32 bits, times of this decade. */
export const statBytes = Buffer.concat([
  long(0x1_0000_0005n),
  long(0x1_0000_0009n),
  long(1_780_000_000_000),
  long(1_780_000_001_234),
  int(3),
  int(0),
  int(0),
  long(0),
  int(benchData.length),
  int(0),
  long(0x1_0000_0005n),
])

/** What a client says first: a new session of 30 s. */
export const connectRequest = frame(int(0), long(0), int(30_000), long(0), buffer(Buffer.alloc(16)), Buffer.of(0))

/**
 * A `get` of {@link benchPath} without a watch; its xid is at offset 4.
 *
 * @param {number} xid
 */
export function getRequest(xid) {
  return frame(int(xid), int(opcodes.get), buffer(benchPath), Buffer.of(0))
}
