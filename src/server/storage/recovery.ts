import { dirname, join } from 'node:path'

import type { Files } from '../../runtime/runtime.ts'
import { DataTree } from '../tree/data-tree.ts'
import { WatchTables } from '../tree/watch-table.ts'
import { DataDirectoryError } from './data-directory-error.ts'
import { hex, listFiles, tornPrefix, type DataFile } from './file-names.ts'
import { isZero } from './log-codec.ts'
import { isDamage, readLog } from './log-reader.ts'
import { replay } from './replay.ts'
import { readSnapshot, type Snapshot } from './snapshot-reader.ts'
import type { StoredState } from './storage.ts'
import type { LoggedTransaction } from './transaction-codec.ts'
import { digestVersion, TreeDigest } from './tree-digest.ts'

/** What {@link recover} found. */
export interface Recovered extends StoredState {
  readonly digest: TreeDigest
  /** Sessions that nothing lists as alive, and that own ephemerals all the same: they are to be closed. */
  readonly orphans: readonly bigint[]
  /** How many transactions the logs held beyond the snapshot. */
  readonly replayed: number
  /** Whether there was nothing at all. */
  readonly isNew: boolean
}

const epochSize = 0x1_0000_0000

/**
 * Reads the newest whole snapshot and replays the logs behind it.
 *
 * @throws {@link DataDirectoryError} if some of what was acknowledged is not there
 */
export async function recover(files: Files, snapshotFolder: string, logFolder: string): Promise<Recovered> {
  const notices: string[] = []
  const snapshots = await listFiles(files, snapshotFolder, 'snapshot')
  const logs = await listFiles(files, logFolder, 'log')
  const snapshot = await newestWhole(files, snapshots, notices)
  if (snapshot === null && snapshots.length > 0 && logs[0]?.zxid !== 1) {
    throw new DataDirectoryError(snapshotFolder, `none of its snapshots is whole: ${notices.join('; ')}`)
  }
  if (snapshot === null && logs.length > 0) {
    if (logs[0]!.zxid !== 1) {
      const from = hex(logs[0]!.zxid)
      throw new DataDirectoryError(logFolder, `there is no snapshot, and the logs begin only with 0x${from}`)
    }
    notices.push(`${snapshotFolder}: no whole snapshot; the logs are replayed from the first transaction on`)
  }
  const run = new Recovery(snapshot ?? empty(), notices)
  await run.replayAll(files, logs)
  return { ...run.end(logFolder), isNew: snapshots.length === 0 && logs.length === 0 }
}

function empty(): Snapshot {
  const watches = new WatchTables()
  const tree = new DataTree(watches)
  return {
    zxid: 0,
    watches,
    tree,
    sum: new TreeDigest(tree).value,
    unknownAcl: null,
    sessions: new Map(),
    digest: null,
  }
}

async function newestWhole(files: Files, snapshots: readonly DataFile[], notices: string[]): Promise<Snapshot | null> {
  for (const file of snapshots.toReversed()) {
    try {
      return await readSnapshot(files, file)
    } catch (error) {
      if (!isDamage(error)) throw error
      notices.push(`${file.path}: passed over, as it is damaged or unfinished (${(error as Error).message})`)
    }
  }
  return null
}

class Recovery {
  readonly #snapshot: Snapshot
  readonly #digest: TreeDigest
  readonly #notices: string[]
  #lastZxid: number
  #replayed = 0
  /** While a snapshot that was taken of a changing tree is not caught up with, its digest says nothing. */
  #isFuzzy: boolean
  #mismatched = false

  constructor(snapshot: Snapshot, notices: string[]) {
    this.#snapshot = snapshot
    this.#notices = notices
    this.#digest = new TreeDigest(snapshot.tree, snapshot.sum)
    this.#lastZxid = snapshot.zxid
    this.#isFuzzy = snapshot.digest !== null && snapshot.digest.zxid > snapshot.zxid
    if (snapshot.digest?.zxid === snapshot.zxid) this.#compare(snapshot.zxid, snapshot.digest)
  }

