import { parentPath, removeChroot } from '../../common/paths.ts'
import { reportUncaught } from '../../common/report-uncaught.ts'
import { eventTypes } from '../../protocol/constants.ts'

/** What happened to a znode, in Kazoo's words: `CHANGED` is its data, `CHILD` its list of children. */
export type EventType = 'CREATED' | 'DELETED' | 'CHANGED' | 'CHILD'

/** What a watch is called with. */
export interface WatchedEvent {
  /** What happened. */
  readonly type: EventType
  /** The caller's path, chroot removed. */
  readonly path: string
  /** The transaction that it tells of; only servers from 3.9 on say so (ZOOKEEPER-4655). */
  readonly zxid?: bigint
}

/**
 * A function given as `watch`: called at most once, at the next change, in the order in which events and replies arrived.
 * What it throws is reported as an uncaught exception.
 */
export type WatchListener = (event: WatchedEvent) => void

/**
 * Watches by what sets them: the one-shot ones of `get`, of `exists` on a missing znode and of `getChildren`, and those
 * that last, on one znode (`persistent`) or on all below it too (`recursive`).
 */
export type WatchKind = 'data' | 'exist' | 'child' | 'persistent' | 'recursive'

type OneShotKind = Exclude<WatchKind, 'persistent' | 'recursive'>

interface Watcher {
  readonly listener: WatchListener
  readonly chroot: string
}

/** Nearly every path has one watcher; an array for one would double what a watch costs. */
type Watchers = Watcher | Watcher[]

const names: ReadonlyMap<number, EventType> = new Map([
  [eventTypes.created, 'CREATED'],
  [eventTypes.deleted, 'DELETED'],
  [eventTypes.dataChanged, 'CHANGED'],
  [eventTypes.childrenChanged, 'CHILD'],
])

/** Which one-shot kinds an event ends, by ZooKeeper's own table (`WatchManager`, `ZKWatchManager`). */
const ends: Record<EventType, readonly OneShotKind[]> = {
  CREATED: ['data', 'exist'],
  CHANGED: ['data', 'exist'],
  CHILD: ['child'],
  DELETED: ['data', 'exist', 'child'],
}

/**
 * The watches that the session has set, by the server's path. A listener registered twice for the same path and kind is
 * called once for an event.
 */
