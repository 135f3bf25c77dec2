import { OperationTimeoutError, UnknownServerError, ZooKeeperError, type ErrorDetails } from '../common/errors.ts'
import type { CallOptions } from '../session/request.ts'

type ErrorClass = new (message?: string, details?: ErrorDetails) => ZooKeeperError

const reads: ReadonlySet<string | undefined> = new Set(['exists', 'get', 'getChildren'])

/** Whether the request that failed may have changed something: one that was sent, and is no read. */
export function mayHaveChanged({ op, maybeApplied }: ZooKeeperError): boolean {
  return maybeApplied && !reads.has(op)
}

/** What the caller asked for, where that takes several requests. */
export interface Composite {
  readonly op: string
  /** The caller's path. */
  readonly path: string
}

/**
 * Runs a verb that makes several requests. What one of them fails with is told of the verb: its name, the caller's path
 * and time-out; the request's own error is the `cause`.
 *
 * @param maybeApplied - whether something may have been applied whatever the request that failed says
 */
export async function composite<T>(
  { op, path }: Composite,
  { timeout }: CallOptions,
  work: () => Promise<T>,
  maybeApplied: () => boolean = () => false,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error instanceof UnknownServerError) throw error
    const details = { op, path, cause: error, maybeApplied: mayHaveChanged(error) || maybeApplied() }
    if (error instanceof OperationTimeoutError) {
      // Without a limit of the caller's it was the client's own, for that one request.
      const message = timeout === undefined ? error.message : `timed out after ${timeout} ms: ${op} ${path}`
      throw new OperationTimeoutError(message, details)
    }
    if (error.op === op && error.path === path && error.maybeApplied === details.maybeApplied) throw error
    const type = error.constructor as ErrorClass
    throw new type(error.path === path ? undefined : error.message, details)
  }
}
