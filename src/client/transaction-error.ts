import { kind, type ZooKeeperError } from '../common/errors.ts'

/** A transaction of which one operation failed. Nothing of it was applied. */
export class TransactionError extends kind('TRANSACTION_FAILED', 0, 'transaction failed') {
  /** The place of the operation that failed, from 0. */
  readonly index: number
  /**
   * An error for each operation: `RolledBackError` before the one that failed, its own error at its place,
   * `RuntimeInconsistencyError` after it.
   */
  readonly results: readonly ZooKeeperError[]

  constructor(index: number, results: readonly ZooKeeperError[]) {
    const cause = results[index]
    super(`operation ${index} of the transaction failed: ${cause?.message}`, {
      op: 'transaction',
      path: cause?.path,
      cause,
    })
    this.index = index
    this.results = results
  }
}
