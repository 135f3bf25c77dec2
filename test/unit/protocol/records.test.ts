import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ProtocolError } from '../../../src/common/errors.ts'
import { ConnectRequest, ConnectResponse } from '../../../src/protocol/connect.ts'
import { MultiRequest, MultiResponse, type MultiOp, type MultiResult } from '../../../src/protocol/multi.ts'
import { operationOf, operations, type OperationName } from '../../../src/protocol/operations.ts'
import { Reader } from '../../../src/protocol/reader.ts'
import type { RecordType } from '../../../src/protocol/record.ts'
import * as records from '../../../src/protocol/records.ts'
import { readStat, Stat, StatRecord, statSize, statTable } from '../../../src/protocol/stat.ts'
import { Writer } from '../../../src/protocol/writer.ts'

const int = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const long = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
const longNumber = fc.maxSafeInteger()
const text = fc.string({ unit: 'binary', maxLength: 20 })
const nullable = fc.option(text, { nil: null })
const data = fc.option(
  fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  { nil: null },
)
const texts = fc.array(text, { maxLength: 4 })
const id = fc.record({ scheme: nullable, id: nullable })
const acl = fc.array(fc.record({ perms: int, id }), { maxLength: 3 })
const statFields = {
  czxid: long,
  mzxid: long,
  ctime: longNumber,
  mtime: longNumber,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
}
const stat = fc.record(statFields, { noNullPrototype: true }).map((fields) => Stat.from(fields))
const create = { path: text, data, acl, flags: int }

/** The values of each record in src/protocol/records.ts, by the name it is exported under. */
const shapes: Record<string, Record<string, fc.Arbitrary<unknown>>> = {
  RequestHeader: { xid: int, type: int },
  ReplyHeader: { xid: int, zxid: long, err: int },
  WatcherEvent: { type: int, state: int, path: text },
  Id: { scheme: nullable, id: nullable },
  AclEntry: { perms: int, id },
  PathRequest: { path: text },
  PathResponse: { path: text },
  PathAndWatch: { path: text, watch: fc.boolean() },
  PathAndVersion: { path: text, version: int },
  PathAndStat: { path: text, stat },
  StatResponse: { stat },
  CreateRequest: create,
  CreateTtlRequest: { ...create, ttl: longNumber },
  SetDataRequest: { path: text, data, version: int },
  GetDataResponse: { data, stat },
  SetAclRequest: { path: text, acl, version: int },
  GetAclResponse: { acl, stat },
  GetChildrenResponse: { children: texts },
  GetChildren2Response: { children: texts, stat },
  GetEphemeralsRequest: { prefix: nullable },
  GetEphemeralsResponse: { ephemerals: texts },
  GetAllChildrenNumberResponse: { total: int },
  ClientInfo: { authScheme: text, user: nullable },
  WhoAmIResponse: { clientInfo: fc.array(fc.record({ authScheme: text, user: nullable }), { maxLength: 3 }) },
  ReconfigRequest: { joining: nullable, leaving: nullable, newMembers: nullable, curConfigId: long },
  AddWatchRequest: { path: text, mode: int },
  ErrorResponse: { err: int },
  WatchesRequest: { path: text, type: int },
  SetWatches: { relativeZxid: long, dataWatches: texts, existWatches: texts, childWatches: texts },
  SetWatches2: {
    relativeZxid: long,
    dataWatches: texts,
    existWatches: texts,
    childWatches: texts,
    persistentWatches: texts,
    persistentRecursiveWatches: texts,
  },
  AuthPacket: { type: int, scheme: text, auth: data },
  SaslToken: { token: data },
}

function encode<T>(type: RecordType<T>, value: T): Buffer {
  const writer = new Writer()
  type.write(writer, value)
  return writer.take()
}

/** Reads and says how much was left. */
function decode<T>(type: RecordType<T>, bytes: Buffer): { value: T; rest: number } {
  const reader = Reader.over(bytes)
  return { value: type.read(reader), rest: reader.remaining }
}

/** Plain objects, so that classes and null prototypes compare by what they hold. */
const plain = (value: unknown): unknown =>
  Buffer.isBuffer(value) || typeof value !== 'object' || value === null
    ? value
    : Array.isArray(value)
      ? value.map(plain)
      : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))

const all = new Map(Object.entries(records as unknown as Record<string, RecordType<unknown>>))

