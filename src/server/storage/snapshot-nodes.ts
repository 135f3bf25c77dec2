import { crc32 } from 'node:zlib'

import { ProtocolError } from '../../common/errors.ts'
import type { AclEntry } from '../../protocol/records.ts'
import type { Acl } from '../access/acl-table.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { parseQuotaSubject } from '../tree/quota.ts'
import { digestOf } from './tree-digest.ts'

/** Bytes of a znode behind its data: the number of its ACL and its persisted `Stat`. */
const tailSize = 68
/** Bytes of the `Stat` as it is kept: without what can be counted. */
const statSize = 60
const slash = 0x2f
const empty = Buffer.alloc(0)
/** Above so many znodes, a sum of digests of 32 bits might not be exact any more. */
const most = 1_000_000

/** No request makes such a list, and nobody may do anything by it. */
const unknownAcl: readonly AclEntry[] = [{ perms: 0, id: { scheme: '', id: '' } }]

/**
 * Puts the znodes of a snapshot into a tree, and sums up its digest on the way: a million of them are to be there in a few
 * seconds, so nothing is made here that does not stay.
 */
export class SnapshotNodes {
  /** The paths of quotas' limits. */
  readonly limits: string[] = []
  /**
   * Stands for every ACL that is not in the snapshot: its table was written before its znodes, and an ACL that came up in
   * between is in the log behind it. Null where there is none.
   */
  unknownAcl: Acl | null = null
  /** Whether the mark was reached that stands behind the last znode. */
  atEnd = false
  /** So many bytes, from where {@link measure} stopped, are needed to go on. */
  needed = 4
  readonly #tree: DataTree
  readonly #acls: ReadonlyMap<number, Acl>
  #sum = 0n
  #recent = 0
  #count = 0

  constructor(tree: DataTree, acls: ReadonlyMap<number, Acl>) {
    this.#tree = tree
    this.#acls = acls
  }

  /** The digest of the tree, when all znodes are in it. */
  get sum(): bigint {
    let own = 0
    // Every tree has these, whatever the snapshot has of them.
    for (const path of ['', '/zookeeper']) own += digestOf(path, this.#tree.find(path)!)
    return this.#sum + BigInt(this.#recent + own)
  }

  /** Returns up to where the znodes are whole that begin at `from`. @throws {@link ProtocolError} for what is none */
  measure(bytes: Buffer, view: DataView, from: number): number {
    const end = bytes.length
    for (let at = from; ;) {
      this.needed = 5
      if (end - at < 5) return at
      const size = view.getInt32(at)
      if (size < 0) throw new ProtocolError('a znode without a path')
      if (size === 1 && bytes[at + 4] === slash) {
        this.atEnd = true
        return at
      }
      this.needed = size + 8
      if (end - at < this.needed) return at
      const length = view.getInt32(at + 4 + size)
      if (length < -1) throw new ProtocolError('a znode whose data has an impossible length')
      this.needed = size + 8 + Math.max(0, length) + tailSize
      if (end - at < this.needed) return at
      at += this.needed
    }
  }

  /** Takes whole znodes. What their bytes were is gone afterwards. */
  take(bytes: Buffer, view: DataView, from: number, to: number): void {
    for (let at = from; at < to;) {
      const size = view.getInt32(at)
      const length = view.getInt32(at + 4 + size)
      const pathStart = at + 8
      // Onto the length of the data: what the digest is made of comes to stand in a row.
      let seen = 0
      for (let i = pathStart + size - 1; i >= pathStart; i--) {
        const byte = bytes[i - 4]!
        bytes[i] = byte
        seen |= byte
      }
      const dataStart = pathStart + size
      const path = bytes.toString(seen < 0x80 ? 'latin1' : 'utf8', pathStart, dataStart)
      const tail = dataStart + Math.max(0, length)
      at = tail + tailSize
      this.#restore(path, length === -1 ? null : copyOf(bytes, dataStart, tail), view, tail)
      // Those below have no part in it, as their quota counters are not the same on every server.
      if (size === 0 || path.startsWith('/zookeeper')) {
        if (parseQuotaSubject(path) !== null) this.limits.push(path)
        if (size === 0 || path === '/zookeeper' || path.startsWith('/zookeeper/')) continue
      }
      arrangeStat(view, tail)
      this.#recent += crc32(bytes.subarray(pathStart, tail + statSize))
      if (++this.#count < most) continue
      this.#sum += BigInt(this.#recent)
      this.#recent = this.#count = 0
    }
  }

  #restore(path: string, data: Uint8Array | null, view: DataView, tail: number): void {
    let acl = this.#acls.get(view.getInt32(tail) * 0x1_0000_0000 + view.getUint32(tail + 4))
    acl ??= this.unknownAcl ??= this.#tree.acls.acquire(unknownAcl)
    const node = this.#tree.restore(path, data, acl, view, tail + 8)
    if (node === null) throw new ProtocolError(`the parent of ${path} is not in the snapshot`)
  }
}

/** Bytes of their own: a small value must not hold the chunk that it was read in. */
function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  if (start === end) return empty
  const copy = Buffer.allocUnsafe(end - start)
  bytes.copy(copy, 0, start, end)
  return copy
}

/**
 * Puts a `Stat` in the order in which it counts for the digest, to where the number of the ACL stood: `pzxid`, which was the
 * last, is the third.
 */
function arrangeStat(view: DataView, at: number): void {
  for (let i = at; i < at + 16; i += 4) view.setInt32(i, view.getInt32(i + 8))
  view.setInt32(at + 16, view.getInt32(at + 60))
  view.setInt32(at + 20, view.getInt32(at + 64))
}
