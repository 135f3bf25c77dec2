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

/**
 * Base of every error that ZooKeeper or this client's connection to it gives.
 *
 * `retryable` follows the class: the same request may succeed later on the same client. Whether it is *safe* to send it
 * again is what `maybeApplied` is about. Wrong arguments are no such errors, but a `TypeError` or a `RangeError`.
 */
export class ZooKeeperError extends Error {
  /** What {@link code} is for errors of this class. */
  static readonly code: string = 'ZOOKEEPER_ERROR'
  /** What {@link errno} is for errors of this class. */
  static readonly errno: number = 0
  /** What {@link retryable} is for errors of this class. */
  static readonly retryable: boolean = false
  /** The beginning of the message where none is given. */
  static readonly explanation: string = 'ZooKeeper error'

  /** A stable string to switch on, as `'NO_NODE'`. */
  readonly code: string
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

/** Code 0 inside a failed transaction: this operation would have succeeded and was rolled back. */
export class RolledBackError extends ZooKeeperError {
  static override readonly code: string = 'ROLLED_BACK'
  static override readonly explanation: string = 'rolled back, because another operation of the transaction failed'
}

/** Begins ZooKeeper's range of codes for errors of a server; no server is known to send this one. Not retryable. */
export class SystemZooKeeperError extends ZooKeeperError {
  static override readonly code: string = 'SYSTEM_ERROR'
  static override readonly errno: number = -1
  static override readonly explanation: string = 'system error on the server'
}

/** Inside a failed transaction: not tried, because an operation before it failed. */
export class RuntimeInconsistencyError extends ZooKeeperError {
  static override readonly code: string = 'RUNTIME_INCONSISTENCY'
  static override readonly errno: number = -2
  static override readonly explanation: string = 'not tried, because an operation before it failed'
}

/** ZooKeeper's code for data that contradicts itself; no server is known to send it. Not retryable. */
export class DataInconsistencyError extends ZooKeeperError {
  static override readonly code: string = 'DATA_INCONSISTENCY'
  static override readonly errno: number = -3
  static override readonly explanation: string = 'data inconsistency on the server'
}

/** The connection ended before the reply came. `maybeApplied` says whether the request had been sent. */
export class ConnectionLossError extends ZooKeeperError {
  static override readonly code: string = 'CONNECTION_LOSS'
  static override readonly errno: number = -4
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'connection lost'
}

/** The server could not decode the request, or failed unexpectedly while it handled it: its log says why. Not retryable. */
export class MarshallingError extends ZooKeeperError {
  static override readonly code: string = 'MARSHALLING_ERROR'
  static override readonly errno: number = -5
  static override readonly explanation: string = 'the server could not decode the request'
}

/** The server does not know the operation: it is too old for it, or the feature is switched off there. */
export class UnimplementedError extends ZooKeeperError {
  static override readonly code: string = 'UNIMPLEMENTED'
  static override readonly errno: number = -6
  static override readonly explanation: string = 'not implemented by the server'
}

/** No answer within the `timeout` given with the call. The request may still be applied. */
export class OperationTimeoutError extends ZooKeeperError {
  static override readonly code: string = 'OPERATION_TIMEOUT'
  static override readonly errno: number = -7
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'timed out'
}

/** The server refused the arguments: mostly a path or a `reconfig` that the client lets through. Not retryable as it is. */
export class BadArgumentsError extends ZooKeeperError {
  static override readonly code: string = 'BAD_ARGUMENTS'
  static override readonly errno: number = -8
  static override readonly explanation: string = 'the server refused the arguments'
}

/** The server does not know the session: a code that servers use among themselves. Not retryable. */
export class UnknownSessionError extends ZooKeeperError {
  static override readonly code: string = 'UNKNOWN_SESSION'
  static override readonly errno: number = -12
  static override readonly explanation: string = 'unknown session'
}

/** From `reconfig`: too few members of the new ensemble are connected and in sync. Try again once they are. Not `retryable`. */
export class NewConfigNoQuorumError extends ZooKeeperError {
  static override readonly code: string = 'NEW_CONFIG_NO_QUORUM'
  static override readonly errno: number = -13
  static override readonly explanation: string = 'no quorum of the new configuration is connected and in sync'
}

/** From `reconfig`: another one is under way. Try again once it is done. Not `retryable`. */
export class ReconfigInProgressError extends ZooKeeperError {
  static override readonly code: string = 'RECONFIG_IN_PROGRESS'
  static override readonly errno: number = -14
  static override readonly explanation: string = 'another reconfiguration is in progress'
}

/** Begins ZooKeeper's range of codes for what is wrong with a request; no server is known to send this one. Not retryable. */
export class ApiError extends ZooKeeperError {
  static override readonly code: string = 'API_ERROR'
  static override readonly errno: number = -100
  static override readonly explanation: string = 'API error'
}

/** There is no such znode; from a create, no parent. Not retryable: it takes a change by somebody. */
export class NoNodeError extends ZooKeeperError {
  static override readonly code: string = 'NO_NODE'
  static override readonly errno: number = -101
  static override readonly explanation: string = 'no such znode'
}

/** The ACL does not permit it to the session as it is authenticated. Retry after `addAuth`, or a change of the ACL. */
export class NoAuthError extends ZooKeeperError {
  static override readonly code: string = 'NO_AUTH'
  static override readonly errno: number = -102
  static override readonly explanation: string = 'not permitted by the ACL'
}

/** The znode has another version than the one given: it has changed since it was read. Read it again, then decide anew. */
export class BadVersionError extends ZooKeeperError {
  static override readonly code: string = 'BAD_VERSION'
  static override readonly errno: number = -103
  static override readonly explanation: string = 'the version does not match'
}

/** From a create: the parent is an ephemeral, which cannot have children. Not retryable. */
export class NoChildrenForEphemeralsError extends ZooKeeperError {
  static override readonly code: string = 'NO_CHILDREN_FOR_EPHEMERALS'
  static override readonly errno: number = -108
  static override readonly explanation: string = 'an ephemeral znode cannot have children'
}

/** From a create: the znode is there already. After a lost connection it may be one's own: see `protect`. */
export class NodeExistsError extends ZooKeeperError {
  static override readonly code: string = 'NODE_EXISTS'
  static override readonly errno: number = -110
  static override readonly explanation: string = 'the znode exists already'
}

/** From a delete: the znode has children. Delete them first, or with `recursive`. */
export class NotEmptyError extends ZooKeeperError {
  static override readonly code: string = 'NOT_EMPTY'
  static override readonly errno: number = -111
  static override readonly explanation: string = 'the znode has children'
}

/** The session is over: its ephemerals are gone, and with them every lock it held. The client makes a new one. */
export class SessionExpiredError extends ZooKeeperError {
  static override readonly code: string = 'SESSION_EXPIRED'
  static override readonly errno: number = -112
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'session expired'
}

/** A code of ZooKeeper's own clients; no server is known to send it. Not retryable. */
export class InvalidCallbackError extends ZooKeeperError {
  static override readonly code: string = 'INVALID_CALLBACK'
  static override readonly errno: number = -113
  static override readonly explanation: string = 'invalid callback'
}

/** From a create or `setAcls`: the server cannot take the ACL: an unknown scheme, a malformed id, or `auth` without authentication. */
export class InvalidAclError extends ZooKeeperError {
  static override readonly code: string = 'INVALID_ACL'
  static override readonly errno: number = -114
  static override readonly explanation: string = 'invalid ACL'
}

/** The server refused the credentials, of SASL or another scheme. Not retryable with the same ones. */
export class AuthFailedError extends ZooKeeperError {
  static override readonly code: string = 'AUTH_FAILED'
  static override readonly errno: number = -115
  static override readonly explanation: string = 'authentication failed'
}

/** The session is served by another member by now; the client reconnects. */
export class SessionMovedError extends ZooKeeperError {
  static override readonly code: string = 'SESSION_MOVED'
  static override readonly errno: number = -118
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'the session moved to another server'
}

/** A write, or a `sync`, was sent to a server that is read-only. */
export class NotReadOnlyError extends ZooKeeperError {
  static override readonly code: string = 'NOT_READ_ONLY'
  static override readonly errno: number = -119
  static override readonly explanation: string = 'the server is read-only'
}

/** From a create: the session is local (`localSessionsEnabled`) and may not own an ephemeral. Not retryable. */
export class EphemeralOnLocalSessionError extends ZooKeeperError {
  static override readonly code: string = 'EPHEMERAL_ON_LOCAL_SESSION'
  static override readonly errno: number = -120
  static override readonly explanation: string = 'a local session cannot own an ephemeral znode'
}

/** The server has no such watch to remove. Nothing to retry: it is gone. */
export class NoWatcherError extends ZooKeeperError {
  static override readonly code: string = 'NO_WATCHER'
  static override readonly errno: number = -121
  static override readonly explanation: string = 'no such watch'
}

/** A code of ZooKeeper's Java client, for a request that took too long. Retryable. Here that is `OperationTimeoutError`. */
export class RequestTimeoutError extends ZooKeeperError {
  static override readonly code: string = 'REQUEST_TIMEOUT'
  static override readonly errno: number = -122
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'the request timed out on the server'
}

/** From `reconfig`: the servers run without `reconfigEnabled`. Not retryable. */
export class ReconfigDisabledError extends ZooKeeperError {
  static override readonly code: string = 'RECONFIG_DISABLED'
  static override readonly errno: number = -123
  static override readonly explanation: string = 'reconfiguration is disabled on the server'
}

/** The server requires SASL (`sessionRequireClientSASLAuth`), and the client has not authenticated by it. Not retryable without `saslOptions`. */
export class SessionClosedRequireSaslAuthError extends ZooKeeperError {
  static override readonly code: string = 'SESSION_CLOSED_REQUIRE_SASL_AUTH'
  static override readonly errno: number = -124
  static override readonly explanation: string = 'the server requires SASL authentication'
}

/** From a write: a hard quota above the znode would be exceeded. Not retryable until there is room. */
export class QuotaExceededError extends ZooKeeperError {
  static override readonly code: string = 'QUOTA_EXCEEDED'
  static override readonly errno: number = -125
  static override readonly explanation: string = 'a hard quota is exceeded'
}

/** The server was too busy and did not begin with the request. Retryable, after a pause. */
export class ThrottledOpError extends ZooKeeperError {
  static override readonly code: string = 'THROTTLED_OP'
  static override readonly errno: number = -127
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'throttled by the server'
}

/** An error code that this client does not know. It concerns the one request it answered. */
export class UnknownServerError extends ZooKeeperError {
  static override readonly code: string = 'UNKNOWN_SERVER_ERROR'
  static override readonly explanation: string = 'unknown error code'
  /** The code that the server sent. */
  override readonly errno: number

