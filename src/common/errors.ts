/**
 * What a {@link ZooKeeperError} knows about the request that failed.
 */
export interface ErrorDetails {
  /** The operation, in the client's words: `'create'`, `'getChildren'`… */
  readonly op?: string | undefined
  /** The caller's path, chroot removed. */
  readonly path?: string | undefined
  /** The error underneath, if there is one. */
  readonly cause?: unknown
  /** Whether the server may have applied the request although it failed. @defaultValue false */
  readonly maybeApplied?: boolean | undefined
}

/** What a {@link ZooKeeperError} is, in a word that stays the same: each class has its own. */
export type ErrorCode =
  | 'ZOOKEEPER_ERROR'
  | 'ROLLED_BACK'
  | 'SYSTEM_ERROR'
  | 'RUNTIME_INCONSISTENCY'
  | 'DATA_INCONSISTENCY'
  | 'CONNECTION_LOSS'
  | 'MARSHALLING_ERROR'
  | 'UNIMPLEMENTED'
  | 'OPERATION_TIMEOUT'
  | 'BAD_ARGUMENTS'
  | 'UNKNOWN_SESSION'
  | 'NEW_CONFIG_NO_QUORUM'
  | 'RECONFIG_IN_PROGRESS'
  | 'API_ERROR'
  | 'NO_NODE'
  | 'NO_AUTH'
  | 'BAD_VERSION'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'SESSION_EXPIRED'
  | 'INVALID_CALLBACK'
  | 'INVALID_ACL'
  | 'AUTH_FAILED'
  | 'SESSION_MOVED'
  | 'NOT_READ_ONLY'
  | 'EPHEMERAL_ON_LOCAL_SESSION'
  | 'NO_WATCHER'
  | 'REQUEST_TIMEOUT'
  | 'RECONFIG_DISABLED'
  | 'SESSION_CLOSED_REQUIRE_SASL_AUTH'
  | 'QUOTA_EXCEEDED'
  | 'THROTTLED_OP'
  | 'UNKNOWN_SERVER_ERROR'
  | 'QUEUE_FULL'
  | 'CONNECTION_CLOSED'
  | 'PROTOCOL_ERROR'
  | 'RETRY_FAILED'
  | 'LOCK_TIMEOUT'
  | 'LOCK_LOST'
  | 'TRANSACTION_FAILED'

/**
 * Base of every error that ZooKeeper or this client's connection to it gives.
 *
 * `retryable` follows the class: the same request may succeed later on the same client. Whether it is *safe* to send it
 * again is what `maybeApplied` is about. Wrong arguments are no such errors, but a `TypeError` or a `RangeError`.
 */
export class ZooKeeperError extends Error {
  /** What {@link code} is for errors of this class. */
  static readonly code: ErrorCode = 'ZOOKEEPER_ERROR'
  /** What {@link errno} is for errors of this class. */
  static readonly errno: number = 0
  /** What {@link retryable} is for errors of this class. */
  static readonly retryable: boolean = false
  /** The beginning of the message where none is given. */
  static readonly explanation: string = 'ZooKeeper error'

  /** A stable string to switch on, as `'NO_NODE'`. */
  readonly code: ErrorCode
  /** ZooKeeper's number (`KeeperException.Code`), as −101; 0 where the error is the client's own and has none. */
  readonly errno: number
  /** The operation, in the client's words: `'create'`, `'getChildren'`…; undefined where it belongs to none. */
  readonly op: string | undefined
  /** The caller's path, chroot removed; undefined for an operation without one, or with several. */
  readonly path: string | undefined
  /** Whether the same request may succeed later on the same client. It does not say that to repeat it is safe. */
  readonly retryable: boolean
  /**
   * Whether the server may have applied the request although it failed: true for what was sent and never answered. For a
   * `RetryFailedError`, ask its `cause`.
   */
  readonly maybeApplied: boolean

