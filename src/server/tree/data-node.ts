import { Stat } from '../../protocol/stat.ts'
import type { Writer } from '../../protocol/writer.ts'
import type { Acl } from '../access/acl-table.ts'
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

  /** Whether it is no ephemeral, container or TTL znode. */
  get isOrdinary(): boolean {
    const { page, row } = this
    return page.getInt32(row + at.owner) === 0 && page.getInt32(row + at.owner + 4) === 0
  }

  /** Fills in the row of a znode that was just created. */
  initialize(zxid: number, time: number, owner: bigint): void {
    const { page, row } = this
    writeLong(page, row + at.czxid, zxid)
    writeLong(page, row + at.mzxid, zxid)
    writeLong(page, row + at.pzxid, zxid)
    writeLong(page, row + at.ctime, time)
    writeLong(page, row + at.mtime, time)
    if (owner !== 0n) this.#setOwner(owner)
  }

  #setOwner(owner: bigint): void {
    const { page, row } = this
    page.setBigInt64(row + at.owner, owner)
    // Clients see the owner of ephemerals alone: for containers and TTL znodes they are told 0.
    if (owner !== containerOwner && ownerKind(owner) === 'session') page.setBigInt64(row + at.ephemeralOwner, owner)
  }

  /** Fills in the row of a znode with its `Stat` as a snapshot has it: as bytes, which it is far quicker to copy. */
  restore(stat: DataView, start: number): void {
    const { page, row } = this
    // czxid, mzxid, ctime, mtime and version stand in the same order here and there.
    for (let i = 0; i < 36; i += 4) page.setInt32(row + i, stat.getInt32(start + i))
    page.setInt32(row + at.creates, stat.getInt32(start + 36))
    page.setInt32(row + at.aversion, stat.getInt32(start + 40))
    page.setInt32(row + at.pzxid, stat.getInt32(start + 52))
    page.setInt32(row + at.pzxid + 4, stat.getInt32(start + 56))
    this.#updateCversion()
    if (stat.getInt32(start + 44) !== 0 || stat.getInt32(start + 48) !== 0) {
      this.#setOwner(stat.getBigInt64(start + 44))
    }
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
