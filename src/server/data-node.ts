import { Stat } from '../protocol/stat.ts'
import type { Writer } from '../protocol/writer.ts'
import type { Acl } from './acl-table.ts'
import { containerOwner, ownerKind } from './owner.ts'
import { readLong, rowOffsets as at, writeLong, writeRow } from './stat-rows.ts'

/** What the checks of a write need to know of a znode: the znode itself, or what a transaction under way made of it. */
export interface NodeView {
  readonly acl: Acl
  readonly data: Uint8Array | null
  readonly version: number
  readonly aversion: number
  /** How many children were ever created. */
  readonly creates: number
  readonly numChildren: number
  /** The session of an ephemeral, the mark of a container or TTL znode, or 0. */
  readonly owner: bigint
}

/** One znode. Its path is the key in the tree; its `Stat` is a row of `StatRows`. */
export class DataNode implements NodeView {
  data: Uint8Array | null
  acl: Acl
  children: Set<string> | null = null
  readonly page: DataView
  readonly row: number

  constructor(data: Uint8Array | null, acl: Acl, page: DataView, row: number) {
    this.data = data
    this.acl = acl
    this.page = page
    this.row = row
    page.setInt32(row + at.dataLength, data === null ? 0 : data.length)
  }

  get version(): number {
    return this.page.getInt32(this.row + at.version)
  }

  get aversion(): number {
    return this.page.getInt32(this.row + at.aversion)
  }

  set aversion(value: number) {
    this.page.setInt32(this.row + at.aversion, value)
  }

  get creates(): number {
    return this.page.getInt32(this.row + at.creates)
  }

  set creates(value: number) {
    this.page.setInt32(this.row + at.creates, value)
    this.#updateCversion()
  }

  get numChildren(): number {
    return this.page.getInt32(this.row + at.numChildren)
  }

  get czxid(): number {
    return readLong(this.page, this.row + at.czxid)
  }

  get mzxid(): number {
    return readLong(this.page, this.row + at.mzxid)
  }

  get pzxid(): number {
    return readLong(this.page, this.row + at.pzxid)
  }

  set pzxid(value: number) {
    writeLong(this.page, this.row + at.pzxid, value)
  }

  get ctime(): number {
    return readLong(this.page, this.row + at.ctime)
  }

  get mtime(): number {
    return readLong(this.page, this.row + at.mtime)
  }

  get cversion(): number {
    return this.page.getInt32(this.row + at.cversion)
  }

  get owner(): bigint {
    return this.page.getBigInt64(this.row + at.owner)
  }

  /** Fills in the row of a znode that was just created. */
  initialize(zxid: number, time: number, owner: bigint): void {
    const { page, row } = this
    writeLong(page, row + at.czxid, zxid)
    writeLong(page, row + at.mzxid, zxid)
    writeLong(page, row + at.pzxid, zxid)
    writeLong(page, row + at.ctime, time)
    writeLong(page, row + at.mtime, time)
    if (owner === 0n) return
    page.setBigInt64(row + at.owner, owner)
    // Clients see the owner of ephemerals alone: for containers and TTL znodes they are told 0.
    if (owner !== containerOwner && ownerKind(owner) === 'session') page.setBigInt64(row + at.ephemeralOwner, owner)
  }

  /** Fills in the row of a znode out of a snapshot, in the order of its fields there. */
  restore(
    czxid: number,
    mzxid: number,
    ctime: number,
    mtime: number,
    version: number,
    creates: number,
    aversion: number,
    owner: bigint,
    pzxid: number,
  ): void {
    this.initialize(czxid, ctime, owner)
    const { page, row } = this
    writeLong(page, row + at.mzxid, mzxid)
    writeLong(page, row + at.mtime, mtime)
    page.setInt32(row + at.version, version)
    page.setInt32(row + at.aversion, aversion)
    this.creates = creates
    this.pzxid = pzxid
  }

  setData(data: Uint8Array | null, version: number, zxid: number, time: number): void {
    const { page, row } = this
    this.replaceData(data)
    page.setInt32(row + at.version, version)
    writeLong(page, row + at.mzxid, zxid)
    writeLong(page, row + at.mtime, time)
  }

  /** Changes the data and leaves no trace in the `Stat`: quota counters are kept so. */
  replaceData(data: Uint8Array | null): void {
    this.data = data
    this.page.setInt32(this.row + at.dataLength, data === null ? 0 : data.length)
  }

  addChild(name: string): void {
    this.children ??= new Set()
    this.children.add(name)
    this.#countChildren()
  }

  removeChild(name: string): void {
    this.children?.delete(name)
    this.#countChildren()
  }

  stat(): Stat {
    const { page, row } = this
    return Stat.from({
      czxid: page.getBigInt64(row + at.czxid),
      mzxid: page.getBigInt64(row + at.mzxid),
      ctime: this.ctime,
      mtime: this.mtime,
      version: this.version,
      cversion: this.cversion,
      aversion: this.aversion,
      ephemeralOwner: page.getBigInt64(row + at.ephemeralOwner),
      dataLength: page.getInt32(row + at.dataLength),
      numChildren: this.numChildren,
      pzxid: page.getBigInt64(row + at.pzxid),
    })
  }

  writeStat(writer: Writer): void {
    writeRow(writer, this.page, this.row)
  }

  #countChildren(): void {
    this.page.setInt32(this.row + at.numChildren, this.children?.size ?? 0)
    this.#updateCversion()
  }

  #updateCversion(): void {
    this.page.setInt32(this.row + at.cversion, this.creates * 2 - this.numChildren)
  }
}
