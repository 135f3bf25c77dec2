import { int, long, record } from '../../protocol/record.ts'

/** What logs and snapshots begin with. */
export const FileHeader = record('FileHeader', { magic: int, version: int, dbid: long })

export const fileHeaderSize = 16

/** `ZKLG` */
export const logMagic = 0x5a4b_4c47
/** `ZKSN` */
export const snapshotMagic = 0x5a4b_534e

export const formatVersion = 2