  async replayAll(files: Files, logs: readonly DataFile[]): Promise<void> {
    const first = Math.max(
      0,
      logs.findLastIndex(({ zxid }) => zxid <= this.#snapshot.zxid + 1),
    )
    const empty: DataFile[] = []
    for (const log of logs.slice(first)) {
      let begun = false
      const { size, torn } = await readLog(files, log, (logged) => {
        if (!begun) this.#checkGap(log, logged.header.zxid)
        begun = true
        this.#replay(logged)
      })
      if (!begun) empty.push(log)
      if (torn === null) continue
      let notice = `${log.path}: ends in an unfinished write at byte ${size} (${torn}), which is left out`
      // An older log keeps its torn end: the next one goes on where it was torn, or the gap is found.
      if (log === logs.at(-1)) {
        const copy = await cut(files, log, size)
        if (copy !== null) notice += `, and kept as ${copy}`
      }
      this.#notices.push(notice)
    }
    // What comes next may need the name.
    for (const { path, zxid } of empty) if (zxid > this.#lastZxid) await files.remove(path)
  }

  /** @throws {@link DataDirectoryError} if the snapshot holds some of what is in no log */
  end(logFolder: string): Omit<Recovered, 'isNew'> {
    const { zxid, tree, watches, sessions, digest, unknownAcl } = this.#snapshot
    if (this.#isFuzzy && digest !== null) {
      throw new DataDirectoryError(
        logFolder,
        `the snapshot 0x${hex(zxid)} was still being written at 0x${hex(digest.zxid)}, but the logs end at ` +
          `0x${hex(this.#lastZxid)}: a log is missing, or cut. Restore it, or remove that snapshot to go back to an older one`,
      )
    }
    if (unknownAcl !== null && unknownAcl.uses > 0) {
      const [path] = Array.from(tree.entries()).find(([, { acl }]) => acl === unknownAcl)!
      throw new DataDirectoryError(
        logFolder,
        `the ACL of ${path === '' ? '/' : path} is neither in the snapshot 0x${hex(zxid)} nor in a log behind it: a log is missing, or cut. ` +
          'Restore it, or remove that snapshot to go back to an older one',
      )
    }
    const orphans = [...tree.ephemerals].filter(([id, paths]) => paths.size > 0 && !sessions.has(id))
    return {
      orphans: orphans.map(([id]) => id),
      lastZxid: this.#lastZxid,
      watches,
      tree,
      sessions,
      notices: this.#notices,
      digest: this.#digest,
      replayed: this.#replayed,
    }
  }

  #replay({ header, transaction, digest }: LoggedTransaction): void {
    if (header.zxid <= this.#lastZxid) return
    const { tree, sessions } = this.#snapshot
    replay(this.#digest, tree, header, transaction)
    if (transaction.type === 'createSession') sessions.set(header.sessionId, transaction.timeout)
    if (transaction.type === 'closeSession') sessions.delete(header.sessionId)
    this.#lastZxid = header.zxid
    this.#replayed++
    if (!this.#isFuzzy) {
      if (digest !== null) this.#compare(header.zxid, digest)
    } else if (header.zxid >= this.#snapshot.digest!.zxid) {
      this.#isFuzzy = false
      if (header.zxid === this.#snapshot.digest!.zxid) this.#compare(header.zxid, this.#snapshot.digest!)
    }
  }

  #checkGap(log: DataFile, zxid: number): void {
    const expected = this.#lastZxid + 1
    // A new leader begins a new epoch, and counts from its start.
    if (zxid <= expected || Math.floor(zxid / epochSize) !== Math.floor(this.#lastZxid / epochSize)) return
    throw new DataDirectoryError(
      log.path,
      `begins with 0x${hex(zxid)}, but 0x${hex(expected)} to 0x${hex(zxid - 1)} are in no log: a file is missing, or damaged`,
    )
  }

  #compare(zxid: number, digest: { readonly version: number; readonly value: bigint }): void {
    if (this.#mismatched || digest.version !== digestVersion) return
    if (BigInt.asIntN(64, this.#digest.value) === digest.value) return
    this.#mismatched = true
    this.#notices.push(`the tree is not the one that was written down, from 0x${hex(zxid)} on: its digest differs`)
  }
}

/**
 * Cuts a log to so many bytes. What it loses by that is kept beside it, in case it was more than a write that nobody was told
 * of: damage to a length looks no different. Returns where; null for nothing but zeros, or a header.
 */
async function cut(files: Files, { path, name }: DataFile, size: number): Promise<string | null> {
  const folder = dirname(path)
  const copy = join(folder, `${tornPrefix}${name}-${size}`)
  const file = await files.open(path)
  try {
    const rest = await file.read(size, (await file.size()) - size)
    const isKept = size > 0 && !isZero(rest, 0)
    if (isKept) {
      await write(files, copy, rest.subarray(0, rest.findLastIndex((byte) => byte !== 0) + 1))
      await files.syncDirectory(folder)
    }
    await file.truncate(size)
    await file.sync()
    return isKept ? copy : null
  } finally {
    await file.close()
  }
}

async function write(files: Files, path: string, bytes: Buffer): Promise<void> {
  const file = await files.open(path, { create: true })
  try {
    await file.write(0, bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}
