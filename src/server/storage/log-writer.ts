import { join } from 'node:path'

import { Writer } from '../../protocol/writer.ts'
import type { Files, OpenFile, Runtime } from '../../runtime/runtime.ts'
import { Summary } from '../summary.ts'
import type { Transaction, TransactionHeader } from '../tree/transaction.ts'
import { DataDirectoryError } from './data-directory-error.ts'
import { FileHeader, fileHeaderSize, formatVersion, logMagic } from './file-header.ts'
import { fileName } from './file-names.ts'
import { LogEncoder } from './log-codec.ts'
import type { TransactionDigest } from './transaction-codec.ts'

export interface LogWriterOptions {
  readonly runtime: Runtime
  readonly folder: string
  /** So many bytes are asked of the file system at once, so that most syncs need not write the file's size too. */
  readonly preallocate: number
  /** Called once, when a write failed: nothing that was not on disk by then ever will be. */
  readonly onFailure: (error: Error) => void
}

interface Waiter {
  readonly count: number
  readonly callback: () => void
}

/**
 * Appends transactions to the log. All that come in while the disk is busy with the last group are the next group: one
 * write and one sync for them all.
 */
export class LogWriter {
  /** How long each sync took, in ms. */
  readonly syncs = new Summary()
  readonly #options: LogWriterOptions
  readonly #files: Files
  readonly #encoder = new LogEncoder()
  #file: OpenFile | null = null
  #position = 0
  #allocated = 0
  /** Zxid of the first transaction that no file has yet. */
  #firstZxid: number | null = null
  /** The bytes up to here belong into the old file, when one is to be rolled. */
  #roll: { readonly bytes: Buffer; readonly firstZxid: number | null }[] = []
  #appended = 0
  #durable = 0
  #waiters: Waiter[] = []
  #busy: Promise<void> | null = null
  #failure: Error | null = null
  #closed = false
  /** Bytes in the log since it was last rolled. */
  #size = 0
  /** Bytes ever appended, and how many of them are on disk. */
  #bytes = 0
  #durableBytes = 0

  constructor(options: LogWriterOptions) {
    this.#options = options
    this.#files = options.runtime.files
  }

  /** Bytes appended since the log was last rolled. */
  get size(): number {
    return this.#size
  }

  /** Bytes appended that are not on disk yet. */
  get pending(): number {
    return this.#bytes - this.#durableBytes
  }

  get failure(): Error | null {
    return this.#failure
  }

  /** Whether everything appended is on disk. */
  get isDurable(): boolean {
    return this.#durable === this.#appended
  }

  append(header: TransactionHeader, transaction: Transaction, digest: TransactionDigest | null): void {
    if (this.#failure !== null) return
    // Another server may have the directory by now.
    if (this.#closed) throw new Error('the log is closed')
    const before = this.#encoder.pending
    this.#encoder.add(header, transaction, digest)
    const added = this.#encoder.pending - before
    this.#size += added
    this.#bytes += added
    this.#firstZxid ??= header.zxid
    this.#appended++
    // What else this input leads to belongs to the same group.
    this.#busy ??= new Promise<void>((resolve) => this.#options.runtime.defer(resolve)).then(() => this.#drain())
  }

  /** Has the next transaction begin a new file. */
  roll(): void {
    if (this.#firstZxid !== null) this.#roll.push({ bytes: this.#encoder.take(), firstZxid: this.#firstZxid })
    this.#roll.push(newFile)
    this.#firstZxid = null
    this.#size = 0
  }

  /** Calls back once all that was appended so far is on disk; never, if it could not be written. */
  whenDurable(callback: () => void): void {
    if (this.#failure !== null) return
    if (this.isDurable) callback()
    else this.#waiters.push({ count: this.#appended, callback })
  }

  /** Resolves once all that was appended so far is on disk; rejects if it cannot be. */
  async flush(): Promise<void> {
    const count = this.#appended
    while (this.#durable < count && this.#busy !== null) await this.#busy
    if (this.#durable < count && this.#failure !== null) throw this.#failure
  }

  /** Writes what is left, and cuts off what was allocated and not used. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#busy !== null) await this.#busy
    await this.#closeFile().catch(() => {})
  }

  async #drain(): Promise<void> {
    try {
      while (this.#durable < this.#appended) {
        const count = this.#appended
        const bytes = this.#bytes
        const rolls = this.#roll
        const rest = { bytes: this.#encoder.take(), firstZxid: this.#firstZxid }
        this.#roll = []
        this.#firstZxid = null
        for (const part of [...rolls, rest]) {
          if (part === newFile) await this.#closeFile()
          else if (part.firstZxid !== null) await this.#write(part.bytes, part.firstZxid)
        }
        await this.#sync()
        this.#durable = count
        this.#durableBytes = bytes
        this.#release()
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      this.#waiters = []
      this.#options.onFailure(this.#failure)
    } finally {
      this.#busy = null
    }
  }

  async #sync(): Promise<void> {
    const { runtime } = this.#options
    const began = runtime.now()
    await this.#file?.sync()
    this.syncs.add(runtime.now() - began)
  }

  #release(): void {
    const waiters = this.#waiters
    const left = waiters.findIndex(({ count }) => count > this.#durable)
    this.#waiters = left === -1 ? [] : waiters.slice(left)
    for (const { callback } of left === -1 ? waiters : waiters.slice(0, left)) callback()
  }

  async #write(bytes: Buffer, firstZxid: number): Promise<void> {
    this.#file ??= await this.#open(firstZxid)
    const { preallocate } = this.#options
    const end = this.#position + bytes.length
    if (preallocate > 0 && end > this.#allocated) {
      this.#allocated = Math.ceil(end / preallocate) * preallocate
      await this.#file.truncate(this.#allocated)
    }
    await this.#file.write(this.#position, bytes)
    this.#position = end
  }

  async #open(firstZxid: number): Promise<OpenFile> {
    const { folder } = this.#options
    const path = join(folder, fileName('log', firstZxid))
    const file = await this.#files.open(path, { create: true, exclusive: true }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      throw new DataDirectoryError(path, 'is there already: another server writes into this directory', {
        cause: error,
      })
    })
    try {
      const writer = new Writer(fileHeaderSize)
      FileHeader.write(writer, { magic: logMagic, version: formatVersion, dbid: 0n })
      await file.write(0, writer.take())
      // Else the header could be lost and what comes behind it kept.
      await file.sync()
      await this.#files.syncDirectory(folder)
    } catch (error) {
      await file.close().catch(() => {})
      throw error
    }
    this.#position = fileHeaderSize
    this.#allocated = fileHeaderSize
    return file
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    if (file === null) return
    this.#file = null
    try {
      if (this.#failure === null) {
        await file.truncate(this.#position)
        await file.sync()
      }
    } finally {
      await file.close()
    }
  }
}

const newFile = { bytes: Buffer.alloc(0), firstZxid: null }
