import type { CallOptions } from '../session/request.ts'
import type { WatchListener } from '../session/watches/watch-registry.ts'
import type { Acl } from './acl.ts'
import type { PersistentWatchListener } from './persistent-watch.ts'

/** Options of a read that may leave a one-time watch behind: `get`, `exists`, `getConfig`. */
export interface WatchOptions extends CallOptions {
  /**
   * Called once, at the next change; at no other time, and not for the connection's sake. It survives a reconnect and
   * ends with the session. A read that fails leaves no watch. @defaultValue none
   */
  readonly watch?: WatchListener
}

/** Options of `getChildren`. */
export interface GetChildrenOptions extends WatchOptions {
  /** Resolves to `{ children, stat }` instead of the names. @defaultValue false */
  readonly includeStat?: boolean
}

/** Options of a write that may depend on the znode's version. */
export interface VersionOptions extends CallOptions {
  /** The version that the znode must have, else `BadVersionError`; −1 is any. @defaultValue −1 */
  readonly version?: number
}

/** Options of `set`. */
export interface SetOptions extends VersionOptions {
  /**
   * Sets again when the reply is lost, until there is an answer, `signal` or `timeout`. With a `version`, one that does
   * not match any more is taken for this set's own doing if the znode has the next version and the same data.
   *
   * It promises neither that the data was set once (without a `version` each attempt may count, and go over what others
   * set in between), nor that it was this client who set it: somebody else's set of the same data looks the same.
   * @defaultValue false
   */
  readonly idempotent?: boolean
}

/** Options of `delete`. */
export interface DeleteOptions extends VersionOptions {
  /** Deletes what is below it first, in transactions of many; not atomic. @defaultValue false */
  readonly recursive?: boolean
  /**
   * Deletes again when the reply is lost, until there is an answer, `signal` or `timeout`; that the znode is gone then
   * counts as done.
   *
   * It does not promise that it was this client who deleted it, and a znode that others create in between may be
   * deleted with it: even one with a `version`, as versions begin anew. @defaultValue false
   */
  readonly idempotent?: boolean
  /**
   * Where the connection or the session is lost, or the time is up, or `signal` aborts it, the delete still rejects, but
   * goes on in the background: over connections and sessions, until the znode is gone, the server refuses it for good,
   * or the client stops, which does not wait for it. Beyond `maxPending` of them it rejects with `QueueFullError`.
   *
   * It does not promise that the znode is gone at any time, nor outlives the process; and a znode that others create at
   * the same path in between may be the one that is deleted. @defaultValue false
   */
  readonly guaranteed?: boolean
}

/** Options of `setAcls`. `version` is that of the ACL: `stat.aversion`. */
export interface SetAclsOptions extends VersionOptions {
  /** Sets the ACL of all that is below, too; not atomic. @defaultValue false */
  readonly recursive?: boolean
}

/** Options of `ensurePath`. */
export interface EnsurePathOptions extends CallOptions {
  /** The ACL of the znodes that are created. @defaultValue the client's `defaultAcl` */
  readonly acl?: readonly Acl[]
}

/** Options of `drained`. `signal` and `timeout` limit the wait. */
export interface DrainedOptions extends CallOptions {
  /** How many requests are too many. @defaultValue half of the client's `maxPending` */
  readonly below?: number
}

/** Options of `client.watch`. `signal` and `timeout` limit the setting of the watch, not the watch itself. */
export interface PersistentWatchOptions extends CallOptions {
  /** Watches all below the znode, too; then changes of a list of children are told by the children alone. @defaultValue false */
  readonly recursive?: boolean
  /** Called with each event, from the setting of the watch on; beside the iterators. @defaultValue none */
  readonly listener?: PersistentWatchListener
}