describe('records', () => {
  it('are all in these tests', () => {
    expect([...all.keys()].toSorted()).toEqual(Object.keys(shapes).toSorted())
  })

  it.each([...all])('%s comes back as it was written', (name, type) => {
    fc.assert(
      fc.property(fc.record(shapes[name]!, { noNullPrototype: true }), (value) => {
        const bytes = encode(type, value)
        expect(bytes.length).toBeGreaterThanOrEqual(type.least)
        const { value: read, rest } = decode(type, bytes)
        expect(plain(read)).toEqual(plain(value))
        expect(rest).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  it.each([...all])('%s is refused at any length short of its own', (name, type) => {
    const [value] = fc.sample(fc.record(shapes[name]!, { noNullPrototype: true }), { numRuns: 1, seed: 7 })
    const bytes = encode(type, value)
    for (let size = 0; size < bytes.length; size++) {
      expect(() => type.read(Reader.over(bytes.subarray(0, size)))).toThrow(ProtocolError)
    }
  })

  it('take a null list for an empty one, and no null where a name must be', () => {
    const nothing = Buffer.from([0xff, 0xff, 0xff, 0xff])
    expect(records.GetChildrenResponse.read(Reader.over(nothing))).toEqual({ children: [] })
    expect(() => records.PathResponse.read(Reader.over(nothing))).toThrow(ProtocolError)
    const oneNull = Buffer.from([0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])
    expect(() => records.GetChildrenResponse.read(Reader.over(oneNull))).toThrow(ProtocolError)
  })
})

describe('Stat', () => {
  it('is read by hand as the table has it, and the other way round', () => {
    fc.assert(
      fc.property(fc.record(statFields, { noNullPrototype: true }), (fields) => {
        const bytes = encode(statTable, fields)
        expect(bytes.length).toBe(statSize)
        const byHand = readStat(Reader.over(bytes))
        expect(byHand).toBeInstanceOf(Stat)
        expect({ ...byHand }).toEqual(fields)
        expect({ ...statTable.read(Reader.over(bytes)) }).toEqual(fields)
        expect(encode(StatRecord, byHand)).toEqual(bytes)
      }),
    )
  })

  it('is the same by hand and by the table for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: statSize, maxLength: statSize }), (bytes) => {
        const buffer = Buffer.from(bytes)
        expect({ ...readStat(Reader.over(buffer)) }).toEqual({ ...statTable.read(Reader.over(buffer)) })
      }),
    )
  })

  it('has zxids as strings and the rest as numbers in JSON', () => {
    const value = new Stat(1n, 1n << 60n, 3, 4, 5, 6, 7, -1n, 9, 10, 11n)
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      czxid: '1',
      mzxid: '1152921504606846976',
      ctime: 3,
      mtime: 4,
      version: 5,
      cversion: 6,
      aversion: 7,
      ephemeralOwner: '-1',
      dataLength: 9,
      numChildren: 10,
      pzxid: '11',
    })
  })

  it.each([
    [0n, null],
    [0x1_0000_0000n, 0x1_0000_0000n],
    [-0x8000_0000_0000_0000n, null],
    [BigInt.asIntN(64, 0xff00_0000_0000_1388n), null],
    [BigInt.asIntN(64, 0x8100_0000_0000_0001n), BigInt.asIntN(64, 0x8100_0000_0000_0001n)],
  ])('says of the owner %i that the session is %s', (owner, expected) => {
    expect(new Stat(1n, 1n, 0, 0, 0, 0, 0, owner, 0, 0, 1n).ownerSessionId).toBe(expected)
  })
})

const head = { protocolVersion: int, timeout: int, sessionId: long, password: data }

describe('the handshake', () => {
  const readOnly = fc.constantFrom(true, false, null)

  it('comes back as it was written, with and without the readOnly byte', () => {
    fc.assert(
      fc.property(fc.record({ ...head, lastZxidSeen: long, readOnly }, { noNullPrototype: true }), (value) => {
        const bytes = encode(ConnectRequest, value)
        expect(decode(ConnectRequest, bytes)).toEqual({ value, rest: 0 })
        expect(bytes.length).toBe(28 + (value.password?.length ?? 0) + (value.readOnly === null ? 0 : 1))
      }),
    )
    fc.assert(
      fc.property(fc.record({ ...head, readOnly }, { noNullPrototype: true }), (value) => {
        expect(decode(ConnectResponse, encode(ConnectResponse, value))).toEqual({ value, rest: 0 })
      }),
    )
  })

  it('has its fields in the order of the wire', () => {
    const request = { protocolVersion: 0, lastZxidSeen: 5n, timeout: 10_000, sessionId: 9n, password: Buffer.from([1]) }
    const bytes = encode(ConnectRequest, { ...request, readOnly: true })
    expect(bytes.toString('hex')).toBe(
      '00000000' + '0000000000000005' + '00002710' + '0000000000000009' + '0000000101' + '01',
    )
  })
})

const op: fc.Arbitrary<MultiOp> = fc.oneof(
  fc
    .constantFrom('create', 'create2', 'createContainer')
    .chain((kind) => fc.record(create, { noNullPrototype: true }).map((body) => ({ op: kind, body }))),
  fc
    .record({ ...create, ttl: longNumber }, { noNullPrototype: true })
    .map((body): MultiOp => ({ op: 'createTtl', body })),
  fc
    .constantFrom('delete', 'check')
    .chain((kind) =>
      fc.record(shapes['PathAndVersion']!, { noNullPrototype: true }).map((body) => ({ op: kind, body }) as MultiOp),
    ),
  fc
    .record({ path: text, data, version: int }, { noNullPrototype: true })
    .map((body): MultiOp => ({ op: 'setData', body })),
  fc
    .constantFrom('getData', 'getChildren')
    .chain((kind) =>
      fc.record(shapes['PathAndWatch']!, { noNullPrototype: true }).map((body) => ({ op: kind, body }) as MultiOp),
    ),
)