  constructor(errno: number, details: ErrorDetails = {}) {
    super(describe(`unknown error code ${errno}`, details), details)
    this.errno = errno
  }
}

/** As many requests as the client allows are queued or in flight. Nothing was sent. */
export class QueueFullError extends ZooKeeperError {
  static override readonly code: string = 'QUEUE_FULL'
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'too many requests are waiting'
}

/** The client is not started, or has been stopped. */
export class ConnectionClosedError extends ZooKeeperError {
  static override readonly code: string = 'CONNECTION_CLOSED'
  static override readonly explanation: string = 'the client is not started'
}

/** The peer sent what ZooKeeper's protocol does not allow. It ends that connection; the client reconnects. */
export class ProtocolError extends ZooKeeperError {
  static override readonly code: string = 'PROTOCOL_ERROR'
  static override readonly explanation: string = 'protocol violation'
}

/** The tries, or the time, that a `KazooRetry` allows are used up. `cause` is the last failure. */
export class RetryFailedError extends ZooKeeperError {
  static override readonly code: string = 'RETRY_FAILED'
  static override readonly explanation: string = 'gave up retrying'
}

/** The lock was not acquired within the `timeout` given. */
export class LockTimeoutError extends ZooKeeperError {
  static override readonly code: string = 'LOCK_TIMEOUT'
  static override readonly explanation: string = 'the lock was not acquired in time'
}

/** What was held is held no more: the session ended, or may have ended. */
export class LockLostError extends ZooKeeperError {
  static override readonly code: string = 'LOCK_LOST'
  static override readonly explanation: string = 'the lock is lost'
}

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
