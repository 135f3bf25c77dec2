import { ProtocolError } from '../../common/errors.ts'
import type { Reader } from '../../protocol/reader.ts'
import { NullStringError } from '../../protocol/record.ts'
import type { Dispatch } from './dispatch.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import type { AnswerFault, Faults } from '../faults.ts'
import type { RequestContext } from '../handlers/handler.ts'

/** What carrying out a request asks of the connection it came by. */
export interface Execution extends RequestContext {
  /** Drops the answer that is being written, or cuts it in half, and closes the connection. */
  spoilAnswer(fault: AnswerFault): void
}

/** Reads a request, carries it out, and begins its answer; returns an error code, or 0. */
export function execute(context: Execution, operation: Dispatch, reader: Reader, faults: Faults): ErrorCode {
  // As in ZooKeeper, neither of the two looks at the body.
  if (!operation.isAuthentication && lacksAuthentication(context)) {
    context.closeAfterAnswer()
    return errorCodes.sessionClosedRequireSaslAuth
  }
  if (context.database.readOnly && operation.isWrite) return errorCodes.notReadOnly
  let body: unknown
  try {
    body = operation.read(reader)
  } catch (error) {
    return unreadable(context, operation, error instanceof NullStringError)
  }
  if (!faults.armed) return operation.handle(context, body)
  return executeUnderFaults(context, operation, body, faults)
}

/** Whether authentication is demanded and was not given. */
export function lacksAuthentication({ database, identities }: RequestContext): boolean {
  return database.settings.requireSasl && !identities.some(({ scheme }) => scheme === 'sasl')
}

/**
 * Whether a request comes too late, as its session was taken up at another member since: the leader knows, and is asked
 * for writes alone. Pings, reads and events go on at a follower.
 */
export function hasMoved(
  { database, session }: RequestContext,
  { name, isWrite, isAuthentication }: Dispatch,
): boolean {
  const { readOnly, membership } = database
  if (session.owner === database || readOnly || isAuthentication || name === 'closeSession' || name === 'check') {
    return false
  }
  return membership.role === 'leader' ? membership.connected : isWrite && name !== 'sync'
}

/** What is answered depends on how far ZooKeeper comes with a request before it stumbles. */
function unreadable(context: Execution, { name, isWrite, isAuthentication }: Dispatch, isNull: boolean): ErrorCode {
  const { database, session, xid } = context
  if (isAuthentication) {
    // These are read before they are queued, where a stumble costs the connection.
    if (!isNull) throw new ProtocolError(`${name}: the request cannot be read`)
    // A scheme that is null is one that nobody knows.
    context.closeAfterAnswer()
    return errorCodes.authFailed
  }
  const code =
    isNull && (name === 'setData' || name === 'setAcl') ? errorCodes.badArguments : errorCodes.marshallingError
  if (name === 'multi' || (isNull && isWrite && name !== 'sync')) {
    database.commit(session.id, xid, { type: 'error', code })
  }
  return code
}

function executeUnderFaults(context: Execution, operation: Dispatch, body: unknown, faults: Faults): ErrorCode {
  const path = (body as { readonly path?: string } | undefined)?.path
  const fault = faults.take(operation.name, path, context.session.id)
  const code = operation.handle(context, body)
  if (fault !== null) context.spoilAnswer(fault)
  return code
}
