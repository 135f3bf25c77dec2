import type { DataTree } from '../tree/data-tree.ts'
import type { Transaction, TransactionHeader } from '../tree/transaction.ts'
import { ownerKind } from '../tree/owner.ts'
import type { TreeDigest } from './tree-digest.ts'
import { unknownCreates } from './transaction-codec.ts'

/**
 * Applies a transaction out of a log to a tree out of a snapshot. A snapshot is written while the tree changes: it may
 * hold a part of what comes after the transaction it is named for. Applied again, all of it, that must come to the same
 * tree; so this mends what applying alone leaves, in the way in which ZooKeeper does.
 */
export function replay(digest: TreeDigest, tree: DataTree, header: TransactionHeader, transaction: Transaction): void {
  switch (transaction.type) {
    case 'create':
      replayCreate(digest, tree, header, transaction)
      break
    case 'multi':
      for (const part of transaction.transactions) replay(digest, tree, header, part)
      break
    case 'delete':
      replayDelete(digest, tree, header, transaction.path)
      break
    case 'closeSession': {
      // Old logs do not name the paths; and a snapshot may have ephemerals that the log has not seen yet.
      const paths = new Set([...transaction.paths, ...(tree.ephemerals.get(header.sessionId) ?? [])])
      for (const path of paths) replayDelete(digest, tree, header, path)
      tree.ephemerals.delete(header.sessionId)
      break
    }
    case 'setData':
    case 'setAcl':
    case 'check':
    case 'createSession':
    case 'error':
      digest.apply(header, transaction)
      break
  }
}

function replayCreate(
  digest: TreeDigest,
  tree: DataTree,
  header: TransactionHeader,
  create: Extract<Transaction, { type: 'create' }>,
): void {
  const parent = tree.find(parentOf(create.path))
  if (parent === undefined) return
  const unknown = create.parentCreates === unknownCreates
  const parentCreates = unknown ? parent.creates + 1 : create.parentCreates
  let node = tree.find(create.path)
  // What could be created was not there: an older ephemeral went without a transaction, as a ZooKeeper deletes those of
  // dead sessions when it loads. A snapshot from before that has it, and it must not stand in the way of its successor.
  if (node !== undefined && node.czxid < header.zxid && ownerKind(node.owner) === 'session') {
    replayDelete(digest, tree, header, create.path)
    node = undefined
  }
  if (node === undefined) {
    digest.apply(header, { ...create, parentCreates })
    return
  }
  const old = node.acl
  node.acl = tree.acls.acquire(create.acl)
  tree.acls.release(old)
  digest.change(parentOf(create.path), () => {
    if (parentCreates <= parent.creates) return
    parent.creates = parentCreates
    if (header.zxid > parent.pzxid) parent.pzxid = header.zxid
  })
}

function replayDelete(digest: TreeDigest, tree: DataTree, header: TransactionHeader, path: string): void {
  if (tree.find(path) !== undefined) {
    digest.apply(header, { type: 'delete', path })
    return
  }
  const parent = tree.find(parentOf(path))
  if (parent === undefined || header.zxid <= parent.pzxid) return
  digest.change(parentOf(path), () => {
    parent.pzxid = header.zxid
  })
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
