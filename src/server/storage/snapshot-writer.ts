import { join } from 'node:path'

import type { AclEntry } from '../../protocol/records.ts'
import { AclEntry as AclEntryRecord } from '../../protocol/records.ts'
import { vector } from '../../protocol/record.ts'
import { Writer } from '../../protocol/writer.ts'
import type { Files, OpenFile } from '../../runtime/runtime.ts'
import type { Acl } from '../access/acl-table.ts'
import type { DataNode } from '../tree/data-node.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { rowOffsets as at } from '../tree/stat-rows.ts'
import { adler32, adlerStart } from './adler32.ts'
import { FileHeader, formatVersion, snapshotMagic } from './file-header.ts'
import { fileName, unfinishedPrefix } from './file-names.ts'
import { digestVersion } from './tree-digest.ts'

/** What a snapshot is taken of, while it goes on changing. */
export interface SnapshotSource {
  readonly tree: DataTree
  /** Zxid of the last transaction that was applied. */
  readonly lastZxid: number
  /** Of the tree as it is after that transaction. */
  readonly digest: bigint
  /** Timeouts in milliseconds by session id. */
  sessions(): Iterable<readonly [id: bigint, timeout: number]>
  /** So many bytes are written at once: the tree changes only in between. */
  readonly chunkSize: number
  /** Resolves once every transaction applied so far is on disk. */
  durable(): Promise<void>
}

/** ZooKeeper's own mark for the open ACL; any other list gets a number in the snapshot's table. */
const openAclId = -1

const AclList = vector(AclEntryRecord)

/**
 * Writes a snapshot into the folder while the tree goes on changing: what it holds is no state that ever was, and
 * becomes one when the log from its zxid on is replayed. It gets its name when it is whole and on disk, and so is the log
 * up to what it holds. Returns the zxid it is named for.
 */
export async function writeSnapshot(files: Files, folder: string, source: SnapshotSource): Promise<number> {
  const zxid = source.lastZxid
  const name = fileName('snapshot', zxid)
  const unfinished = join(folder, `${unfinishedPrefix}${name}`)
  const file = await files.open(unfinished, { create: true })
  try {
    try {
      await new SnapshotFile(file).write(source, zxid)
      await file.sync()
    } finally {
      await file.close()
    }
    await source.durable()
    await files.rename(unfinished, join(folder, name))
    await files.syncDirectory(folder)
  } catch (error) {
    await files.remove(unfinished).catch(() => {})
    throw error
  }
  return zxid
}

class SnapshotFile {
  readonly #file: OpenFile
  readonly #writer = new Writer(65_536)
  #sum = adlerStart
  #position = 0

  constructor(file: OpenFile) {
    this.#file = file
  }

  async write(source: SnapshotSource, zxid: number): Promise<void> {
    const writer = this.#writer
    const { tree } = source
    // Sessions and ACLs are those of one moment: nothing is awaited until both are numbered.
    FileHeader.write(writer, { magic: snapshotMagic, version: formatVersion, dbid: -1n })
    const sessions = [...source.sessions()]
    writer.int(sessions.length)
    for (const [id, timeout] of sessions) {
      writer.long(id)
      writer.int(timeout)
    }
    const ids = numberAcls(tree.acls.values())
    writer.int(ids.size)
    for (const [acl, id] of ids) {
      writer.longNumber(id)
      AclList.write(writer, acl.entries)
      if (writer.length >= source.chunkSize) await this.#flush()
    }
    for (const [path, node] of tree.descend((znode) => znode.czxid <= zxid)) {
      writeNode(writer, path, node, idOf(ids, node.acl))
      if (writer.length >= source.chunkSize) await this.#flush()
    }
    writer.string('/')
    await this.#seal()
    writer.longNumber(source.lastZxid)
    writer.int(digestVersion)
    writer.long(BigInt.asIntN(64, source.digest))
    // As of the same moment, so nothing may be awaited between the two.
    const last = source.lastZxid
    await this.#seal()
    writer.longNumber(last)
    await this.#seal()
  }

  async #seal(): Promise<void> {
    await this.#flush()
    this.#writer.longNumber(this.#sum)
    this.#writer.string('/')
    await this.#flush()
  }

  async #flush(): Promise<void> {
    const bytes = this.#writer.take()
    const position = this.#position
    this.#sum = adler32(bytes, this.#sum)
    this.#position += bytes.length
    await this.#file.write(position, bytes)
  }
}

function numberAcls(acls: Iterable<Acl>): Map<Acl, number> {
  const ids = new Map<Acl, number>()
  for (const acl of acls) if (!isOpen(acl.entries)) ids.set(acl, ids.size + 1)
  return ids
}

/**
 * An ACL that is not in the table was set after the snapshot had begun: the log sets it again, and what stands here never
 * counts. A real server wants some ACL it knows.
 */
function idOf(ids: ReadonlyMap<Acl, number>, acl: Acl): number {
  return ids.get(acl) ?? openAclId
}

function isOpen(entries: readonly AclEntry[]): boolean {
  const [first] = entries
  return entries.length === 1 && first?.perms === 31 && first.id.scheme === 'world' && first.id.id === 'anyone'
}

function writeNode(writer: Writer, path: string, node: DataNode, acl: number): void {
  const { page, row } = node
  writer.string(path)
  writer.buffer(node.data)
  writer.longNumber(acl)
  for (let i = 0; i < 36; i += 4) writer.int(page.getInt32(row + at.czxid + i))
  writer.int(node.creates)
  writer.int(node.aversion)
  writer.long(node.owner)
  writer.longNumber(node.pzxid)
}
