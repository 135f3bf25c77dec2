import type { CallOptions } from '../session/request.ts'
import type { WatchListener } from '../session/watch-registry.ts'
import type { Acl } from './acl.ts'
import type { PersistentWatchListener } from './persistent-watch.ts'

export interface WatchOptions extends CallOptions {
  /** Called once, at the next change; at no other time, and not for the connection's sake. */
  readonly watch?: WatchListener
}

export interface GetChildrenOptions extends WatchOptions {
  /** Resolves to `{ children, stat }` instead of the names. @defaultValue false */
  readonly includeStat?: boolean
}

export interface VersionOptions extends CallOptions {
  /** The version that the znode must have; −1 is any. @defaultValue −1 */
  readonly version?: number
}

export interface DeleteOptions extends VersionOptions {
  /** Deletes what is below it first, in transactions of many; not atomic. @defaultValue false */
  readonly recursive?: boolean
}

export interface SetAclsOptions extends VersionOptions {
  /** Sets the ACL of all that is below, too; not atomic. @defaultValue false */
  readonly recursive?: boolean
}

export interface EnsurePathOptions extends CallOptions {
  /** The ACL of the znodes that are created. @defaultValue the client's `defaultAcl` */
  readonly acl?: readonly Acl[]
}

export interface PersistentWatchOptions extends CallOptions {
  /** Watches all below the znode, too; then changes of a list of children are told by the children alone. @defaultValue false */
  readonly recursive?: boolean
  /** Called with each event, beside the iterators. */
  readonly listener?: PersistentWatchListener
}
