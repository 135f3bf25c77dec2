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
  /** Writes that may not outlive a loss of power, each by itself: where, what was there, and what was written. */
  overwrites: { readonly position: number; readonly before: Buffer; readonly after: Buffer }[]
}

/** A change of names that may not outlive a loss of power: what had them before. */
interface NameChange {
  readonly directory: string
  readonly before: ReadonlyMap<string, DiskFile | undefined>
}

type Take = <T>(label: string, most: number, run: () => T) => Promise<T>

/** The process whose calls take time. */
export interface DiskUser {
  readonly host: { readonly random: SeededRandom }
  after(delay: number, kind: 'io', label: string, run: () => void): unknown
}

/**
 * The files of one simulated host. They outlive its processes; what was not synced may not outlive a loss of power. That
 * goes for their names as well as for their content: a file that was made, renamed or removed is where it was before,
 * until its directory was synced. Names of directories are durable at once.
 */
export class Disk {
  readonly #files = new Map<string, DiskFile>()
  /** In the order in which they were made. */
  #unsyncedNames: NameChange[] = []
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
    const key = resolve(path)
    this.makeDirectory(posix.dirname(key))
    this.#files.set(key, { bytes: Buffer.from(bytes), durable: bytes.length, overwrites: [] })
    this.#unsyncedNames = this.#unsyncedNames.filter(({ before }) => !before.has(key))
  }

  /** Loses, of each file and of the names in each directory, a random part of what was not synced. */
  losePower(random: SeededRandom): void {
    this.#undoSomeNames(random)
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
      syncDirectory: (path) => {
        const changes = new Set(this.#unsyncedNames.filter(({ directory }) => directory === resolve(path)))
        return take(`sync ${path}`, 5, () => {
          this.#unsyncedNames = this.#unsyncedNames.filter((change) => !changes.has(change))
        })
      },
    }
  }

  /** Gives names to files, and takes them from some: all of it, or nothing, outlives a loss of power. */
  #setNames(directory: string, changes: ReadonlyMap<string, DiskFile | undefined>): void {
    const before = new Map([...changes.keys()].map((path) => [path, this.#files.get(path)]))
    this.#unsyncedNames.push({ directory, before })
    for (const [path, file] of changes) this.#setName(path, file)
  }

  #setName(path: string, file: DiskFile | undefined): void {
    if (file === undefined) this.#files.delete(path)
    else this.#files.set(path, file)
  }

  /** Takes back, in each directory, a random number of the last changes. */
  #undoSomeNames(random: SeededRandom): void {
    const changes = this.#unsyncedNames
    this.#unsyncedNames = []
    const kept = new Map<string, number>()
    for (const directory of new Set(changes.map((change) => change.directory))) {
      kept.set(directory, random.integer(0, changes.filter((change) => change.directory === directory).length))
    }
    const isLost = ({ directory }: NameChange): boolean => {
      const left = kept.get(directory)!
      kept.set(directory, left - 1)
      return left <= 0
    }
    for (const { before } of changes.filter(isLost).toReversed()) {
      for (const [path, file] of before) {
        if (file !== undefined) this.makeDirectory(posix.dirname(path))
        this.#setName(path, file)
      }
    }
  }

  #make(path: string, empty: boolean): DiskFile {
    const key = resolve(path)
    if (!this.#directories.has(posix.dirname(key))) throw fileError('ENOENT', path)
    const old = this.#files.get(key)
    const file = old ?? { bytes: Buffer.alloc(0), durable: 0, overwrites: [] }
    if (old === undefined) this.#setNames(posix.dirname(key), new Map([[key, file]]))
    else if (empty) Object.assign(old, { bytes: Buffer.alloc(0), durable: 0, overwrites: [] })
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
          file.overwrites.push({ position, before: Buffer.from(file.bytes.subarray(position, end)), after: copy })
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
    this.#reserve(path, bytes.length - (this.read(path)?.length ?? 0))
    this.#make(path, true).bytes = bytes
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
    const isDirectory = !this.#files.has(from)
    if (isDirectory && !this.#directories.has(from)) throw fileError('ENOENT', from)
    const moved = [...this.#files].filter(([path]) => path === from || path.startsWith(`${from}/`))
    const changes = new Map<string, DiskFile | undefined>(moved.map(([path]) => [path, undefined]))
    for (const [path, file] of moved) changes.set(to + path.slice(from.length), file)
    this.#setNames(posix.dirname(to), changes)
    if (!isDirectory) return
    for (const path of [...this.#directories]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.#directories.add(to + path.slice(from.length))
      this.#directories.delete(path)
    }
  }

  #remove(path: string): void {
    for (const each of [...this.#files.keys()]) {
      if (each !== path && !each.startsWith(`${path}/`)) continue
      this.#setNames(posix.dirname(each), new Map([[each, undefined]]))
    }
    this.#directories.delete(path)
    for (const each of [...this.#directories]) if (each.startsWith(`${path}/`)) this.#directories.delete(each)
  }
}

/** Loses some of the writes, whichever they are, and of others all but the beginning: a disk writes as it sees fit. */
function undoSome(file: DiskFile, random: SeededRandom): void {
  for (const { position, before } of file.overwrites.toReversed()) before.copy(file.bytes, position)
  for (const { position, after } of file.overwrites) {
    const kept = random.chance(0.5) ? random.pick([0, after.length]) : random.integer(0, after.length)
    after.copy(file.bytes, position, 0, kept)
  }
  file.overwrites = []
}

function resolve(path: string): string {
  return posix.resolve('/', path)
}

function copyOf(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? Buffer.from(data, 'utf8') : Buffer.from(data)
}