  /** @param message - the class's own explanation with `op` and `path`, where none is given */
  constructor(message?: string, details: ErrorDetails = {}) {
    const type = new.target
    super(
      message ?? describe(type.explanation, details),
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    // Not enumerable, as on Error.prototype: inspection shows it once, in the first line.
    Object.defineProperty(this, 'name', { value: type.name, configurable: true, writable: true })
    this.code = type.code
    this.errno = type.errno
    this.op = details.op
    this.path = details.path
    this.retryable = type.retryable
    this.maybeApplied = details.maybeApplied ?? false
  }
}

function describe(explanation: string, { op, path }: ErrorDetails): string {
  if (op === undefined && path === undefined) return explanation
  return `${explanation}: ${[op, path].filter((part) => part !== undefined).join(' ')}`
}

/** The class of one kind of error. */
export interface ErrorKind<C extends ErrorCode> {
  new (message?: string, details?: ErrorDetails): ZooKeeperError & { readonly code: C }
  /** What `code` is for errors of this class. */
  readonly code: C
  /** What `errno` is for errors of this class. */
  readonly errno: number
  /** What `retryable` is for errors of this class. */
  readonly retryable: boolean
  /** The beginning of the message where none is given. */
  readonly explanation: string
}

const retryable = true

/** Makes the base of an error class, which is all of it but its name. */
export function kind<C extends ErrorCode>(
  code: C,
  errno: number,
  explanation: string,
  isRetryable = false,
): ErrorKind<C> {
  return class extends ZooKeeperError {
    static override readonly code = code
    static override readonly errno = errno
    static override readonly explanation = explanation
    static override readonly retryable = isRetryable
    declare readonly code: C
  }
}

/** Code 0 inside a failed transaction: this operation would have succeeded and was rolled back. */
export class RolledBackError extends kind(
  'ROLLED_BACK',
  0,
  'rolled back, because another operation of the transaction failed',
) {}

/** Begins ZooKeeper's range of codes for errors of a server; no server is known to send this one. Not retryable. */
export class SystemZooKeeperError extends kind('SYSTEM_ERROR', -1, 'system error on the server') {}

/** Inside a failed transaction: not tried, because an operation before it failed. */
export class RuntimeInconsistencyError extends kind(
  'RUNTIME_INCONSISTENCY',
  -2,
  'not tried, because an operation before it failed',
) {}

/** ZooKeeper's code for data that contradicts itself; no server is known to send it. Not retryable. */
export class DataInconsistencyError extends kind('DATA_INCONSISTENCY', -3, 'data inconsistency on the server') {}

/** The connection ended before the reply came. `maybeApplied` says whether the request had been sent. */
export class ConnectionLossError extends kind('CONNECTION_LOSS', -4, 'connection lost', retryable) {}

/** The server could not decode the request, or failed unexpectedly while it handled it: its log says why. Not retryable. */
export class MarshallingError extends kind('MARSHALLING_ERROR', -5, 'the server could not decode the request') {}

/** The server does not know the operation: it is too old for it, or the feature is switched off there. */
export class UnimplementedError extends kind('UNIMPLEMENTED', -6, 'not implemented by the server') {}

/** No answer within the `timeout` given with the call. The request may still be applied. */
export class OperationTimeoutError extends kind('OPERATION_TIMEOUT', -7, 'timed out', retryable) {}

/** The server refused the arguments: mostly a path or a `reconfig` that the client lets through. Not retryable as it is. */
export class BadArgumentsError extends kind('BAD_ARGUMENTS', -8, 'the server refused the arguments') {}

/** The server does not know the session: a code that servers use among themselves. Not retryable. */
export class UnknownSessionError extends kind('UNKNOWN_SESSION', -12, 'unknown session') {}

/** From `reconfig`: too few members of the new ensemble are connected and in sync. Try again once they are. Not `retryable`. */
export class NewConfigNoQuorumError extends kind(
  'NEW_CONFIG_NO_QUORUM',
  -13,
  'no quorum of the new configuration is connected and in sync',
) {}

/** From `reconfig`: another one is under way. Try again once it is done. Not `retryable`. */
export class ReconfigInProgressError extends kind(
  'RECONFIG_IN_PROGRESS',
  -14,
  'another reconfiguration is in progress',
) {}

/** Begins ZooKeeper's range of codes for what is wrong with a request; no server is known to send this one. Not retryable. */
export class ApiError extends kind('API_ERROR', -100, 'API error') {}

/** There is no such znode; from a create, no parent. Not retryable: it takes a change by somebody. */
export class NoNodeError extends kind('NO_NODE', -101, 'no such znode') {}

/** The ACL does not permit it to the session as it is authenticated. Retry after `addAuth`, or a change of the ACL. */
export class NoAuthError extends kind('NO_AUTH', -102, 'not permitted by the ACL') {}

/** The znode has another version than the one given: it has changed since it was read. Read it again, then decide anew. */
export class BadVersionError extends kind('BAD_VERSION', -103, 'the version does not match') {}

/** From a create: the parent is an ephemeral, which cannot have children. Not retryable. */
export class NoChildrenForEphemeralsError extends kind(
  'NO_CHILDREN_FOR_EPHEMERALS',
  -108,
  'an ephemeral znode cannot have children',
) {}

/** From a create: the znode is there already. After a lost connection it may be one's own: see `protect`. */
export class NodeExistsError extends kind('NODE_EXISTS', -110, 'the znode exists already') {}

/** From a delete: the znode has children. Delete them first, or with `recursive`. */
export class NotEmptyError extends kind('NOT_EMPTY', -111, 'the znode has children') {}

/** The session is over: its ephemerals are gone, and with them every lock it held. The client makes a new one. */
export class SessionExpiredError extends kind('SESSION_EXPIRED', -112, 'session expired', retryable) {}

/** A code of ZooKeeper's own clients; no server is known to send it. Not retryable. */
export class InvalidCallbackError extends kind('INVALID_CALLBACK', -113, 'invalid callback') {}

/** From a create or `setAcls`: the server cannot take the ACL: an unknown scheme, a malformed id, or `auth` without authentication. */
export class InvalidAclError extends kind('INVALID_ACL', -114, 'invalid ACL') {}

/** The server refused the credentials, of SASL or another scheme. Not retryable with the same ones. */
export class AuthFailedError extends kind('AUTH_FAILED', -115, 'authentication failed') {}

/** The session is served by another member by now; the client reconnects. */
export class SessionMovedError extends kind('SESSION_MOVED', -118, 'the session moved to another server', retryable) {}

/** A write, or a `sync`, was sent to a server that is read-only. */
export class NotReadOnlyError extends kind('NOT_READ_ONLY', -119, 'the server is read-only') {}

/** From a create: the session is local (`localSessionsEnabled`) and may not own an ephemeral. Not retryable. */
export class EphemeralOnLocalSessionError extends kind(
  'EPHEMERAL_ON_LOCAL_SESSION',
  -120,
  'a local session cannot own an ephemeral znode',
) {}

/** The server has no such watch to remove. Nothing to retry: it is gone. */
export class NoWatcherError extends kind('NO_WATCHER', -121, 'no such watch') {}

/** A code of ZooKeeper's Java client, for a request that took too long. Retryable. Here that is `OperationTimeoutError`. */
export class RequestTimeoutError extends kind(
  'REQUEST_TIMEOUT',
  -122,
  'the request timed out on the server',
  retryable,
) {}

/** From `reconfig`: the servers run without `reconfigEnabled`. Not retryable. */
export class ReconfigDisabledError extends kind(
  'RECONFIG_DISABLED',
  -123,
  'reconfiguration is disabled on the server',
) {}

/** The server requires SASL (`sessionRequireClientSASLAuth`), and the client has not authenticated by it. Not retryable without `saslOptions`. */
export class SessionClosedRequireSaslAuthError extends kind(
  'SESSION_CLOSED_REQUIRE_SASL_AUTH',
  -124,
  'the server requires SASL authentication',
) {}

/** From a write: a hard quota above the znode would be exceeded. Not retryable until there is room. */
export class QuotaExceededError extends kind('QUOTA_EXCEEDED', -125, 'a hard quota is exceeded') {}

/** The server was too busy and did not begin with the request. Retryable, after a pause. */
export class ThrottledOpError extends kind('THROTTLED_OP', -127, 'throttled by the server', retryable) {}

/** An error code that this client does not know. It concerns the one request it answered. */
export class UnknownServerError extends kind('UNKNOWN_SERVER_ERROR', 0, 'unknown error code') {
  /** The code that the server sent. */
  override readonly errno: number

