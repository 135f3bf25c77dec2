/** The client's public API: all that recipes are built on. */

export {
  ANYONE_ID_UNSAFE,
  AUTH_IDS,
  CREATOR_ALL_ACL,
  makeAcl,
  makeDigestAcl,
  makeDigestAclCredential,
  OPEN_ACL_UNSAFE,
  Permissions,
  READ_ACL_UNSAFE,
  type Acl,
  type Id,
  type PermissionFlags,
} from './acl.ts'
export type { DataInput } from './arguments.ts'
export type { CreateMode, CreateOptions } from './create-options.ts'
export type { EnsembleMember } from './ensemble-config.ts'
export { KazooClient } from './kazoo-client.ts'
export type { ClientInfo, ReconfigChange } from './info-requests.ts'
export { ForceRetryError, KazooRetry, type KazooRetryOptions } from './kazoo-retry.ts'
export type { MultiRead } from './multi-read.ts'
export type { PersistentWatch, PersistentWatchEvent, PersistentWatchListener } from './persistent-watch.ts'
export type { KazooClientOptions, Logger } from './options.ts'
export type { AclsAndStat, ChildrenAndStat, DataAndStat, PathAndStat } from './requests.ts'
export type { ServerVersion } from './server-version.ts'
export { TransactionError } from './transaction-error.ts'
export type { Transaction } from './transaction.ts'
export type {
  DeleteOptions,
  DrainedOptions,
  EnsurePathOptions,
  GetChildrenOptions,
  PersistentWatchOptions,
  SetAclsOptions,
  SetOptions,
  VersionOptions,
  WatchOptions,
} from './verb-options.ts'
export type { WalkedData, WalkedPath, WalkedStat, WalkedZnode, WalkOptions } from './walk.ts'
export {
  ApiError,
  AuthFailedError,
  BadArgumentsError,
  BadVersionError,
  ConnectionClosedError,
  ConnectionLossError,
  DataInconsistencyError,
  EphemeralOnLocalSessionError,
  InvalidAclError,
  InvalidCallbackError,
  LockLostError,
  LockTimeoutError,
  MarshallingError,
  NewConfigNoQuorumError,
  NoAuthError,
  NoChildrenForEphemeralsError,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  NotReadOnlyError,
  NoWatcherError,
  OperationTimeoutError,
  ProtocolError,
  QueueFullError,
  QuotaExceededError,
  ReconfigDisabledError,
  ReconfigInProgressError,
  RequestTimeoutError,
  RetryFailedError,
  RolledBackError,
  RuntimeInconsistencyError,
  SessionClosedRequireSaslAuthError,
  SessionExpiredError,
  SessionMovedError,
  SystemZooKeeperError,
  ThrottledOpError,
  UnimplementedError,
  UnknownServerError,
  UnknownSessionError,
  ZooKeeperError,
  type ErrorCode,
  type ErrorDetails,
} from '../common/errors.ts'
export { Stat, type StatFields } from '../protocol/stat.ts'
export { nodeRuntime } from '../runtime/node-runtime.ts'
export type {
  AppendFile,
  DialOptions,
  Files,
  Listener,
  ListenOptions,
  OpenFile,
  Processes,
  ResolvedAddress,
  Runtime,
  Socket,
  SocketHandler,
  Timer,
  TlsOptions,
} from '../runtime/runtime.ts'
export type { AuthInfo } from '../session/authentication/auth-request.ts'
export type { Hold, HoldLoss, HoldOptions } from '../session/holding/hold.ts'
export type { HostProvider } from '../session/connecting/host-provider.ts'
export type { CallOptions } from '../session/request.ts'
export type { Kerberos, KerberosClient } from '../session/authentication/sasl/kerberos.ts'
export type { DigestMd5Options, GssapiOptions, SaslOptions } from '../session/authentication/sasl/options.ts'
export type { SessionIdentity } from '../session/session-identity.ts'
export { KazooState } from '../session/session-state.ts'
export type { StateChange, StateListener } from '../session/state-listeners.ts'
export type { EventType, WatchedEvent, WatchListener } from '../session/watches/watch-registry.ts'
export type {
  ConnectionLostMessage,
  ConnectionMessage,
  RequestMessage,
  ServerAddress,
  SessionMessage,
  StateMessage,
  TracedSession,
} from '../session/observing/tracing.ts'
