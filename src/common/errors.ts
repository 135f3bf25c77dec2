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
  /** Whether the server may have applied the request although it failed. Default `false`. */
  readonly maybeApplied?: boolean | undefined
}

/**
 * Base of every error that ZooKeeper or this client's connection to it gives.
 *
 * `code` is a stable string to switch on, `errno` ZooKeeper's number (0 where the error is the client's own and has
 * none). `retryable` follows the class: the same request may succeed later on the same client. Whether it is *safe* to
 * send it again is what `maybeApplied` is about.
 */
export class ZooKeeperError extends Error {
  static readonly code: string = 'ZOOKEEPER_ERROR'
  static readonly errno: number = 0
  static readonly retryable: boolean = false
  static readonly explanation: string = 'ZooKeeper error'

  readonly code: string
  readonly errno: number
  readonly op: string | undefined
  readonly path: string | undefined
  readonly retryable: boolean
  readonly maybeApplied: boolean

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

export class BadArgumentsError extends ZooKeeperError {
  static override readonly code: string = 'BAD_ARGUMENTS'
  static override readonly errno: number = -8
  static override readonly explanation: string = 'the server refused the arguments'
}

export class UnknownSessionError extends ZooKeeperError {
  static override readonly code: string = 'UNKNOWN_SESSION'
  static override readonly errno: number = -12
  static override readonly explanation: string = 'unknown session'
}

export class NewConfigNoQuorumError extends ZooKeeperError {
  static override readonly code: string = 'NEW_CONFIG_NO_QUORUM'
  static override readonly errno: number = -13
  static override readonly explanation: string = 'no quorum of the new configuration is connected and in sync'
}

export class ReconfigInProgressError extends ZooKeeperError {
  static override readonly code: string = 'RECONFIG_IN_PROGRESS'
  static override readonly errno: number = -14
  static override readonly explanation: string = 'another reconfiguration is in progress'
}

export class ApiError extends ZooKeeperError {
  static override readonly code: string = 'API_ERROR'
  static override readonly errno: number = -100
  static override readonly explanation: string = 'API error'
}

export class NoNodeError extends ZooKeeperError {
  static override readonly code: string = 'NO_NODE'
  static override readonly errno: number = -101
  static override readonly explanation: string = 'no such znode'
}

export class NoAuthError extends ZooKeeperError {
  static override readonly code: string = 'NO_AUTH'
  static override readonly errno: number = -102
  static override readonly explanation: string = 'not permitted by the ACL'
}

export class BadVersionError extends ZooKeeperError {
  static override readonly code: string = 'BAD_VERSION'
  static override readonly errno: number = -103
  static override readonly explanation: string = 'the version does not match'
}

export class NoChildrenForEphemeralsError extends ZooKeeperError {
  static override readonly code: string = 'NO_CHILDREN_FOR_EPHEMERALS'
  static override readonly errno: number = -108
  static override readonly explanation: string = 'an ephemeral znode cannot have children'
}

export class NodeExistsError extends ZooKeeperError {
  static override readonly code: string = 'NODE_EXISTS'
  static override readonly errno: number = -110
  static override readonly explanation: string = 'the znode exists already'
}

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

export class InvalidCallbackError extends ZooKeeperError {
  static override readonly code: string = 'INVALID_CALLBACK'
  static override readonly errno: number = -113
  static override readonly explanation: string = 'invalid callback'
}

export class InvalidAclError extends ZooKeeperError {
  static override readonly code: string = 'INVALID_ACL'
  static override readonly errno: number = -114
  static override readonly explanation: string = 'invalid ACL'
}

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

export class EphemeralOnLocalSessionError extends ZooKeeperError {
  static override readonly code: string = 'EPHEMERAL_ON_LOCAL_SESSION'
  static override readonly errno: number = -120
  static override readonly explanation: string = 'a local session cannot own an ephemeral znode'
}

export class NoWatcherError extends ZooKeeperError {
  static override readonly code: string = 'NO_WATCHER'
  static override readonly errno: number = -121
  static override readonly explanation: string = 'no such watch'
}

export class RequestTimeoutError extends ZooKeeperError {
  static override readonly code: string = 'REQUEST_TIMEOUT'
  static override readonly errno: number = -122
  static override readonly retryable: boolean = true
  static override readonly explanation: string = 'the request timed out on the server'
}

export class ReconfigDisabledError extends ZooKeeperError {
  static override readonly code: string = 'RECONFIG_DISABLED'
  static override readonly errno: number = -123
  static override readonly explanation: string = 'reconfiguration is disabled on the server'
}

export class SessionClosedRequireSaslAuthError extends ZooKeeperError {
  static override readonly code: string = 'SESSION_CLOSED_REQUIRE_SASL_AUTH'
  static override readonly errno: number = -124
  static override readonly explanation: string = 'the server requires SASL authentication'
}

export class QuotaExceededError extends ZooKeeperError {
  static override readonly code: string = 'QUOTA_EXCEEDED'
  static override readonly errno: number = -125
  static override readonly explanation: string = 'a hard quota is exceeded'
}

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
