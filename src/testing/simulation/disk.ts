import { posix } from 'node:path'

import type { AppendFile, Files, OpenFile } from '../../runtime/runtime.ts'
import type { SeededRandom } from './seeded-random.ts'

/** A failure of a file operation, with Node's `code`. */
function fileError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code, path })
}

interface DiskFile {
  bytes: Buffer
  /** How much of it survives a loss of power for certain, but for the {@link overwrites}. */
  durable: number
  /** Writes inside the durable part that may not outlive a loss of power: where, and what was there. */
  overwrites: { readonly position: number; readonly before: Buffer }[]
}

type Take = <T>(label: string, most: number, run: () => T) => Promise<T>

/** The process whose calls take time. */
export interface DiskUser {
  readonly host: { readonly random: SeededRandom }
  after(delay: number, kind: 'io', label: string, run: () => void): unknown
}

/** The files of one simulated host. They outlive its processes; what was not synced may not outlive a loss of power. */
export class Disk {
  readonly #files = new Map<string, DiskFile>()
  readonly #directories = new Set<string>(['/', '/tmp'])
  #temporary = 0
  /** Bytes that it can hold; `ENOSPC` beyond. */
  capacity: number = Number.POSITIVE_INFINITY

  /** Paths of all files, sorted. */
  list(): string[] {
    return [...this.#files.keys()].toSorted()
  }

  /** The content of a file, or undefined. */
  read(path: string): Buffer | undefined {
    return this.#files.get(resolve(path))?.bytes
  }

  /** Puts a file there, durably; makes its directory. For tests that prepare, or damage, what a process finds. */
  write(path: string, bytes: Uint8Array): void {
    this.makeDirectory(posix.dirname(resolve(path)))
    this.#files.set(resolve(path), { bytes: Buffer.from(bytes), durable: bytes.length, overwrites: [] })
  }

  /** Loses, of each file, a random part of what was not synced. */
  losePower(random: SeededRandom): void {
    for (const file of this.#files.values()) {
      const kept = random.integer(file.durable, file.bytes.length)
      file.bytes = Buffer.from(file.bytes.subarray(0, kept))
      file.durable = kept
      if (file.overwrites.length > 0) undoSome(file, random)
    }
  }

  /** Makes a directory and its parents. */
  makeDirectory(path: string): void {
    for (let at = resolve(path); !this.#directories.has(at); at = posix.dirname(at)) this.#directories.add(at)
  }

  /** The file system as a process on the host sees it: each call takes some virtual time. @internal */
  filesFor(process: DiskUser): Files {
    const { random } = process.host
    const take = <T>(label: string, most: number, run: () => T): Promise<T> =>
      new Promise((done, fail) => {
        process.after(random.between(0.01, most), 'io', label, () => {
          try {
            done(run())
          } catch (error) {
            fail(error)
          }
        })
      })
    return {
      readFile: (path) => take(`read ${path}`, 0.2, () => Buffer.from(this.#get(path).bytes)),
      writeFile: (path, data) => take(`write ${path}`, 1, () => this.#write(path, copyOf(data))),
      makeDirectory: (path) => take(`mkdir ${path}`, 0.2, () => this.makeDirectory(path)),
      makeTemporaryDirectory: (prefix) =>
        take(`mkdir ${prefix}`, 0.2, () => {
          const path = `/tmp/${prefix}${++this.#temporary}`
          this.makeDirectory(path)
          return path
        }),
      list: (path) => take(`list ${path}`, 0.2, () => this.#names(resolve(path))),
      exists: (path) =>
        take(`exists ${path}`, 0.2, () => this.#files.has(resolve(path)) || this.#directories.has(resolve(path))),
      rename: (from, to) => take(`rename ${from}`, 0.2, () => this.#rename(resolve(from), resolve(to))),
      remove: (path) => take(`remove ${path}`, 0.2, () => this.#remove(resolve(path))),
      append: (path) => take(`open ${path}`, 0.2, () => this.#append(path, take)),
      open: (path, options) => take(`open ${path}`, 0.2, () => this.#open(path, options ?? {}, take)),
      syncDirectory: (path) => take(`sync ${path}`, 5, () => {}),
    }
  }

  #make(path: string, empty: boolean): DiskFile {
    const key = resolve(path)
    if (!this.#directories.has(posix.dirname(key))) throw fileError('ENOENT', path)
    const old = empty ? undefined : this.#files.get(key)
    const file = old ?? { bytes: Buffer.alloc(0), durable: 0, overwrites: [] }
    this.#files.set(key, file)
    return file
  }

  #open(path: string, options: NonNullable<Parameters<Files['open']>[1]>, take: Take): OpenFile {
    const { create = false, exclusive = false } = options
    if (create && exclusive && this.#files.has(resolve(path))) throw fileError('EEXIST', path)
    const file = create ? this.#make(path, true) : this.#get(path)
    return {
      size: () => take(`size ${path}`, 0.1, () => file.bytes.length),
      read: (position, length) =>
        take(`read ${path}`, 0.2, () => Buffer.from(file.bytes.subarray(position, position + length))),
      write: (position, bytes) => {
        const copy = Buffer.from(bytes)
        return take(`write ${path}`, 0.1, () => {
          const end = position + copy.length
          if (end > file.bytes.length) {
            this.#reserve(path, end - file.bytes.length)
            file.bytes = Buffer.concat([file.bytes, Buffer.alloc(end - file.bytes.length)])
          }
          file.overwrites.push({ position, before: Buffer.from(file.bytes.subarray(position, end)) })
          copy.copy(file.bytes, position)
        })
      },
      ...this.#common(path, file, take),
    }
  }

  #append(path: string, take: Take): AppendFile {
    const file = this.#make(path, false)
    return {
      write: (bytes) => {
        const copy = Buffer.from(bytes)
        return take(`append ${path}`, 0.1, () => {
          this.#reserve(path, copy.length)
          file.bytes = Buffer.concat([file.bytes, copy])
        })
      },
      ...this.#common(path, file, take),
    }
  }

  #common(path: string, file: DiskFile, take: Take): Pick<AppendFile, 'sync' | 'truncate' | 'close'> {
    return {
      sync: () => {
        const size = file.bytes.length
        const last = file.overwrites.at(-1)
        return take(`sync ${path}`, 5, () => {
          file.durable = Math.max(file.durable, Math.min(size, file.bytes.length))
          if (last !== undefined) file.overwrites.splice(0, file.overwrites.indexOf(last) + 1)
        })
      },
      truncate: (size) =>
        take(`truncate ${path}`, 0.1, () => {
          this.#reserve(path, size - file.bytes.length)
          file.bytes = Buffer.concat([
            file.bytes.subarray(0, size),
            Buffer.alloc(Math.max(0, size - file.bytes.length)),
          ])
          file.durable = Math.min(file.durable, size)
        }),
      close: () => take(`close ${path}`, 0.1, () => {}),
    }
  }

  #get(path: string): DiskFile {
    const file = this.#files.get(resolve(path))
    if (file === undefined) throw fileError(this.#directories.has(resolve(path)) ? 'EISDIR' : 'ENOENT', path)
    return file
  }

  #write(path: string, bytes: Buffer): void {
    if (!this.#directories.has(posix.dirname(resolve(path)))) throw fileError('ENOENT', path)
    this.#reserve(path, bytes.length - (this.read(path)?.length ?? 0))
    this.#files.set(resolve(path), { bytes, durable: bytes.length, overwrites: [] })
  }

  #reserve(path: string, more: number): void {
    let used = 0
    for (const file of this.#files.values()) used += file.bytes.length
    if (more > 0 && used + more > this.capacity) throw fileError('ENOSPC', path)
  }

  #names(directory: string): string[] {
    if (this.#files.has(directory)) throw fileError('ENOTDIR', directory)
    return [...this.#files.keys(), ...this.#directories]
      .filter((path) => path !== '/' && posix.dirname(path) === directory)
      .map((path) => posix.basename(path))
  }

  #rename(from: string, to: string): void {
    if (this.#files.has(from)) {
      this.#files.set(to, this.#get(from))
      this.#files.delete(from)
      return
    }
    if (!this.#directories.has(from)) throw fileError('ENOENT', from)
    for (const [path, file] of [...this.#files]) {
      if (!path.startsWith(`${from}/`)) continue
      this.#files.set(to + path.slice(from.length), file)
      this.#files.delete(path)
    }
    for (const path of [...this.#directories]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.#directories.add(to + path.slice(from.length))
      this.#directories.delete(path)
    }
  }

  #remove(path: string): void {
    this.#files.delete(path)
    this.#directories.delete(path)
    for (const each of [...this.#files.keys()]) if (each.startsWith(`${path}/`)) this.#files.delete(each)
    for (const each of [...this.#directories]) if (each.startsWith(`${path}/`)) this.#directories.delete(each)
  }
}

/** Takes back a random number of the last overwrites, and of the next one a part of it. */
function undoSome(file: DiskFile, random: SeededRandom): void {
  const kept = random.integer(0, file.overwrites.length)
  for (let index = file.overwrites.length - 1; index >= kept; index--) {
    const { position, before } = file.overwrites[index]!
    const torn = index === kept ? random.integer(0, before.length) : 0
    before.copy(file.bytes, position + torn, torn)
  }
  file.overwrites = []
}

function resolve(path: string): string {
  return posix.resolve('/', path)
}

function copyOf(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? Buffer.from(data, 'utf8') : Buffer.from(data)
}
