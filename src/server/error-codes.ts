/** ZooKeeper's error codes, as far as a server gives them. */
export const errorCodes = {
  ok: 0,
  runtimeInconsistency: -2,
  marshallingError: -5,
  unimplemented: -6,
  badArguments: -8,
  newConfigNoQuorum: -13,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  notReadOnly: -119,
  noWatcher: -121,
  reconfigDisabled: -123,
  sessionClosedRequireSaslAuth: -124,
  quotaExceeded: -125,
} as const

/** One of ZooKeeper's error codes; 0 is success. Handlers return it: an exception would cost a stack trace per miss. */
export type ErrorCode = number