const result: fc.Arbitrary<MultiResult> = fc.oneof(
  fc.record({ path: text }, { noNullPrototype: true }).map((body): MultiResult => ({ op: 'create', body })),
  fc.record({ path: text, stat }, { noNullPrototype: true }).map((body): MultiResult => ({ op: 'create2', body })),
  fc.constantFrom('delete', 'check').map((kind) => ({ op: kind, body: undefined })),
  fc.record({ stat }, { noNullPrototype: true }).map((body): MultiResult => ({ op: 'setData', body })),
  fc.record({ data, stat }, { noNullPrototype: true }).map((body): MultiResult => ({ op: 'getData', body })),
  fc.record({ children: texts }, { noNullPrototype: true }).map((body): MultiResult => ({ op: 'getChildren', body })),
  fc.record({ err: int }, { noNullPrototype: true }).map((body): MultiResult => ({ op: 'error', body })),
)

describe('multi and multiRead', () => {
  it('come back as they were written: requests', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 6 }), (items) => {
        expect(decode(MultiRequest, encode(MultiRequest, items))).toEqual({ value: items, rest: 0 })
      }),
    )
  })

  it('come back as they were written: results', () => {
    fc.assert(
      fc.property(fc.array(result, { maxLength: 6 }), (items) => {
        const { value, rest } = decode(MultiResponse, encode(MultiResponse, items))
        expect(plain(value)).toEqual(plain(items))
        expect(rest).toBe(0)
      }),
    )
  })

  it('write the bytes that ZooKeeper does', () => {
    const check = encode(MultiRequest, [{ op: 'check', body: { path: '/a', version: 3 } }])
    // type 13, not done, err −1; path, version; type −1, done, err −1
    expect(check.toString('hex')).toBe('0000000d00ffffffff' + '000000022f61' + '00000003' + 'ffffffff01ffffffff')
    const failed = encode(MultiResponse, [{ op: 'error', body: { err: -101 } }])
    expect(failed.toString('hex')).toBe('ffffffff00ffffff9b' + 'ffffff9b' + 'ffffffff01ffffffff')
  })

  it.each([0, 3, 14, 99, -1, -11])('refuse operation %i, which has no place in a request', (opcode) => {
    const writer = new Writer()
    writer.int(opcode)
    writer.bool(false)
    writer.int(-1)
    expect(() => MultiRequest.read(Reader.over(writer.take()))).toThrow(ProtocolError)
  })

  it('end in a ProtocolError when the end is missing', () => {
    const whole = encode(MultiResponse, [
      { op: 'delete', body: undefined },
      { op: 'check', body: undefined },
    ])
    for (let size = 0; size < whole.length; size++) {
      expect(() => MultiResponse.read(Reader.over(whole.subarray(0, size)))).toThrow(ProtocolError)
    }
  })
})

describe('the table of operations', () => {
  it('gives each opcode to one operation, which is found by it', () => {
    const names = Object.keys(operations) as OperationName[]
    expect(new Set(names.map((name) => operations[name].opcode)).size).toBe(names.length)
    for (const name of names) expect(operationOf(operations[name].opcode)).toBe(name)
    for (const opcode of [0, 10, 20, 23, 99, 108, -1, -10]) expect(operationOf(opcode)).toBeUndefined()
  })
})

describe('any bytes at all', () => {
  const types = [...all.values(), StatRecord, ConnectRequest, ConnectResponse, MultiRequest, MultiResponse]
  // Small numbers where lengths and counts may be, so that reading gets past the first of them.
  const word = fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 8, -1, -2, 0x7fff_ffff, -0x8000_0000, 0x0fff_ffff),
    fc.integer({ min: 0, max: 40 }),
  )
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
    fc.array(word, { maxLength: 40 }).map((words) => {
      const buffer = Buffer.alloc(words.length * 4)
      for (const [index, value] of words.entries()) buffer.writeInt32BE(value, index * 4)
      return buffer
    }),
  )

  it('are read to a value that is no larger than they are, or to a ProtocolError', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        for (const type of types) {
          const reader = Reader.over(input)
          try {
            if (sizeOf(type.read(reader)) > input.length) throw new Error(`${type.name} made more of it than it is`)
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error
          }
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

/** How many bytes, and items of lists, a value holds: no more than were read for it. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return [...value].length
  if (Buffer.isBuffer(value)) return value.length
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + 1 + sizeOf(item), 0)
  if (typeof value === 'object' && value !== null)
    return Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), 0)
  return 0
}
