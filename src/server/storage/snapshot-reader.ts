import { gunzipSync } from 'node:zlib'

import { ProtocolError } from '../../common/errors.ts'
import { Reader } from '../../protocol/reader.ts'
import { vector } from '../../protocol/record.ts'
import { AclEntry } from '../../protocol/records.ts'
import type { Files } from '../../runtime/runtime.ts'
import { DataTree } from '../data-tree.ts'
import { parseQuotaSubject } from '../quota.ts'
import { WatchTables } from '../watch-table.ts'
import { adler32, adlerStart } from './adler32.ts'
import { FileHeader, fileHeaderSize, snapshotMagic } from './file-header.ts'
import type { DataFile } from './file-names.ts'

/** What a snapshot holds. */
export interface Snapshot {
  readonly zxid: number
  readonly watches: WatchTables
  readonly tree: DataTree
  /** Timeouts in milliseconds by session id. */
  readonly sessions: Map<bigint, number>
  /** What the tree must come to when the log was replayed up to a zxid; null if the snapshot does not say. */
  readonly digest: { readonly zxid: number; readonly version: number; readonly value: bigint } | null
}

const chunkSize = 1024 * 1024
const AclList = vector(AclEntry)
const openAcl: readonly AclEntry[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const openAclId = -1
/** Bytes of a znode behind its data: the number of its ACL and its persisted `Stat`. */
const nodeTail = 68

/**
 * Reads a snapshot, plain or gzipped.
 *
 * @throws {@link ProtocolError} for one that is damaged, unfinished, or compressed in another way
 */
export async function readSnapshot(files: Files, file: DataFile): Promise<Snapshot> {
  if (file.extension === 'gz') return await parse(new Input(gunzip(await files.readFile(file.path)), null), file.zxid)
  if (file.extension !== '') throw new ProtocolError(`snapshots compressed as ${file.extension} are not read`)
  const open = await files.open(file.path)
  try {
    return await parse(new Input(null, (position, size) => open.read(position, size)), file.zxid)
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

async function parse(input: Input, zxid: number): Promise<Snapshot> {
  await input.ensure(fileHeaderSize)
  const { magic } = input.record(fileHeaderSize, (reader) => FileHeader.read(reader))
  if (magic !== snapshotMagic) throw new ProtocolError('not a snapshot: it does not begin with ZKSN')
  const sessions = await readSessions(input)
  const acls = await readAcls(input)
  const watches = new WatchTables()
  const tree = new DataTree(watches)
  const limits = await readNodes(input, tree, acls)
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
  return { zxid, watches, tree, sessions, digest }
}

async function readSessions(input: Input): Promise<Map<bigint, number>> {
  await input.ensure(4)
  const sessions = new Map<bigint, number>()
  for (let left = input.int(); left > 0; left--) {
    if (input.isShort(12)) await input.ensure(12)
    const id = input.long()
    sessions.set(id, input.int())
  }
  return sessions
}

async function readAcls(input: Input): Promise<Map<number, readonly AclEntry[]>> {
  await input.ensure(4)
  const acls = new Map<number, readonly AclEntry[]>([[openAclId, openAcl]])
  for (let left = input.int(); left > 0; left--) {
    await input.ensure(8)
    const id = Number(input.long())
    acls.set(id, await input.growing((reader) => AclList.read(reader)))
  }
  return acls
}

/** Returns the paths of quotas' limits. */
async function readNodes(
  input: Input,
  tree: DataTree,
  entries: ReadonlyMap<number, readonly AclEntry[]>,
): Promise<string[]> {
  // Held as used until the end: the znodes of every tree let go of what they had.
  const acls = new Map(Array.from(entries, ([id, list]) => [id, tree.acls.acquire(list)]))
  const limits: string[] = []
  for (;;) {
    if (input.isShort(4)) await input.ensure(4)
    const pathSize = input.int()
    if (pathSize < 0) throw new ProtocolError('a znode without a path')
    if (input.isShort(pathSize + 4)) await input.ensure(pathSize + (pathSize === 1 ? 0 : 4))
    const path = input.text(pathSize)
    if (path === '/') {
      for (const acl of acls.values()) tree.acls.release(acl)
      return limits
    }
    const size = input.int()
    const rest = Math.max(0, size) + nodeTail
    if (input.isShort(rest)) await input.ensure(rest)
    const data = size === -1 ? null : input.bytes(size)
    const acl = acls.get(Number(input.long()))
    if (acl === undefined) throw new ProtocolError(`the ACL of ${path} is not in the snapshot`)
    const czxid = input.longNumber()
    const mzxid = input.longNumber()
    const ctime = input.longNumber()
    const mtime = input.longNumber()
    const version = input.int()
    const creates = input.int()
    const aversion = input.int()
    const owner = input.long()
    const pzxid = input.longNumber()
    const node = tree.restore(path, data, acl, owner)
    if (node === null) throw new ProtocolError(`the parent of ${path} is not in the snapshot`)
    node.restore(czxid, mzxid, ctime, mtime, version, creates, aversion, owner, pzxid)
    if (parseQuotaSubject(path) !== null) limits.push(path)
  }
}

async function readDigest(input: Input): Promise<Snapshot['digest']> {
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

type More = (position: number, size: number) => Promise<Buffer>

/** The bytes of a snapshot, as far as they were read in, and the checksum of what was taken of them. */
class Input {
  #buffer: Buffer
  #view: DataView
  #at = 0
  #summed = 0
  #sum = adlerStart
  #position = 0
  readonly #more: More | null

  constructor(whole: Buffer | null, more: More | null) {
    this.#buffer = whole ?? Buffer.alloc(0)
    this.#view = viewOf(this.#buffer)
    this.#more = more
  }

  isShort(size: number): boolean {
    return this.#buffer.length - this.#at < size
  }

  /** Reads on until there are so many bytes. @throws {@link ProtocolError} if there are not */
  async ensure(size: number): Promise<void> {
    if (!(await this.has(size))) throw new ProtocolError('it ends too early')
  }

  async has(size: number): Promise<boolean> {
    while (this.isShort(size)) {
      // A damaged length must not make a huge buffer before the file has shown that it has so many bytes.
      const wanted = Math.min(Math.max(size, chunkSize), 64 * chunkSize)
      const chunk = await this.#more?.(this.#position, wanted)
      if (chunk === undefined || chunk.length === 0) return false
      this.#position += chunk.length
      this.#sumUp()
      this.#buffer = Buffer.concat([this.#buffer.subarray(this.#at), chunk])
      this.#view = viewOf(this.#buffer)
      this.#at = this.#summed = 0
    }
    return true
  }

  int(): number {
    return this.#view.getInt32(this.#take(4))
  }

  long(): bigint {
    return this.#view.getBigInt64(this.#take(8))
  }

  longNumber(): number {
    const at = this.#take(8)
    return this.#view.getInt32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)
  }

  text(size: number): string {
    const at = this.#take(size)
    return this.#buffer.toString('utf8', at, at + size)
  }

  /** Bytes of their own. */
  bytes(size: number): Buffer {
    const at = this.#take(size)
    const bytes = Buffer.allocUnsafe(size)
    this.#buffer.copy(bytes, 0, at, at + size)
    return bytes
  }

  record<T>(size: number, read: (reader: Reader) => T): T {
    const at = this.#take(size)
    return read(Reader.over(this.#buffer.subarray(at, at + size)))
  }

  /** Something whose size only reading it tells. */
  async growing<T>(read: (reader: Reader) => T): Promise<T> {
    for (;;) {
      const reader = Reader.over(this.#buffer.subarray(this.#at))
      try {
        const value = read(reader)
        this.#at = this.#buffer.length - reader.remaining
        return value
      } catch (error) {
        if (!(await this.has(this.#buffer.length - this.#at + 1))) throw error
      }
    }
  }

  /** Passes over what was read in so far. */
  skipAll(): void {
    this.#at = this.#buffer.length
  }

  /** Compares the checksum that stands here with that of all bytes so far. */
  async checkSeal(): Promise<void> {
    this.#sumUp()
    const sum = this.#sum
    await this.ensure(13)
    if (this.long() !== BigInt(sum)) throw new ProtocolError('wrong checksum')
    this.#take(5)
  }

  #take(size: number): number {
    const at = this.#at
    if (size < 0 || at + size > this.#buffer.length) throw new ProtocolError('it ends too early')
    this.#at = at + size
    return at
  }

  #sumUp(): void {
    this.#sum = adler32(this.#buffer.subarray(this.#summed, this.#at), this.#sum)
    this.#summed = this.#at
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}
