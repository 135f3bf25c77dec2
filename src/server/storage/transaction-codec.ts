import { ProtocolError } from '../../common/errors.ts'
import { Reader } from '../../protocol/reader.ts'
import { bool, buffer, int, long, longNumber, record, ustring, vector } from '../../protocol/record.ts'
import { AclEntry } from '../../protocol/records.ts'
import { Writer } from '../../protocol/writer.ts'
import { containerOwner, ownerKind, ttlOf, ttlOwner } from '../tree/owner.ts'
import type { CreateTransaction, Transaction, TransactionHeader } from '../tree/transaction.ts'

/** What a log says the tree comes to once a transaction is applied: its sum, by a certain way to sum. */
export interface TransactionDigest {
  readonly version: number
  readonly value: bigint
}

/** One entry of a log. */
export interface LoggedTransaction {
  readonly header: TransactionHeader
  readonly transaction: Transaction
  readonly digest: TransactionDigest | null
}

/** ZooKeeper's opcodes, as far as logs hold them. */
const types = {
  error: -1,
  create: 1,
  delete: 2,
  setData: 5,
  setAcl: 7,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  createContainer: 19,
  deleteContainer: 20,
  createTtl: 21,
  createSession: -10,
  closeSession: -11,
} as const

const Header = record('TxnHeader', { sessionId: long, xid: int, zxid: longNumber, time: longNumber, type: int })
const Digest = record('TxnDigest', { version: int, value: long })
const content = { path: ustring, data: buffer, acl: vector(AclEntry) }
const OldCreate = record('CreateTxnV0', { ...content, ephemeral: bool })
const Create = record('CreateTxn', { ...content, ephemeral: bool, parentCreates: int })
const CreateTtl = record('CreateTTLTxn', { ...content, parentCreates: int, ttl: longNumber })
const CreateContainer = record('CreateContainerTxn', { ...content, parentCreates: int })
const Delete = record('DeleteTxn', { path: ustring })
const SetData = record('SetDataTxn', { path: ustring, data: buffer, version: int })
const Check = record('CheckVersionTxn', { path: ustring, version: int })
const SetAcl = record('SetACLTxn', { path: ustring, acl: vector(AclEntry), aversion: int })
const CreateSession = record('CreateSessionTxn', { timeout: int })
const CloseSession = record('CloseSessionTxn', { paths: vector(ustring) })
const ErrorBody = record('ErrorTxn', { code: int })
const Part = record('Txn', { type: int, data: buffer })
const Multi = record('MultiTxn', { parts: vector(Part) })

/** A log of ZooKeeper before 3.4 does not say how many children the parent ever had: count on from what it has. */
export const unknownCreates = -1

/** Writes what one entry holds, without its frame and checksum. */
export function writeTransaction(
  writer: Writer,
  header: TransactionHeader,
  transaction: Transaction,
  digest: TransactionDigest | null,
): void {
  Header.write(writer, { ...header, type: typeOf(transaction) })
  writeBody(writer, transaction)
  if (digest !== null) Digest.write(writer, digest)
}

function typeOf(transaction: Transaction): number {
  if (transaction.type !== 'create') return types[transaction.type]
  switch (ownerKind(transaction.owner)) {
    case 'container':
      return types.createContainer
    case 'ttl':
      return types.createTtl
    case 'none':
    case 'session':
      // Not create2, which does the same: a real server mends more of a create when it replays it onto a snapshot.
      return types.create
  }
}

function writeBody(writer: Writer, transaction: Transaction): void {
  switch (transaction.type) {
    case 'create':
      writeCreate(writer, transaction)
      break
    case 'delete':
      Delete.write(writer, transaction)
      break
    case 'setData':
      SetData.write(writer, transaction)
      break
    case 'setAcl':
      SetAcl.write(writer, transaction)
      break
    case 'check':
      Check.write(writer, transaction)
      break
    case 'multi': {
      const parts = transaction.transactions.map((part) => {
        const own = new Writer()
        writeBody(own, part)
        return { type: typeOf(part), data: own.take() }
      })
      Multi.write(writer, { parts })
      break
    }
    case 'createSession':
      CreateSession.write(writer, transaction)
      break
    case 'closeSession':
      CloseSession.write(writer, transaction)
      break
    case 'error':
      ErrorBody.write(writer, transaction)
      break
  }
}