  constructor(errno: number, details: ErrorDetails = {}) {
    super(describe(`unknown error code ${errno}`, details), details)
    this.errno = errno
  }
}

/** As many requests as the client allows are queued or in flight. Nothing was sent. */
export class QueueFullError extends kind('QUEUE_FULL', 0, 'too many requests are waiting', retryable) {}

/** The client is not started, or has been stopped. */
export class ConnectionClosedError extends kind('CONNECTION_CLOSED', 0, 'the client is not started') {}

/** The peer sent what ZooKeeper's protocol does not allow. It ends that connection; the client reconnects. */
export class ProtocolError extends kind('PROTOCOL_ERROR', 0, 'protocol violation') {}

/** The tries, or the time, that a `KazooRetry` allows are used up. `cause` is the last failure. */
export class RetryFailedError extends kind('RETRY_FAILED', 0, 'gave up retrying') {}

/** The lock was not acquired within the `timeout` given. */
export class LockTimeoutError extends kind('LOCK_TIMEOUT', 0, 'the lock was not acquired in time') {}

/** What was held is held no more: the session ended, or may have ended. */
export class LockLostError extends kind('LOCK_LOST', 0, 'the lock is lost') {}

type ErrorClass = new (message?: string, details?: ErrorDetails) => ZooKeeperError

const classes: ReadonlyMap<number, ErrorClass> = new Map<number, ErrorClass>(
  [
    RolledBackError,
    SystemZooKeeperError,
    RuntimeInconsistencyError,
    DataInconsistencyError,
    ConnectionLossError,
    MarshallingError,
    UnimplementedError,
    OperationTimeoutError,
    BadArgumentsError,
    UnknownSessionError,
    NewConfigNoQuorumError,
    ReconfigInProgressError,
    ApiError,
    NoNodeError,
    NoAuthError,
    BadVersionError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NotEmptyError,
    SessionExpiredError,
    InvalidCallbackError,
    InvalidAclError,
    AuthFailedError,
    SessionMovedError,
    NotReadOnlyError,
    EphemeralOnLocalSessionError,
    NoWatcherError,
    RequestTimeoutError,
    ReconfigDisabledError,
    SessionClosedRequireSaslAuthError,
    QuotaExceededError,
    ThrottledOpError,
  ].map((type) => [type.errno, type]),
)

/** The error for a code that a server sent; {@link UnknownServerError} for one that nobody knows. */
export function errorFromCode(errno: number, details: ErrorDetails = {}): ZooKeeperError {
  const type = classes.get(errno)
  return type === undefined ? new UnknownServerError(errno, details) : new type(undefined, details)
}
