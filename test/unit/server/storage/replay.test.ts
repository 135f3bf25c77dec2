import { expect, it } from 'vitest'

import { DataTree } from '../../../../src/server/tree/data-tree.ts'
import { replay } from '../../../../src/server/storage/replay.ts'
import { TreeDigest } from '../../../../src/server/storage/tree-digest.ts'
import { WatchTables } from '../../../../src/server/tree/watch-table.ts'
import type { CreateTransaction } from '../../../../src/server/tree/transaction.ts'

const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const other = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]

function create(path: string, more: Partial<CreateTransaction> = {}): CreateTransaction {
  return { type: 'create', path, data: Buffer.from(path), acl, owner: 0n, parentCreates: 1, ...more }
}

// A real server's snapshot may hold a znode before the log makes it: the log must still move its parent on.
it('a create of what a snapshot has already moves the parent on, and sets the ACL', () => {
  const tree = new DataTree(new WatchTables())
  const digest = new TreeDigest(tree)
  const header = (zxid: number) => ({ sessionId: 1n, xid: 1, zxid, time: zxid })
  replay(digest, tree, header(1), create('/a'))
  replay(digest, tree, header(9), create('/a/b', { parentCreates: 2 }))
  replay(digest, tree, header(10), create('/a/b', { acl: other, parentCreates: 7, data: null }))
  expect(tree.find('/a')).toMatchObject({ creates: 7, pzxid: 10, numChildren: 1 })
  expect(tree.find('/a/b')).toMatchObject({ czxid: 9, data: Buffer.from('/a/b'), acl: { entries: other } })
  replay(digest, tree, header(11), create('/a/b', { parentCreates: 5 }))
  expect(tree.find('/a')).toMatchObject({ creates: 7, pzxid: 10 })
  // Logs of old servers do not say how many children there were.
  replay(digest, tree, header(12), create('/a/c', { parentCreates: -1 }))
  expect(tree.find('/a')).toMatchObject({ creates: 8, pzxid: 12 })
  expect(digest.value).toBe(new TreeDigest(tree).value)
})

// ZooKeeper deletes the ephemerals of dead sessions when it loads, and logs nothing of it.
it('a create takes the place of an older ephemeral, which must have gone before it', () => {
  const tree = new DataTree(new WatchTables())
  const digest = new TreeDigest(tree)
  const header = (zxid: number) => ({ sessionId: 7n, xid: 1, zxid, time: zxid })
  replay(digest, tree, header(1), create('/e', { owner: 7n }))
  replay(digest, tree, header(5), create('/e', { parentCreates: 2, data: Buffer.from('precious') }))
  expect(tree.find('/e')).toMatchObject({ czxid: 5, owner: 0n, data: Buffer.from('precious') })
  expect(tree.find('/')).toMatchObject({ creates: 2, pzxid: 5 })
  replay(digest, tree, header(6), { type: 'closeSession', paths: [] })
  expect(tree.find('/e')).toBeDefined()
  expect(digest.value).toBe(new TreeDigest(tree).value)
})
