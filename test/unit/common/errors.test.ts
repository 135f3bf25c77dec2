import { inspect } from 'node:util'

import { describe, expect, it } from 'vitest'

import * as errors from '../../../src/common/errors.ts'
import { errorFromCode, UnknownServerError, ZooKeeperError } from '../../../src/common/errors.ts'

/** Every error class with its code, ZooKeeper's number and whether trying again may help. */
const table = [
  ['RolledBackError', 'ROLLED_BACK', 0, false],
  ['SystemZooKeeperError', 'SYSTEM_ERROR', -1, false],
  ['RuntimeInconsistencyError', 'RUNTIME_INCONSISTENCY', -2, false],
  ['DataInconsistencyError', 'DATA_INCONSISTENCY', -3, false],
  ['ConnectionLossError', 'CONNECTION_LOSS', -4, true],
  ['MarshallingError', 'MARSHALLING_ERROR', -5, false],
  ['UnimplementedError', 'UNIMPLEMENTED', -6, false],
  ['OperationTimeoutError', 'OPERATION_TIMEOUT', -7, true],
  ['BadArgumentsError', 'BAD_ARGUMENTS', -8, false],
  ['UnknownSessionError', 'UNKNOWN_SESSION', -12, false],
  ['NewConfigNoQuorumError', 'NEW_CONFIG_NO_QUORUM', -13, false],
  ['ReconfigInProgressError', 'RECONFIG_IN_PROGRESS', -14, false],
  ['ApiError', 'API_ERROR', -100, false],
  ['NoNodeError', 'NO_NODE', -101, false],
  ['NoAuthError', 'NO_AUTH', -102, false],
  ['BadVersionError', 'BAD_VERSION', -103, false],
  ['NoChildrenForEphemeralsError', 'NO_CHILDREN_FOR_EPHEMERALS', -108, false],
  ['NodeExistsError', 'NODE_EXISTS', -110, false],
  ['NotEmptyError', 'NOT_EMPTY', -111, false],
  ['SessionExpiredError', 'SESSION_EXPIRED', -112, true],
  ['InvalidCallbackError', 'INVALID_CALLBACK', -113, false],
  ['InvalidAclError', 'INVALID_ACL', -114, false],
  ['AuthFailedError', 'AUTH_FAILED', -115, false],
  ['SessionMovedError', 'SESSION_MOVED', -118, true],
  ['NotReadOnlyError', 'NOT_READ_ONLY', -119, false],
  ['EphemeralOnLocalSessionError', 'EPHEMERAL_ON_LOCAL_SESSION', -120, false],
  ['NoWatcherError', 'NO_WATCHER', -121, false],
  ['RequestTimeoutError', 'REQUEST_TIMEOUT', -122, true],
  ['ReconfigDisabledError', 'RECONFIG_DISABLED', -123, false],
  ['SessionClosedRequireSaslAuthError', 'SESSION_CLOSED_REQUIRE_SASL_AUTH', -124, false],
  ['QuotaExceededError', 'QUOTA_EXCEEDED', -125, false],
  ['ThrottledOpError', 'THROTTLED_OP', -127, true],
] as const

/** The client's own, which no server sends. */
const own = [
  ['QueueFullError', 'QUEUE_FULL', true],
  ['ConnectionClosedError', 'CONNECTION_CLOSED', false],
  ['ProtocolError', 'PROTOCOL_ERROR', false],
  ['RetryFailedError', 'RETRY_FAILED', false],
  ['LockTimeoutError', 'LOCK_TIMEOUT', false],
  ['LockLostError', 'LOCK_LOST', false],
] as const

describe('the errors of the server', () => {
  it.each(table)('%s', (name, code, errno, retryable) => {
    const type = errors[name]
    expect(errorFromCode(errno)).toBeInstanceOf(type)
    const error = new type()
    expect(error).toBeInstanceOf(ZooKeeperError)
    expect(error).toMatchObject({ name, code, errno, retryable, maybeApplied: false, op: undefined, path: undefined })
    expect(error.message).not.toBe('')
  })

  it('gives each code to one class, and leaves none of the classes out of these tests', () => {
    const classes = Object.entries(errors)
      .filter(([, value]) => typeof value === 'function' && value.prototype instanceof ZooKeeperError)
      .map(([name]) => name)
    const tested = [...table.map(([name]) => name), ...own.map(([name]) => name), 'UnknownServerError']
    expect(classes.toSorted()).toEqual(tested.toSorted())
    expect(new Set(table.map(([, code]) => code)).size).toBe(table.length)
    expect(new Set(table.map(([, , errno]) => errno)).size).toBe(table.length)
  })

  it.each([-9, -105, -126, -128, -999, 1, 42, 0x7fff_ffff, -0x8000_0000])(
    'makes of the unknown code %i an UnknownServerError that keeps it',
    (errno) => {
      const error = errorFromCode(errno, { op: 'get', path: '/a', maybeApplied: true })
      expect(error).toBeInstanceOf(UnknownServerError)
      expect(error).toMatchObject({ name: 'UnknownServerError', code: 'UNKNOWN_SERVER_ERROR', errno, retryable: false })
      expect(error).toMatchObject({ op: 'get', path: '/a', maybeApplied: true })
      expect(error.message).toBe(`unknown error code ${errno}: get /a`)
    },
  )
})

describe("the client's own errors", () => {
  it.each(own)('%s', (name, code, retryable) => {
    expect(new errors[name]()).toMatchObject({ name, code, errno: 0, retryable, maybeApplied: false })
  })
})

describe('what an error tells', () => {
  it('says the operation and the path in its message', () => {
    expect(new errors.NoNodeError(undefined, { op: 'get', path: '/a' }).message).toBe('no such znode: get /a')
    expect(new errors.NoNodeError(undefined, { op: 'get' }).message).toBe('no such znode: get')
    expect(new errors.NoNodeError(undefined, { path: '/a' }).message).toBe('no such znode: /a')
    expect(new errors.NoNodeError().message).toBe('no such znode')
  })

  it('takes another message as it is, and keeps the details', () => {
    const cause = new Error('underneath')
    const error = new errors.ConnectionLossError('gone', { op: 'set', path: '/a', maybeApplied: true, cause })
    expect(error.message).toBe('gone')
    expect(error).toMatchObject({ op: 'set', path: '/a', maybeApplied: true, cause })
  })

  it('has no cause where none was given', () => {
    expect('cause' in new errors.NoNodeError()).toBe(false)
    expect('cause' in new errors.NoNodeError(undefined, { cause: undefined })).toBe(false)
  })

  it('is inspected under its own name, once', () => {
    const text = inspect(new errors.NoNodeError(undefined, { op: 'get', path: '/a' }))
    expect(text).toMatch(/^NoNodeError: no such znode: get \/a\n/)
    expect(text).not.toMatch(/name:/)
  })

  it('keeps its class name over a subclass of a user', () => {
    class MyError extends errors.BadVersionError {}
    expect(new MyError()).toMatchObject({ name: 'MyError', code: 'BAD_VERSION', errno: -103 })
  })
})