export class WatchRegistry {
  readonly #kinds: Record<WatchKind, Map<string, Watchers>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
    persistent: new Map(),
    recursive: new Map(),
  }

  /** No recursive watch is on a longer path. */
  #longestRecursive = 0

  /** How many paths have a watch, the kinds counted apart. */
  get size(): number {
    return Object.values(this.#kinds).reduce((size, map) => size + map.size, 0)
  }

  add(kind: WatchKind, path: string, listener: WatchListener, chroot: string): void {
    const map = this.#kinds[kind]
    if (kind === 'recursive') this.#longestRecursive = Math.max(this.#longestRecursive, path.length)
    const present = map.get(path)
    const watcher: Watcher = { listener, chroot }
    if (present === undefined) {
      map.set(path, watcher)
      return
    }
    const list = listOf(present)
    if (list.some((other) => other.listener === listener && other.chroot === chroot)) return
    list.push(watcher)
    map.set(path, list)
  }

  /** Forgets a watch. True if there was one, and nobody else has one of this kind on the path. */
  remove(kind: WatchKind, path: string, listener: WatchListener): boolean {
    const map = this.#kinds[kind]
    const present = map.get(path)
    if (present === undefined) return false
    const rest = listOf(present).filter((watcher) => watcher.listener !== listener)
    if (rest.length > 0) map.set(path, rest)
    else map.delete(path)
    return rest.length === 0
  }

  hasListener(kind: WatchKind, path: string, listener: WatchListener): boolean {
    const present = this.#kinds[kind].get(path)
    return present !== undefined && listOf(present).some((watcher) => watcher.listener === listener)
  }

  /** Whether there is a watch of that kind on the path. */
  has(kind: WatchKind, path: string): boolean {
    return this.#kinds[kind].has(path)
  }

  /** Whether there is a one-shot watch on the path. */
  hasOneShot(path: string): boolean {
    const { data, exist, child } = this.#kinds
    return data.has(path) || exist.has(path) || child.has(path)
  }

  /**
   * Whether a watch that lasts tells all that a one-shot watch of data or children on its path would be told. Then the
   * server need not be asked for the one-shot watch, and up to 3.8 must not: it would take the place of the other
   * (ZOOKEEPER-4466).
   */
  isCovered(kind: 'data' | 'child', path: string): boolean {
    const { persistent, recursive } = this.#kinds
    return persistent.has(path) || (kind === 'data' && recursive.has(path))
  }

  /** The paths watched, for re-arming them after a reconnect. */
  paths(kind: WatchKind): Iterable<string> {
    return this.#kinds[kind].keys()
  }

  /** The session is over, and its watches with it. */
  clear(): void {
    for (const map of Object.values(this.#kinds)) map.clear()
  }

  /**
   * Takes out the watches that an event ends and calls them one microtask later: after the code that awaits a reply
   * which came before the event, and before that which awaits a later one.
   */
  dispatch(wireType: number, path: string, zxid: bigint): void {
    const type = names.get(wireType)
    if (type === undefined) return
    const calls = this.#endedBy(type, path)
    this.#addLasting(type, path, calls)
    this.#call(calls, type, path, zxid)
    if (zxid <= 0n && (type === 'CREATED' || type === 'DELETED')) this.#tellParent(path)
  }

  /**
   * Up to 3.8 a recursive watch takes the place of those that would be told of the list of children of its path: what
   * it says of the children is all they hear. Servers that keep them apart number their events, and tell each.
   */
  #tellParent(path: string): void {
    const { persistent, recursive } = this.#kinds
    if (recursive.size === 0) return
    const parent = parentPath(path)
    if (!recursive.has(parent)) return
    const calls = this.#endedBy('CHILD', parent)
    const lasting = persistent.get(parent)
    if (lasting !== undefined) addCalls(calls, lasting)
    this.#call(calls, 'CHILD', parent, 0n)
  }

  #call(calls: readonly Watcher[], type: EventType, path: string, zxid: bigint): void {
    if (calls.length === 0) return
    queueMicrotask(() => {
      for (const { listener, chroot } of calls) {
        const callerPath = removeChroot(chroot, path)
        try {
          listener(zxid > 0n ? { type, path: callerPath, zxid } : { type, path: callerPath })
        } catch (error) {
          reportUncaught(error)
        }
      }
    })
  }

  /** Takes out the one-shot watches that an event ends. */
  #endedBy(type: EventType, path: string): Watcher[] {
    const calls: Watcher[] = []
    for (const kind of ends[type]) {
      const map = this.#kinds[kind]
      const watchers = map.get(path)
      if (watchers === undefined) continue
      map.delete(path)
      addCalls(calls, watchers)
    }
    return calls
  }

  #addLasting(type: EventType, path: string, calls: Watcher[]): void {
    const { persistent, recursive } = this.#kinds
    const here = persistent.get(path)
    if (here !== undefined) addCalls(calls, here)
    // A change of the list of children is told by the children themselves; the event is another watch's on this path.
    if (recursive.size === 0 || type === 'CHILD') return
    // From where the paths are as short as those watched: what a server sends may have millions of components.
    const longest = this.#longestRecursive
    const first = path.length <= longest ? path : parentPath(path.slice(0, longest + 1))
    for (let at = first; ; at = parentPath(at)) {
      const above = recursive.get(at)
      if (above !== undefined) addCalls(calls, above)
      if (at === '/') return
    }
  }
}

function listOf(watchers: Watchers): Watcher[] {
  return 'listener' in watchers ? [watchers] : watchers
}

/** The same function, on data and children of a deleted znode say, hears of an event once. */
function addCalls(calls: Watcher[], watchers: Watchers): void {
  for (const watcher of listOf(watchers)) {
    const isKnown = calls.some(({ listener, chroot }) => listener === watcher.listener && chroot === watcher.chroot)
    if (!isKnown) calls.push(watcher)
  }
}
