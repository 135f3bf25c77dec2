import type { AclEntry } from '../../protocol/records.ts'

/**
 * What a write comes to once it passed its checks. Applied to a tree, a transaction never fails; the same ones in the
 * same order make the same tree, wherever they are applied.
 */
export type Transaction =
  | CreateTransaction
  | { readonly type: 'delete'; readonly path: string }
  | { readonly type: 'setData'; readonly path: string; readonly data: Uint8Array | null; readonly version: number }
  | { readonly type: 'setAcl'; readonly path: string; readonly acl: readonly AclEntry[]; readonly aversion: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number }
  | { readonly type: 'multi'; readonly transactions: readonly Transaction[] }
  | { readonly type: 'createSession'; readonly timeout: number }
  | { readonly type: 'closeSession'; readonly paths: readonly string[] }
  // A write that failed its checks takes a zxid all the same.
  | { readonly type: 'error'; readonly code: number }

export interface CreateTransaction {
  readonly type: 'create'
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly AclEntry[]
  /** A session id for an ephemeral, a mark for containers and TTL znodes, else 0. */
  readonly owner: bigint
  /** The parent's counter of creates after this one. */
  readonly parentCreates: number
}

/** Where a transaction stands in history. */
export interface TransactionHeader {
  readonly sessionId: bigint
  readonly xid: number
  readonly zxid: number
  /** Milliseconds since 1970. */
  readonly time: number
}
