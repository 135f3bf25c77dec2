import { join } from 'node:path'

import type { Files, Runtime } from '../../runtime/runtime.ts'
import { Summary } from '../summary.ts'
import type { Transaction, TransactionHeader } from '../tree/transaction.ts'
import { DataDirectoryError } from './data-directory-error.ts'
import { keepEpochs } from './epochs.ts'
import { listFiles, unfinishedPrefix, versionFolder } from './file-names.ts'
import { lockFolder } from './folder-lock.ts'
import { LogWriter } from './log-writer.ts'
import { takeFolders } from './open-folders.ts'
import { recover, type Recovered } from './recovery.ts'
import { writeSnapshot } from './snapshot-writer.ts'
import type { DigestEntry, Storage, StorageSizes, StoredState } from './storage.ts'
import { digestVersion } from './tree-digest.ts'

export interface DataDirectoryOptions {
  readonly runtime: Runtime
  /** Holds `version-2`, with snapshots and logs. */
  readonly dataDir: string
  /** Holds `version-2` with the logs, where they are kept apart. Default: `dataDir`. */
  readonly dataLogDir?: string | undefined
  /** After so many transactions a snapshot is taken. Default 100,000, as ZooKeeper's `snapCount`. */
  readonly snapCount?: number | undefined
  /** How many snapshots, with the logs they need, are kept; 0 keeps all. Default 3. */
  readonly retainSnapshots?: number | undefined
  /** Bytes by which a log grows at a time; 0 for just what it needs. Default 4 MiB. */
  readonly preallocate?: number | undefined
  /** Bytes of a snapshot that are written at once: a millisecond or so in which nobody is served. Default 256 KiB. */
  readonly snapshotChunk?: number | undefined
  /** Above so many bytes that wait for the disk, it `isFull`. Default 32 MiB. */
  readonly maxPending?: number | undefined
  /** Called once, when a write failed: from then on nothing is acknowledged. */
  readonly onFailure: (error: Error) => void
  /** Called for what went wrong without a loss: a snapshot that could not be written. */
  readonly onNotice?: ((notice: string) => void) | undefined
}

/** As ZooKeeper keeps digests for whom asks. */
const digestInterval = 128
const mostDigests = 1024

/**
 * A data directory in ZooKeeper's own formats, which a real server opens, as this one opens a real server's. What a
 * quorum wrote beside logs and snapshots stays true: `acceptedEpoch` and `currentEpoch` are never behind the transactions.
 */
export class DataDirectory implements Storage {
  readonly digests: DigestEntry[] = []
  readonly #options: DataDirectoryOptions
  readonly #files: Files
  readonly #snapshotFolder: string
  readonly #logFolder: string
  readonly #log: LogWriter
  readonly #snapshots = new Summary()
  #state: Recovered | null = null
  #giveBack: () => void = () => {}
  readonly #unlock: (() => Promise<void>)[] = []
  #lastZxid = 0
  #sinceSnapshot = 0
  #snapshot: Promise<number> | null = null
  #sessions: () => Iterable<{ readonly id: bigint; readonly timeout: number }> = () => []

  constructor(options: DataDirectoryOptions) {
    const { runtime, dataDir, dataLogDir = dataDir, preallocate = 4 * 1024 * 1024, onFailure } = options
    this.#options = options
    this.#files = runtime.files
    this.#snapshotFolder = join(dataDir, versionFolder)
    this.#logFolder = join(dataLogDir, versionFolder)
    const folder = this.#logFolder
    const fail = (cause: Error): void => {
      onFailure(
        new DataDirectoryError(folder, `a write failed, so nothing more is acknowledged: ${cause.message}`, { cause }),
      )
    }
    this.#log = new LogWriter({ runtime, folder, preallocate, onFailure: fail })
  }

