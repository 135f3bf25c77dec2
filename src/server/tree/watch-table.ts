import { eventTypes } from '../../protocol/constants.ts'
import type { Acl } from '../access/acl-table.ts'
import { Summary } from '../summary.ts'

/** A watcher is a connection: it is told of an event at most once, however many of its watches match. */
export interface Watcher {
  notify(event: WatchEvent, acl: Acl | null): void
}

/** What happened to a znode. */
export class WatchEvent {
  readonly type: number
  readonly path: string
  /** Zxid of the change; −1 for an event that setWatches makes up. */
  readonly zxid: number
  /** The notification on the wire, which is the same for every watcher. */
  frame: Buffer | null = null

  constructor(type: number, path: string, zxid: number) {
    this.type = type
    this.path = path
    this.zxid = zxid
  }
}

/**
 * Kinds of watch, as bits: one connection may have all three on one path (since ZOOKEEPER-4466; before, the last one
 * replaced the others).
 */
export const watchKinds = { standard: 1, persistent: 2, recursive: 4 } as const

const any = 7

/** Who was told of an event; the numbers mean nothing. */
export type Told = ReadonlyMap<Watcher, number>

/** How many watchers the events of each type had. */
export type FiredWatches = ReadonlyMap<number, Summary>

/** Of a watcher whose only watch was triggered; all share it, and nothing is ever in it. */
const noPaths = new Set<string>()

/** The watches of one sort, data or children, by path and by watcher. */
export class WatchTable {
  readonly #byPath = new Map<string, Map<Watcher, number>>()
  /** Most have one: it stands for itself. */
  readonly #byWatcher = new Map<Watcher, string | Set<string>>()
  /** How many watches are recursive; without any, a change need not look at its ancestors. */
  #recursive = 0
  readonly #fired: FiredWatches

  /** @param fired - takes how many watchers each event had */
  constructor(fired: FiredWatches) {
    this.#fired = fired
  }

  get pathCount(): number {
    return this.#byPath.size
  }

  /** Those count, too, whose last watch was triggered, as in ZooKeeper: until they remove one, or their connection ends. */
  get watcherCount(): number {
    return this.#byWatcher.size
  }

