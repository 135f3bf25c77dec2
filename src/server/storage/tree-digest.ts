import { crc32 } from 'node:zlib'

import type { DataNode } from '../tree/data-node.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { rowOffsets as at } from '../tree/stat-rows.ts'
import type { Transaction, TransactionHeader } from '../tree/transaction.ts'

/** Which way to sum: the one of 3.6 and later. */
export const digestVersion = 2

const statSize = 60
const scratch = Buffer.alloc(2048)
const view = new DataView(scratch.buffer, scratch.byteOffset, scratch.length)

/**
 * What one znode adds to the digest of its tree. Those below `/zookeeper` add nothing, as their quota counters are not
 * the same on every server.
 */
export function digestOf(path: string, node: DataNode): number {
  if (path.startsWith('/zookeeper/')) return 0
  const name = path === '/' ? '' : path
  const { data } = node
  const size = data === null ? 0 : data.length
  // One call instead of three for what is small, as nearly all znodes are.
  if (name.length * 3 + size + statSize <= scratch.length) {
    let length = scratch.write(name, 'utf8')
    if (data !== null) scratch.set(data, length)
    length += size
    writeStat(length, node)
    return crc32(scratch.subarray(0, length + statSize))
  }
  writeStat(0, node)
  return crc32(scratch.subarray(0, statSize), crc32(data ?? '', crc32(name)))
}

/** Where a row has what counts, four bytes each, in the order in which it counts. */
const offsets = [
  at.czxid,
  at.czxid + 4,
  at.mzxid,
  at.mzxid + 4,
  at.pzxid,
  at.pzxid + 4,
  at.ctime,
  at.ctime + 4,
  at.mtime,
  at.mtime + 4,
  at.version,
  at.creates,
  at.aversion,
  at.owner,
  at.owner + 4,
]

function writeStat(start: number, { page, row }: DataNode): void {
  let to = start
  for (const offset of offsets) {
    view.setInt32(to, page.getInt32(row + offset))
    to += 4
  }
}

/** The digest of a tree, kept as it changes. Two trees that differ have different ones, but for chance. */
export class TreeDigest {
  readonly #tree: DataTree
  #value = 0n

  /** @param sum - of the tree as it is, where that is known; it is summed up by default */
  constructor(tree: DataTree, sum?: bigint) {
    this.#tree = tree
    if (sum !== undefined) this.#value = sum
    else for (const [path, node] of tree.entries()) this.#value += BigInt(digestOf(path, node))
  }

  get value(): bigint {
    return this.#value
  }

  /** Applies a transaction to the tree, and follows what becomes of the znodes that it is about. */
  apply(header: TransactionHeader, transaction: Transaction, applied?: (part: Transaction) => void): void {
    const paths = new Set<string>()
    collect(transaction, paths)
    const before = this.#sum(paths)
    this.#tree.apply(header, transaction, applied)
    const change = this.#sum(paths) - before
    if (change !== 0) this.#value += BigInt(change)
  }

  /** Follows a change of one znode that is no transaction. */
  change(path: string, change: () => void): void {
    const paths = new Set([path])
    const before = this.#sum(paths)
    change()
    this.#value += BigInt(this.#sum(paths) - before)
  }

  #sum(paths: ReadonlySet<string>): number {
    let sum = 0
    for (const path of paths) {
      const node = this.#tree.find(path)
      if (node !== undefined) sum += digestOf(path, node)
    }
    return sum
  }
}

/** The znodes that a transaction may change; the root by its empty name, so that it is counted once. */
function collect(transaction: Transaction, paths: Set<string>): void {
  switch (transaction.type) {
    case 'create':
    case 'delete':
      addWithParent(transaction.path, paths)
      break
    case 'setData':
    case 'setAcl':
      paths.add(transaction.path === '/' ? '' : transaction.path)
      break
    case 'closeSession':
      for (const path of transaction.paths) addWithParent(path, paths)
      break
    case 'multi':
      for (const part of transaction.transactions) collect(part, paths)
      break
    case 'check':
    case 'createSession':
    case 'error':
      break
  }
}

function addWithParent(path: string, paths: Set<string>): void {
  paths.add(path)
  paths.add(path.slice(0, path.lastIndexOf('/')))
}
