import { join } from 'node:path'

import type { Files } from '../../runtime/runtime.ts'

export type FileKind = 'log' | 'snapshot'

/** A log or a snapshot in a data directory. */
export interface DataFile {
  readonly path: string
  readonly name: string
  /** Of a log: that of its first transaction. Of a snapshot: what is in it at the least. */
  readonly zxid: number
  /** How a snapshot is compressed; empty for not at all. */
  readonly extension: string
}

/** The folder within `dataDir` (and `dataLogDir`): 2 is the version of the formats. */
export const versionFolder = 'version-2'

/**
 * What names of unfinished snapshots begin with. ZooKeeper itself takes `snapshot.1f.tmp` for a snapshot.
 */
export const unfinishedPrefix = 'unfinished.'

/** What the names of copies begin with: of the ends that were cut off logs. */
export const tornPrefix = 'torn.'

export function fileName(kind: FileKind, zxid: number): string {
  return `${kind}.${hex(zxid)}`
}

/** All files of a kind, the oldest first. */
export async function listFiles(files: Files, folder: string, kind: FileKind): Promise<DataFile[]> {
  const found: DataFile[] = []
  for (const name of await files.list(folder)) {
    const [prefix, digits = '', ...rest] = name.split('.')
    if (prefix !== kind || !/^[0-9a-f]{1,16}$/i.test(digits)) continue
    found.push({ path: join(folder, name), name, zxid: Number.parseInt(digits, 16), extension: rest.join('.') })
  }
  return found.toSorted((a, b) => a.zxid - b.zxid)
}

/** A zxid as ZooKeeper shows it, without the `0x`. */
export function hex(zxid: number): string {
  return zxid.toString(16)
}