  /** One for each path of each watcher. */
  get size(): number {
    let size = 0
    for (const paths of this.#byWatcher.values()) size += typeof paths === 'string' ? 1 : paths.size
    return size
  }

  *paths(): IterableIterator<[path: string, watchers: Iterable<Watcher>]> {
    for (const [path, watchers] of this.#byPath) yield [path, watchers.keys()]
  }

  *watchers(): IterableIterator<[watcher: Watcher, paths: Iterable<string>]> {
    for (const [watcher, paths] of this.#byWatcher) yield [watcher, typeof paths === 'string' ? [paths] : paths]
  }

  add(path: string, watcher: Watcher, kind: number): void {
    let watchers = this.#byPath.get(path)
    if (watchers === undefined) {
      watchers = new Map()
      this.#byPath.set(path, watchers)
    }
    const kinds = watchers.get(watcher) ?? 0
    if ((kinds & kind) !== 0) return
    watchers.set(watcher, kinds | kind)
    if (kind === watchKinds.recursive) this.#recursive++
    if (kinds !== 0) return
    const paths = this.#byWatcher.get(watcher)
    if (paths === undefined || paths === noPaths) this.#byWatcher.set(watcher, path)
    else if (typeof paths === 'string') this.#byWatcher.set(watcher, new Set([paths, path]))
    else paths.add(path)
  }

  /** Whether there is a watch of this kind; of any kind by default. */
  has(path: string, watcher: Watcher, kind: number = any): boolean {
    return ((this.#byPath.get(path)?.get(watcher) ?? 0) & kind) !== 0
  }

  /** Removes a watch of this kind, or all of them; false if there was none. */
  remove(path: string, watcher: Watcher, kind: number = any): boolean {
    const watchers = this.#byPath.get(path)
    const kinds = watchers?.get(watcher) ?? 0
    if (watchers === undefined || (kinds & kind) === 0) return false
    this.#keep(path, watchers, watcher, kinds, kinds & ~kind)
    return true
  }

  /** Forgets a watcher altogether. */
  removeWatcher(watcher: Watcher): void {
    const paths = this.#byWatcher.get(watcher)
    if (paths === undefined) return
    if (typeof paths === 'string') this.remove(paths, watcher)
    else for (const path of paths) this.remove(path, watcher)
    this.#byWatcher.delete(watcher)
  }

  /**
   * Tells the watchers of `path`, and of its ancestors where the watch is recursive; one-shot watches end.
   *
   * @param suppress - these know already
   * @returns who was told, null for nobody
   */
  trigger(path: string, type: number, zxid: number, acl: Acl, suppress: Told | null = null): Told | null {
    const watchers = this.#byPath.get(path)
    let told = watchers === undefined ? null : this.#takeOneShots(path, watchers)
    if (this.#recursive > 0) told = this.#addAncestors(path, told)
    if (told === null) return null
    this.#fired.get(type)?.add(told.size)
    const event = new WatchEvent(type, path, zxid)
    for (const watcher of told.keys()) {
      if (suppress === null || !suppress.has(watcher)) watcher.notify(event, acl)
    }
    return told
  }

  /** Ends the one-shot watches of a path; returns all who watched. Where thousands do, each costs as little as can be. */
  #takeOneShots(path: string, watchers: Map<Watcher, number>): Map<Watcher, number> {
    let lasts = false
    for (const [watcher, kinds] of watchers) {
      if (kinds === watchKinds.standard) this.#spend(path, watcher)
      else lasts = true
    }
    if (!lasts) {
      this.#byPath.delete(path)
      return watchers
    }
    const told = new Map(watchers)
    for (const [watcher, kinds] of told) {
      if (kinds === watchKinds.standard) watchers.delete(watcher)
      else watchers.set(watcher, kinds & ~watchKinds.standard)
    }
    return told
  }

  #addAncestors(path: string, known: Map<Watcher, number> | null): Map<Watcher, number> | null {
    let told = known
    for (let at = path; at.length > 1;) {
      const slash = at.lastIndexOf('/')
      at = slash <= 0 ? '/' : at.slice(0, slash)
      const watchers = this.#byPath.get(at)
      if (watchers === undefined) continue
      for (const [watcher, kinds] of watchers) {
        if ((kinds & watchKinds.recursive) === 0) continue
        told ??= new Map()
        told.set(watcher, kinds)
      }
    }
    return told
  }

  #keep(path: string, watchers: Map<Watcher, number>, watcher: Watcher, before: number, after: number): void {
    if ((before & ~after & watchKinds.recursive) !== 0) this.#recursive--
    if (after !== 0) {
      watchers.set(watcher, after)
      return
    }
    watchers.delete(watcher)
    if (watchers.size === 0) this.#byPath.delete(path)
    this.#forget(path, watcher)
  }

  #spend(path: string, watcher: Watcher): void {
    const paths = this.#byWatcher.get(watcher)
    if (typeof paths === 'object') paths.delete(path)
    else this.#byWatcher.set(watcher, noPaths)
  }

  #forget(path: string, watcher: Watcher): void {
    const paths = this.#byWatcher.get(watcher)
    if (typeof paths !== 'object') {
      this.#byWatcher.delete(watcher)
      return
    }
    paths.delete(path)
    if (paths.size === 0) this.#byWatcher.delete(watcher)
  }
}

/** Data watches (which watches for existence are, too) and child watches. */
export class WatchTables {
  readonly fired: FiredWatches = new Map(Object.values(eventTypes).map((type) => [type, new Summary()]))
  readonly data = new WatchTable(this.fired)
  readonly child = new WatchTable(this.fired)

  get size(): number {
    return this.data.size + this.child.size
  }

  removeWatcher(watcher: Watcher): void {
    this.data.removeWatcher(watcher)
    this.child.removeWatcher(watcher)
  }
}
