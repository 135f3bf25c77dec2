import type { Reader } from './reader.ts'
import { int, long, longNumber, record, type RecordType } from './record.ts'
import type { Writer } from './writer.ts'

/** The fields of a {@link Stat} without its methods: as {@link Stat.from} takes them. */
export type StatFields = Omit<Stat, 'toJSON' | 'ownerSessionId'>

/** What ZooKeeper knows of a znode beside its data. Kazoo's `ZnodeStat`. */
export class Stat {
  /** Zxid of the transaction that created the znode. */
  readonly czxid: bigint
  /** Zxid of the last change of its data. */
  readonly mzxid: bigint
  /** When it was created: milliseconds since 1970, by the server's clock. */
  readonly ctime: number
  /** When its data last changed: milliseconds since 1970, by the server's clock. */
  readonly mtime: number
  /** How often its data changed; what `set` and `delete` compare. */
  readonly version: number
  /** How often its list of children changed. */
  readonly cversion: number
  /** How often its ACL changed; what `setAcls` compares. */
  readonly aversion: number
  /** The session that owns the ephemeral; 0 for all others, as servers show containers and TTL znodes, too. */
  readonly ephemeralOwner: bigint
  /** Size of its data in bytes. */
  readonly dataLength: number
  /** How many children it has. */
  readonly numChildren: number
  /** Zxid of the last change of its list of children. */
  readonly pzxid: bigint

  constructor(
    czxid: bigint,
    mzxid: bigint,
    ctime: number,
    mtime: number,
    version: number,
    cversion: number,
    aversion: number,
    ephemeralOwner: bigint,
    dataLength: number,
    numChildren: number,
    pzxid: bigint,
  ) {
    this.czxid = czxid
    this.mzxid = mzxid
    this.ctime = ctime
    this.mtime = mtime
    this.version = version
    this.cversion = cversion
    this.aversion = aversion
    this.ephemeralOwner = ephemeralOwner
    this.dataLength = dataLength
    this.numChildren = numChildren
    this.pzxid = pzxid
  }

  /** A `Stat` of these fields. */
  static from(fields: StatFields): Stat {
    return statOf(fields)
  }

  /** The session that owns the ephemeral; null for a znode of any other kind. Kazoo's `owner_session_id`. */
  get ownerSessionId(): bigint | null {
    // Containers and TTL znodes mark themselves by the sign bit, which no session id of theirs has together with
    // their marker bytes: 0x80000000_00000000 is a container, 0xff…… a TTL znode (EphemeralType in the server).
    const owner = this.ephemeralOwner
    if (owner === 0n || owner === containerOwner || BigInt.asUintN(64, owner) >> 56n === 0xffn) return null
    return owner
  }

  /** Plain values for JSON: zxids and the owner become decimal strings, as they pass 2^53. */
  toJSON(): Record<keyof StatFields, string | number> {
    return {
      czxid: this.czxid.toString(),
      mzxid: this.mzxid.toString(),
      ctime: this.ctime,
      mtime: this.mtime,
      version: this.version,
      cversion: this.cversion,
      aversion: this.aversion,
      ephemeralOwner: this.ephemeralOwner.toString(),
      dataLength: this.dataLength,
      numChildren: this.numChildren,
      pzxid: this.pzxid.toString(),
    }
  }
}

/** Outside of the class, because the bundler renames a class that names itself. */
function statOf(fields: StatFields): Stat {
  return new Stat(
    fields.czxid,
    fields.mzxid,
    fields.ctime,
    fields.mtime,
    fields.version,
    fields.cversion,
    fields.aversion,
    fields.ephemeralOwner,
    fields.dataLength,
    fields.numChildren,
    fields.pzxid,
  )
}

const containerOwner = -0x8000_0000_0000_0000n

/** The record as the table has it; {@link StatRecord} is the same by hand, and a property test holds them equal. */
export const statTable: RecordType<StatFields> = record('Stat', {
  czxid: long,
  mzxid: long,
  ctime: longNumber,
  mtime: longNumber,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
})

export const statSize = 68

/** Nearly every reply carries a `Stat`: read with one check of the length and no table. */
export const StatRecord: RecordType<Stat> = {
  name: 'Stat',
  least: statSize,
  read: readStat,
  write: (writer: Writer, stat: StatFields) => statTable.write(writer, stat),
}

export function readStat(reader: Reader): Stat {
  const at = reader.take(statSize)
  const view = reader.view
  return new Stat(
    view.getBigInt64(at),
    view.getBigInt64(at + 8),
    view.getInt32(at + 16) * 0x1_0000_0000 + view.getUint32(at + 20),
    view.getInt32(at + 24) * 0x1_0000_0000 + view.getUint32(at + 28),
    view.getInt32(at + 32),
    view.getInt32(at + 36),
    view.getInt32(at + 40),
    view.getBigInt64(at + 44),
    view.getInt32(at + 52),
    view.getInt32(at + 56),
    view.getBigInt64(at + 60),
  )
}