  async load(): Promise<StoredState> {
    const folders = new Set([this.#snapshotFolder, this.#logFolder])
    this.#giveBack = takeFolders(this.#files, folders)
    try {
      for (const folder of folders) {
        await this.#files.makeDirectory(folder)
        this.#unlock.push(await lockFolder(this.#options.runtime, folder))
      }
      return await this.#load()
    } catch (error) {
      await this.#log.close()
      await this.#release()
      throw error
    }
  }

  async #load(): Promise<StoredState> {
    const files = this.#files
    for (const name of await files.list(this.#snapshotFolder)) {
      if (name.startsWith(unfinishedPrefix)) await files.remove(join(this.#snapshotFolder, name))
    }
    const state = await recover(files, this.#snapshotFolder, this.#logFolder)
    this.#state = state
    this.#lastZxid = state.lastZxid
    this.#sinceSnapshot = state.replayed
    this.#sessions = () => Array.from(state.sessions, ([id, timeout]) => ({ id, timeout }))
    // ZooKeeper opens no directory that has logs and no snapshot.
    if (state.isNew || (await listFiles(files, this.#snapshotFolder, 'snapshot')).length === 0) await this.snapshot()
    this.#closeOrphans(state)
    const mended = await keepEpochs(files, this.#snapshotFolder, this.#lastZxid)
    return { ...state, lastZxid: this.#lastZxid, notices: [...state.notices, ...mended] }
  }

  /**
   * Ends sessions that own ephemerals and are over. ZooKeeper deletes such ephemerals when it loads, and takes a snapshot
   * of the rest; here it is written into the log, so that it comes before what is created in their place, whichever
   * snapshot the next recovery begins with.
   */
  #closeOrphans({ orphans, tree }: Recovered): void {
    const time = Math.floor(this.#options.runtime.wallClock())
    for (const sessionId of orphans) {
      const paths = [...(tree.ephemerals.get(sessionId) ?? [])]
      this.commit({ sessionId, xid: 0, zxid: this.#lastZxid + 1, time }, { type: 'closeSession', paths })
    }
  }

  watchSessions(sessions: () => Iterable<{ readonly id: bigint; readonly timeout: number }>): void {
    this.#sessions = sessions
  }

  commit(header: TransactionHeader, transaction: Transaction, applied?: (part: Transaction) => void): void {
    const { digest } = this.#loaded
    digest.apply(header, transaction, applied)
    this.#lastZxid = header.zxid
    const value = BigInt.asIntN(64, digest.value)
    this.#log.append(header, transaction, { version: digestVersion, value })
    if (header.zxid % digestInterval === 0) this.#noteDigest(header.zxid, value)
    const { snapCount = 100_000 } = this.#options
    if (++this.#sinceSnapshot < snapCount || this.#snapshot !== null) return
    this.snapshot().catch((error: unknown) => {
      this.#options.onNotice?.(`${this.#snapshotFolder}: no snapshot could be written: ${String(error)}`)
    })
  }

  get isDurable(): boolean {
    return this.#log.isDurable
  }

  get isFull(): boolean {
    const { maxPending = 32 * 1024 * 1024 } = this.#options
    return this.#log.pending > maxPending
  }

  get times(): Storage['times'] {
    return { syncs: this.#log.syncs, snapshots: this.#snapshots }
  }

  whenDurable(callback: () => void): void {
    this.#log.whenDurable(callback)
  }

  /** Takes a snapshot while the tree goes on changing, begins a new log, and removes what is not needed any more. */
  snapshot(): Promise<number> {
    this.#snapshot ??= this.#takeSnapshot().finally(() => {
      this.#snapshot = null
    })
    return this.#snapshot
  }

  async sizes(): Promise<StorageSizes> {
    const [snapshots, logs] = [this.#snapshotFolder, this.#logFolder].map((folder) => sizeOf(this.#files, folder))
    return { snapshots: (await snapshots) ?? 0, logs: (await logs) ?? 0 }
  }

  #noteDigest(zxid: number, value: bigint): void {
    this.digests.push({ zxid, value })
    if (this.digests.length > mostDigests) this.digests.shift()
  }

  async close(): Promise<void> {
    await this.#snapshot?.catch(() => {})
    await this.#log.close()
    await keepEpochs(this.#files, this.#snapshotFolder, this.#lastZxid).catch(() => {})
    await this.#release()
  }

  async #release(): Promise<void> {
    // A lock that cannot be removed holds nobody up once the process has ended.
    for (const unlock of this.#unlock.splice(0)) await unlock().catch(() => {})
    this.#giveBack()
  }

  get #loaded(): Recovered {
    if (this.#state === null) throw new Error('the data directory is not loaded')
    return this.#state
  }

  async #takeSnapshot(): Promise<number> {
    const { tree, digest } = this.#loaded
    this.#sinceSnapshot = 0
    this.#log.roll()
    const lastZxid = (): number => this.#lastZxid
    const sessions = this.#sessions
    const log = this.#log
    const { runtime } = this.#options
    const began = runtime.now()
    const zxid = await writeSnapshot(this.#files, this.#snapshotFolder, {
      tree,
      chunkSize: this.#options.snapshotChunk ?? 256 * 1024,
      get lastZxid() {
        return lastZxid()
      },
      get digest() {
        return digest.value
      },
      *sessions() {
        for (const { id, timeout } of sessions()) yield [id, timeout] as const
      },
      durable: () => log.flush(),
    })
    this.#snapshots.add(runtime.now() - began)
    await this.#purge()
    return zxid
  }

  async #purge(): Promise<void> {
    const { retainSnapshots = 3 } = this.#options
    if (retainSnapshots === 0) return
    const snapshots = await listFiles(this.#files, this.#snapshotFolder, 'snapshot')
    const oldest = snapshots.at(-retainSnapshots)
    if (oldest === undefined) return
    const logs = await listFiles(this.#files, this.#logFolder, 'log')
    // The log that was written to when the oldest one was taken holds what comes behind it.
    const needed = logs.findLastIndex(({ zxid }) => zxid <= oldest.zxid + 1)
    const useless = [...snapshots.slice(0, snapshots.indexOf(oldest)), ...logs.slice(0, Math.max(0, needed))]
    for (const { path } of useless) await this.#files.remove(path)
  }
}

/** In bytes. */
async function sizeOf(files: Files, folder: string): Promise<number> {
  let sum = 0
  for (const name of await files.list(folder)) {
    // What is removed meanwhile has no size.
    const file = await files.open(join(folder, name)).catch(() => null)
    if (file === null) continue
    sum += await file.size()
    await file.close()
  }
  return sum
}
