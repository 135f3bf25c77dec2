import { deflateSync } from 'node:zlib'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { Writer } from '../../../../src/protocol/writer.ts'
import { containerOwner, ttlOwner } from '../../../../src/server/tree/owner.ts'
import { adler32, AdlerSums } from '../../../../src/server/storage/adler32.ts'
import { LogEncoder, readEntry } from '../../../../src/server/storage/log-codec.ts'
import { readTransaction, unknownCreates } from '../../../../src/server/storage/transaction-codec.ts'
import type { Transaction } from '../../../../src/server/tree/transaction.ts'

const int = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const path = fc.string({ unit: 'grapheme', minLength: 1 }).map((name) => `/${name}`)
const data = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)))
const acl = fc.array(
  fc.record({ perms: int, id: fc.record({ scheme: fc.constantFrom('world', 'digest'), id: fc.string() }) }),
  { maxLength: 3 },
)
const sessionId = fc.bigInt({ min: 1n, max: 0x7f_ffff_ffff_ffffn })
const zxid = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

function part(session: bigint): fc.Arbitrary<Transaction> {
  const ttl = fc.integer({ min: 1, max: 0xff_ffff_ffff }).map(ttlOwner)
  const owner = fc.oneof(fc.constantFrom(0n, session, containerOwner), ttl)
  return fc.oneof(
    fc.record({ type: fc.constant('create' as const), path, data, acl, owner, parentCreates: fc.nat() }),
    fc.record({ type: fc.constant('delete' as const), path }),
    fc.record({ type: fc.constant('setData' as const), path, data, version: int }),
    fc.record({ type: fc.constant('check' as const), path, version: int }),
  )
}

function transaction(session: bigint): fc.Arbitrary<Transaction> {
  const failed = fc.array(fc.record({ type: fc.constant('error' as const), code: int }), { minLength: 1, maxLength: 3 })
  return fc.oneof(
    part(session),
    fc.record({ type: fc.constant('setAcl' as const), path, acl, aversion: int }),
    fc.record({ type: fc.constant('createSession' as const), timeout: int }),
    fc.record({ type: fc.constant('closeSession' as const), paths: fc.array(path, { maxLength: 3 }) }),
    fc.record({ type: fc.constant('error' as const), code: int }),
    fc.record({
      type: fc.constant('multi' as const),
      transactions: fc.oneof(fc.array(part(session), { maxLength: 3 }), failed),
    }),
  )
}

const logged = sessionId.chain((session) =>
  fc.record({
    header: fc.record({ sessionId: fc.constant(session), xid: int, zxid, time: zxid }),
    transaction: transaction(session),
    digest: fc.option(
      fc.record({ version: fc.constant(2), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    ),
  }),
)

function header(type: number): Writer {
  const writer = new Writer()
  writer.long(7n)
  writer.int(1)
  writer.longNumber(5)
  writer.longNumber(1000)
  writer.int(type)
  return writer
}

describe('the log', () => {
  it('reads what was written, and knows where it ends', () => {
    fc.assert(
      fc.property(fc.array(logged, { maxLength: 6 }), fc.nat(30), (entries, padding) => {
        const encoder = new LogEncoder()
        for (const entry of entries) encoder.add(entry.header, entry.transaction, entry.digest)
        const bytes = Buffer.concat([encoder.take(), Buffer.alloc(padding)])
        let at = 0
        for (const expected of entries) {
          const entry = readEntry(bytes, at)
          if (entry.kind !== 'transaction') throw new Error(`not a transaction: ${JSON.stringify(entry)}`)
          expect(entry.value).toEqual(expected)
          at = entry.next
        }
        expect(readEntry(bytes, at)).toEqual({ kind: 'end' })
      }),
    )
  })

  it('takes no changed byte for a transaction', () => {
    fc.assert(
      fc.property(logged, fc.nat(), fc.integer({ min: 1, max: 255 }), (entry, where, change) => {
        const encoder = new LogEncoder()
        encoder.add(entry.header, entry.transaction, entry.digest)
        const bytes = encoder.take()
        bytes[where % bytes.length]! ^= change
        expect(['bad', 'short']).toContain(readEntry(bytes, 0).kind)
      }),
    )
  })

  it('reads what older servers wrote', () => {
    const create = header(1)
    create.string('/old')
    create.buffer(null)
    create.int(0)
    create.bool(true)
    const { transaction } = readTransaction(create.take())
    expect(transaction).toMatchObject({ type: 'create', path: '/old', owner: 7n, parentCreates: unknownCreates })

    const nothing = { type: 'closeSession', paths: [] }
    expect(readTransaction(header(-11).take())).toMatchObject({ transaction: nothing, digest: null })
    const withDigest = header(-11)
    withDigest.int(2)
    withDigest.long(12_345n)
    expect(readTransaction(withDigest.take()).transaction).toEqual(nothing)
    expect(() => readTransaction(header(99).take())).toThrow('type 99')
  })
})

describe('adler32', () => {
  it('is that of zlib, in one piece and in several', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.nat(), (bytes, cut) => {
        const expected = deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4)
        expect(adler32(bytes)).toBe(expected)
        const middle = bytes.length === 0 ? 0 : cut % bytes.length
        expect(adler32(bytes.subarray(middle), adler32(bytes.subarray(0, middle)))).toBe(expected)
      }),
    )
    expect(adler32(Buffer.alloc(1_000_000, 0xff))).toBe(
      deflateSync(Buffer.alloc(1_000_000, 0xff)).subarray(-4).readUInt32BE(),
    )
  })

  it('is known of any part of bytes that were summed up once', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1_000 }),
      fc.nat(200_000).map((size) => new Uint8Array(size).fill(0xff)),
    )
    fc.assert(
      fc.property(bytes, fc.nat(), fc.nat(), (all, one, other) => {
        const sums = new AdlerSums(all)
        const [start, end] = [one % (all.length + 1), other % (all.length + 1)].toSorted((a, b) => a - b) as [
          number,
          number,
        ]
        expect(sums.of(start, end)).toBe(adler32(all.subarray(start, end)))
        expect(sums.of(0, all.length)).toBe(adler32(all))
      }),
    )
  })
})
