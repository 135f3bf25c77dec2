import { Writer } from '../../protocol/writer.ts'
import type { Transaction, TransactionHeader } from '../tree/transaction.ts'
import { writeTransaction } from './transaction-codec.ts'
import { digestVersion } from './tree-digest.ts'

const writer = new Writer(1024)

/** How many bytes a leader sends to propose this: what it writes into its log. */
export function proposalSize(header: TransactionHeader, transaction: Transaction): number {
  // What changes nothing has no digest.
  const digest = transaction.type === 'error' ? null : { version: digestVersion, value: 0n }
  writeTransaction(writer, header, transaction, digest)
  const { length } = writer
  writer.truncate(0)
  return length
}
