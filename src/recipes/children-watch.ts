import type { ChildrenAndStat, KazooClient, WatchListener, WatchedEvent } from '../client/index.ts'
import { NoNodeError } from '../common/errors.ts'
import { ZnodeWatch } from './znode-watch.ts'

/**
 * Called with the names of a znode's children, null while there is no such znode, and with the event that led to it, if
 * one did. Returning `false` ends the watch. A returned promise is waited for before the next call.
 */
export type ChildrenWatchFunction = (children: string[] | null, event: WatchedEvent | undefined) => unknown

/**
 * Follows the children of a znode: now and on every change, over reconnects, new sessions, and while the znode does not
 * exist. Only the list is watched, not the children's data.
 *
 * ```ts
 * await using watch = await new ChildrenWatch(zk, '/members', (names) => update(names ?? [])).start()
 * for await (const names of await new ChildrenWatch(zk, '/members').start()) update(names ?? [])
 * ```
 *
 * Layout: none. Kazoo's `ChildrenWatch`, which ends where the znode is missing; this one waits for it.
 */
export class ChildrenWatch extends ZnodeWatch<ChildrenAndStat | null, string[] | null> {
  readonly #fn: ChildrenWatchFunction | undefined

  /** Does no I/O. @throws TypeError or RangeError for a wrong path or function */
  constructor(client: KazooClient, path: string, fn?: ChildrenWatchFunction) {
    super(client, path, fn)
    this.#fn = fn
  }

  protected async read(options: { watch: WatchListener; signal: AbortSignal }): Promise<ChildrenAndStat | null> {
    for (;;) {
      try {
        return await this.client.getChildren(this.path, { ...options, includeStat: true })
      } catch (error) {
        if (!(error instanceof NoNodeError)) throw error
      }
      // Only exists can watch for what is not there; if it is there by now, getChildren is asked again.
      if ((await this.client.exists(this.path, options)) === null) return null
    }
  }

  protected differs(before: ChildrenAndStat | null, after: ChildrenAndStat | null): boolean {
    // The pzxid changes with the list of children; the czxid tells a znode from the one that was there before.
    return before?.stat.pzxid !== after?.stat.pzxid || before?.stat.czxid !== after?.stat.czxid
  }

  protected valueOf(snapshot: ChildrenAndStat | null): string[] | null {
    return snapshot === null ? null : snapshot.children
  }

  protected call(children: string[] | null, event: WatchedEvent | undefined): unknown {
    return this.#fn?.(children, event)
  }
}
