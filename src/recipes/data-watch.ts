import type { KazooClient, Stat, WatchListener, WatchedEvent } from '../client/index.ts'
import { NoNodeError } from '../common/errors.ts'
import { ZnodeWatch } from './znode-watch.ts'

/** A znode's data and `Stat`; both null while there is no such znode. */
export type WatchedData = { readonly data: Buffer; readonly stat: Stat } | { readonly data: null; readonly stat: null }

/**
 * Called with a znode's data and `Stat`, both null while there is none, and with the event that led to it, if one did.
 * Returning `false` ends the watch. A returned promise is waited for before the next call.
 */
export type DataWatchFunction = (data: Buffer | null, stat: Stat | null, event: WatchedEvent | undefined) => unknown

const missing: WatchedData = { data: null, stat: null }

/**
 * Follows the data of a znode: now and on every change, over reconnects, new sessions, and while the znode does not
 * exist.
 *
 * ```ts
 * await using watch = await new DataWatch(zk, '/config', (data) => apply(data)).start()
 * for await (const { data } of await new DataWatch(zk, '/config').start()) apply(data)
 * ```
 *
 * Layout: none. Kazoo's `DataWatch`.
 */
export class DataWatch extends ZnodeWatch<WatchedData, WatchedData> {
  readonly #fn: DataWatchFunction | undefined

  /** Does no I/O. @throws TypeError or RangeError for a wrong path or function */
  constructor(client: KazooClient, path: string, fn?: DataWatchFunction) {
    super(client, path, fn)
    this.#fn = fn
  }

  protected async read(options: { watch: WatchListener; signal: AbortSignal }): Promise<WatchedData> {
    for (;;) {
      try {
        return await this.client.get(this.path, options)
      } catch (error) {
        if (!(error instanceof NoNodeError)) throw error
      }
      // Only exists can watch for what is not there; if it is there by now, get is asked again.
      if ((await this.client.exists(this.path, options)) === null) return missing
    }
  }

  protected differs(before: WatchedData, after: WatchedData): boolean {
    return before.stat?.mzxid !== after.stat?.mzxid
  }

  protected valueOf(snapshot: WatchedData): WatchedData {
    return snapshot
  }

  protected call({ data, stat }: WatchedData, event: WatchedEvent | undefined): unknown {
    return this.#fn?.(data, stat, event)
  }
}
