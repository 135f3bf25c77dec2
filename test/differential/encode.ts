import { operations } from '../../src/protocol/operations.ts'
import { Writer } from '../../src/protocol/writer.ts'
import type { Json, Op } from './program.ts'

/** What the names in a program stand for on one server. */
export interface Names {
  readonly root: string
  /** A zxid by its name: `'zero'`, `'start'`, `'last'`, `'ahead'`. */
  zxid(name: string): bigint
}

const byteKeys: ReadonlySet<string> = new Set(['data', 'auth', 'token'])
const zxidKeys: ReadonlySet<string> = new Set(['relativeZxid', 'curConfigId'])

/** The frame of a request, its length included. */
export function encodeRequest({ op, body, mangle }: Op, xid: number, names: Names): Buffer {
  const writer = new Writer(256)
  if (typeof op === 'number') writer.raw(Buffer.from(body as string, 'hex'))
  else (operations[op].request.write as (writer: Writer, value: unknown) => void)(writer, resolve(body, names, ''))
  let bytes = writer.take()
  if (mangle?.cut !== undefined) bytes = bytes.subarray(0, mangle.cut)
  if (mangle?.poke !== undefined && bytes.length > 0) bytes[mangle.poke[0] % bytes.length] = mangle.poke[1]
  if (mangle?.add !== undefined) bytes = Buffer.concat([bytes, Buffer.from(mangle.add, 'hex')])
  const header = Buffer.alloc(12)
  header.writeInt32BE(8 + bytes.length, 0)
  header.writeInt32BE(xid, 4)
  header.writeInt32BE(typeof op === 'number' ? op : operations[op].opcode, 8)
  return Buffer.concat([header, bytes])
}

function resolve(value: Json, names: Names, key: string): unknown {
  if (value === null || typeof value === 'boolean') return value
  if (zxidKeys.has(key)) return typeof value === 'string' ? names.zxid(value) : BigInt(value as number)
  if (typeof value === 'number') return value
  if (typeof value === 'string') {
    return byteKeys.has(key) ? Buffer.from(value, 'latin1') : value.replaceAll('~', names.root)
  }
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => resolve(item, names, ''))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolve(item, names, name)]))
}
