import type { OperationName, RequestOf } from '../../protocol/operations.ts'
import type { Writer as WireWriter } from '../../protocol/writer.ts'
import type { Identity } from '../access/auth-schemes.ts'
import type { Database } from '../database.ts'
import type { DataNode } from '../tree/data-node.ts'
import type { ErrorCode } from '../error-codes.ts'
import type { DigestMd5Server } from '../access/digest-md5.ts'
import type { Session, SessionConnection } from '../session-table.ts'
import type { Watcher } from '../tree/watch-table.ts'

/** What a handler knows of who asks, and how it answers. */
export interface RequestContext {
  readonly database: Database
  readonly session: Session
  readonly xid: number
  readonly watcher: Watcher
  readonly connection: SessionConnection
  /** Who the connection has proven to be, or was seen to be. */
  readonly identities: Identity[]
  /** Begins the answer; without it, a success is answered with a header alone. */
  ok(): WireWriter
  /** Whether the znode's ACL gives one of these permissions. */
  may(node: DataNode, permissions: number): boolean
  /** Sends an event that setWatches makes up. */
  tell(type: number, path: string): void
  /** The subject of the peer's certificate, where it was verified. */
  readonly certificateSubject: string | null
  /** The exchange of SASL on this connection; null where the server has no users. */
  readonly sasl: DigestMd5Server | null
  /** Closes the connection once the answer is sent. */
  closeAfterAnswer(): void
}

/** Answers one operation; returns an error code, or 0. */
export type Handler<K extends OperationName> = (context: RequestContext, request: RequestOf<K>) => ErrorCode

export type Handlers<K extends OperationName> = { readonly [N in K]: Handler<N> }