function writeCreate(writer: Writer, create: CreateTransaction): void {
  const { owner } = create
  switch (ownerKind(owner)) {
    case 'container':
      CreateContainer.write(writer, create)
      break
    case 'ttl':
      CreateTtl.write(writer, { ...create, ttl: ttlOf(owner) })
      break
    case 'none':
    case 'session':
      Create.write(writer, { ...create, ephemeral: owner !== 0n })
      break
  }
}

/**
 * Reads what one entry holds.
 *
 * @throws {@link ProtocolError} if these are not the bytes of a transaction
 */
export function readTransaction(bytes: Buffer): LoggedTransaction {
  const reader = Reader.over(bytes)
  const { type, ...header } = Header.read(reader)
  if (!Number.isSafeInteger(header.zxid)) throw new ProtocolError(`zxid ${header.zxid} is beyond 2^53`)
  const transaction = readBody(reader, type, header.sessionId)
  const digest = reader.remaining >= Digest.least ? Digest.read(reader) : null
  return { header, transaction, digest }
}

function readBody(reader: Reader, type: number, sessionId: bigint): Transaction {
  switch (type) {
    case types.create:
    case types.create2:
      return readCreate(reader, sessionId)
    case types.createTtl: {
      const { ttl, ...create } = CreateTtl.read(reader)
      return { type: 'create', ...create, owner: ttlOwner(ttl) }
    }
    case types.createContainer:
      return { type: 'create', ...CreateContainer.read(reader), owner: containerOwner }
    case types.delete:
    case types.deleteContainer:
      return { type: 'delete', ...Delete.read(reader) }
    case types.setData:
    case types.reconfig:
      return { type: 'setData', ...SetData.read(reader) }
    case types.setAcl:
      return { type: 'setAcl', ...SetAcl.read(reader) }
    case types.check:
      return { type: 'check', ...Check.read(reader) }
    case types.createSession:
      return { type: 'createSession', ...CreateSession.read(reader) }
    case types.closeSession:
      return { type: 'closeSession', paths: readClosedPaths(reader) }
    case types.error:
      return { type: 'error', ...ErrorBody.read(reader) }
    case types.multi:
      return readMulti(reader, sessionId)
    default:
      throw new ProtocolError(`transactions of type ${type} are unknown`)
  }
}

function readCreate(reader: Reader, sessionId: bigint): Transaction {
  const { ephemeral, ...create } = OldCreate.read(reader)
  const parentCreates = reader.remaining > 0 ? reader.int() : unknownCreates
  return { type: 'create', ...create, owner: ephemeral ? sessionId : 0n, parentCreates }
}

/**
 * Servers before 3.6, and newer ones on demand, do not write the paths; whoever applies the transaction finds them by
 * the session. What follows can be a digest then: its version would be a count of paths that have no bytes left.
 */
function readClosedPaths(reader: Reader): readonly string[] {
  const { remaining } = reader
  if (remaining === 0) return []
  if (remaining !== Digest.least) return CloseSession.read(reader).paths
  const count = reader.int()
  if (count === 1) return [ustring.read(reader)]
  reader.skipRest()
  return []
}

/** One failed operation fails them all; a real server writes the others down, for their places alone. */
function readMulti(reader: Reader, sessionId: bigint): Transaction {
  const { parts } = Multi.read(reader)
  const failed = parts.some(({ type }) => type === types.error)
  const transactions = parts
    .filter(({ type }) => !failed || type === types.error)
    .map(({ type, data }) => readBody(Reader.over(Buffer.from(data ?? [])), type, sessionId))
  return { type: 'multi', transactions }
}
