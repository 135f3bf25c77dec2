import { gunzipSync } from 'node:zlib'

import { ProtocolError } from '../../common/errors.ts'
import { vector } from '../../protocol/record.ts'
import { AclEntry } from '../../protocol/records.ts'
import type { Files } from '../../runtime/runtime.ts'
import type { Acl, AclTable } from '../access/acl-table.ts'
import { DataTree } from '../tree/data-tree.ts'
import { WatchTables } from '../tree/watch-table.ts'
import { FileHeader, fileHeaderSize, snapshotMagic } from './file-header.ts'
import type { DataFile } from './file-names.ts'
import { SnapshotInput } from './snapshot-input.ts'
import { SnapshotNodes } from './snapshot-nodes.ts'

/** What a snapshot holds. */
export interface Snapshot {
  readonly zxid: number
  readonly watches: WatchTables
  readonly tree: DataTree
  /** The digest of the tree as it is here. */
  readonly sum: bigint
  /** What znodes have whose ACL the log is to tell, where there are any. */
  readonly unknownAcl: Acl | null
  /** Timeouts in milliseconds by session id. */
  readonly sessions: Map<bigint, number>
  /** What the tree must come to when the log was replayed up to a zxid; null if the snapshot does not say. */
  readonly digest: { readonly zxid: number; readonly version: number; readonly value: bigint } | null
}

const AclList = vector(AclEntry)
const openAcl: readonly AclEntry[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const openAclId = -1

/**
 * Reads a snapshot, plain or gzipped.
 *
 * @throws {@link ProtocolError} for one that is damaged, unfinished, or compressed in another way
 */
export async function readSnapshot(files: Files, file: DataFile): Promise<Snapshot> {
  if (file.extension === 'gz')
    return await parse(new SnapshotInput(gunzip(await files.readFile(file.path)), null), file.zxid)
  if (file.extension !== '') throw new ProtocolError(`snapshots compressed as ${file.extension} are not read`)
  const open = await files.open(file.path)
  try {
    return await parse(new SnapshotInput(null, (position, size) => open.read(position, size)), file.zxid)
  } finally {
    await open.close()
  }
}

function gunzip(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes)
  } catch (error) {
    throw new ProtocolError('not a whole gzip file', { cause: error })
  }
}

async function parse(input: SnapshotInput, zxid: number): Promise<Snapshot> {
  await input.ensure(fileHeaderSize)
  const { magic } = input.record(fileHeaderSize, (reader) => FileHeader.read(reader))
  if (magic !== snapshotMagic) throw new ProtocolError('not a snapshot: it does not begin with ZKSN')
  const sessions = await readSessions(input)
  const watches = new WatchTables()
  const tree = new DataTree(watches)
  const acls = await readAcls(input, tree.acls)
  const { limits, sum, unknownAcl } = await readNodes(input, tree, acls)
  await input.checkSeal()
  // Counters of quotas are not kept exactly while a snapshot is written: ZooKeeper, too, counts anew.
  for (const path of limits) tree.quotas.restored(path)
  const digest = await readDigest(input)
  // What was the last transaction when the snapshot was finished: from 3.9 on.
  if (await input.has(1)) {
    await input.ensure(8)
    input.long()
    await input.checkSeal()
  }
  return { zxid, watches, tree, sum, unknownAcl, sessions, digest }
}

async function readSessions(input: SnapshotInput): Promise<Map<bigint, number>> {
  await input.ensure(4)
  const sessions = new Map<bigint, number>()
  for (let left = input.int(); left > 0; left--) {
    if (input.isShort(12)) await input.ensure(12)
    const id = input.long()
    sessions.set(id, input.int())
  }
  return sessions
}

/** All count as used once, as the znodes of every tree let go of what they had. */
async function readAcls(input: SnapshotInput, table: AclTable): Promise<Map<number, Acl>> {
  await input.ensure(4)
  const acls = new Map([[openAclId, table.acquire(openAcl)]])
  for (let left = input.int(); left > 0; left--) {
    await input.ensure(8)
    const id = Number(input.long())
    acls.set(id, table.acquire(await input.growing((reader) => AclList.read(reader))))
  }
  return acls
}

async function readNodes(input: SnapshotInput, tree: DataTree, acls: ReadonlyMap<number, Acl>): Promise<SnapshotNodes> {
  const nodes = new SnapshotNodes(tree, acls)
  const measure = nodes.measure.bind(nodes)
  const take = nodes.take.bind(nodes)
  for (;;) {
    input.consume(measure, take)
    if (nodes.atEnd) break
    await input.ensure(nodes.needed)
  }
  await input.ensure(5)
  input.skip(5)
  for (const acl of acls.values()) tree.acls.release(acl)
  if (nodes.unknownAcl !== null) tree.acls.release(nodes.unknownAcl)
  return nodes
}

async function readDigest(input: SnapshotInput): Promise<Snapshot['digest']> {
  if (!(await input.has(1))) return null
  await input.ensure(20)
  const zxid = input.longNumber()
  const version = input.int()
  // Before version 2 a digest was a string, which nobody compares any more.
  if (version < 2) {
    input.skipAll()
    return null
  }
  const value = input.long()
  await input.checkSeal()
  return zxid > 0 ? { zxid, version, value } : null
}
