import { removeChroot } from '../common/paths.ts'
import { reportUncaught } from '../common/report-uncaught.ts'
import { eventTypes } from '../protocol/constants.ts'

/** What happened to a znode, in Kazoo's words: `CHANGED` is its data, `CHILD` its list of children. */
export type EventType = 'CREATED' | 'DELETED' | 'CHANGED' | 'CHILD'

/** What a watch is called with. */
export interface WatchedEvent {
  readonly type: EventType
  /** The caller's path, chroot removed. */
  readonly path: string
  /** The transaction that it tells of; only servers from 3.9 on say so (ZOOKEEPER-4655). */
  readonly zxid?: bigint
}

export type WatchListener = (event: WatchedEvent) => void

/** One-shot watches by what sets them: `get`, `exists` on a missing znode, `getChildren`. */
export type WatchKind = 'data' | 'exist' | 'child'

interface Watcher {
  readonly listener: WatchListener
  readonly chroot: string
}

/** Nearly every path has one watcher; an array for one would double what a watch costs. */
type Watchers = Watcher | readonly Watcher[]

const names: ReadonlyMap<number, EventType> = new Map([
  [eventTypes.created, 'CREATED'],
  [eventTypes.deleted, 'DELETED'],
  [eventTypes.dataChanged, 'CHANGED'],
  [eventTypes.childrenChanged, 'CHILD'],
])

/** Which kinds an event ends, by ZooKeeper's own table (`WatchManager`, `ZKWatchManager`). */
const ends: Record<EventType, readonly WatchKind[]> = {
  CREATED: ['data', 'exist'],
  CHANGED: ['data', 'exist'],
  CHILD: ['child'],
  DELETED: ['data', 'exist', 'child'],
}

/**
 * The one-shot watches that the session has set, by the server's path. A listener registered twice for the same path
 * and kind is called once.
 */
export class WatchRegistry {
  readonly #kinds: Record<WatchKind, Map<string, Watchers>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  }

  /** How many paths have a watch, the kinds counted apart. */
  get size(): number {
    const { data, exist, child } = this.#kinds
    return data.size + exist.size + child.size
  }

  add(kind: WatchKind, path: string, listener: WatchListener, chroot: string): void {
    const map = this.#kinds[kind]
    const present = map.get(path)
    const watcher: Watcher = { listener, chroot }
    if (present === undefined) {
      map.set(path, watcher)
      return
    }
    const list = 'listener' in present ? [present] : present
    if (list.some((other) => other.listener === listener && other.chroot === chroot)) return
    map.set(path, [...list, watcher])
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
    const called = new Set<WatchListener>()
    const calls: Watcher[] = []
    for (const kind of ends[type]) {
      const map = this.#kinds[kind]
      const watchers = map.get(path)
      if (watchers === undefined) continue
      map.delete(path)
      for (const watcher of 'listener' in watchers ? [watchers] : watchers) {
        // The same function on data and children of a deleted znode hears of it once.
        if (called.has(watcher.listener)) continue
        called.add(watcher.listener)
        calls.push(watcher)
      }
    }
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
}
