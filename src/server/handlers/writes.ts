import { createFlags } from '../../protocol/constants.ts'
import type { MultiOp, MultiResult } from '../../protocol/multi.ts'
import { operations, type RequestOf } from '../../protocol/operations.ts'
import { Stat, StatRecord } from '../../protocol/stat.ts'
import { AclResolver } from '../access/acl-check.ts'
import { Draft } from '../tree/draft.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import type { Handlers, RequestContext } from './handler.ts'
import {
  prepareCreate,
  prepareDelete,
  prepareMultiOp,
  prepareSetAcl,
  prepareSetData,
  type Writer,
} from '../tree/prepare.ts'
import { statName } from '../tree/quota.ts'
import type { CreateTransaction, Transaction } from '../tree/transaction.ts'

/** The operations that change the tree. Each one, successful or not, takes a zxid. */
export const writeHandlers: Handlers<
  'create' | 'create2' | 'createContainer' | 'createTtl' | 'delete' | 'setData' | 'setAcl' | 'check' | 'multi'
> = {
  create: (context, request) => create(context, 'create', request),
  create2: (context, request) => create(context, 'create2', request),
  createContainer: (context, request) => create(context, 'createContainer', request),
  createTtl: (context, request) => create(context, 'createTtl', request),

  delete: (context, request) => commit(context, prepareDelete(writerOf(context), context.database.tree, request)),

  setData: (context, request) => {
    const code = commit(context, prepareSetData(writerOf(context), context.database.tree, request))
    return code === errorCodes.ok ? answerStat(context, request.path) : code
  },

  setAcl: (context, request) => {
    const code = commit(context, prepareSetAcl(writerOf(context), context.database.tree, request))
    return code === errorCodes.ok ? answerStat(context, request.path) : code
  },

  // Outside a multi it is no operation at all (ZOOKEEPER-4828).
  check: (context) => {
    context.closeAfterAnswer()
    return errorCodes.unimplemented
  },

  multi: (context, requests) => {
    const draft = new Draft(context.database.tree)
    const writer = writerOf(context)
    const transactions: Transaction[] = []
    if (!requests.every(hasItsPlace)) return commit(context, errorCodes.marshallingError)
    const ops = requests.map(asItIsMeant)
    for (const [index, op] of ops.entries()) {
      const transaction = prepareMultiOp(writer, draft, op)
      if (transaction === null || transaction === errorCodes.marshallingError) {
        return commit(context, errorCodes.marshallingError)
      }
      if (typeof transaction === 'number') {
        commit(context, transaction)
        operations.multi.response.write(context.ok(), failedResults(ops.length, index, transaction))
        return errorCodes.ok
      }
      draft.record(transaction)
      transactions.push(transaction)
    }
    const results: MultiResult[] = []
    const { database, session, xid } = context
    database.commit(session.id, xid, { type: 'multi', transactions }, (part) => {
      results.push(resultOf(context, part, ops[results.length]!.op))
    })
    operations.multi.response.write(context.ok(), results)
    return errorCodes.ok
  },
}

type CreateName = 'create' | 'create2' | 'createContainer' | 'createTtl'

function create(context: RequestContext, op: CreateName, request: RequestOf<CreateName>): ErrorCode {
  const transaction = prepareCreate(writerOf(context), context.database.tree, op, request)
  const code = commit(context, transaction)
  if (code !== errorCodes.ok || typeof transaction === 'number') return code
  const writer = context.ok()
  writer.string(transaction.path)
  if (op !== 'create') StatRecord.write(writer, createdStat(context, transaction))
  return errorCodes.ok
}

/** The Stat of a znode as it was created: the counts of a quota are filled in only afterwards. */
function createdStat({ database }: RequestContext, { path, data }: CreateTransaction): Stat {
  const stat = database.tree.find(path)!.stat()
  if (!path.endsWith(`/${statName}`)) return stat
  const { czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, numChildren, pzxid } = stat
  const dataLength = data?.length ?? 0
  return new Stat(
    czxid,
    mzxid,
    ctime,
    mtime,
    version,
    cversion,
    aversion,
    ephemeralOwner,
    dataLength,
    numChildren,
    pzxid,
  )
}

function commit(context: RequestContext, transaction: Transaction | ErrorCode): ErrorCode {
  const { database, session, xid } = context
  if (typeof transaction !== 'number') {
    database.commit(session.id, xid, transaction)
    return errorCodes.ok
  }
  database.commit(session.id, xid, { type: 'error', code: transaction })
  return transaction
}

function writerOf({ database, session, identities }: RequestContext): Writer {
  const { ttl, enforceQuota } = database.settings
  return {
    sessionId: session.id,
    identities,
    schemes: database.schemes,
    acls: new AclResolver(identities, database.schemes),
    tree: database.tree,
    ttlEnabled: ttl,
    enforceQuota,
    skipAcl: false,
  }
}

function answerStat(context: RequestContext, path: string): ErrorCode {
  context.database.tree.find(path)?.writeStat(context.ok())
  return errorCodes.ok
}

/** What ZooKeeper would not even read as an operation of a multi. */
function hasItsPlace({ op, body }: MultiOp): boolean {
  switch (op) {
    case 'create':
    case 'create2':
    case 'createContainer':
      // A time to live takes a request of its own.
      return body.flags >= createFlags.persistent && body.flags < createFlags.persistentTtl
    case 'getData':
    case 'getChildren':
      return false
    default:
      return true
  }
}

/** In a multi the flags decide what is made, not the opcode alone. */
function asItIsMeant(request: MultiOp): MultiOp {
  const { op, body } = request
  switch (op) {
    case 'create':
    case 'create2':
      return body.flags === createFlags.container ? { op: 'createContainer', body } : request
    case 'createTtl': {
      const { ttl: _, ...rest } = body
      const { flags } = body
      if (flags === createFlags.persistentTtl || flags === createFlags.persistentSequentialTtl) return request
      return { op: flags === createFlags.container ? 'createContainer' : 'create', body: rest }
    }
    default:
      return request
  }
}

function resultOf(context: RequestContext, part: Transaction, op: string): MultiResult {
  switch (part.type) {
    case 'create': {
      const { path } = part
      return op === 'create'
        ? { op: 'create', body: { path } }
        : { op: 'create2', body: { path, stat: createdStat(context, part) } }
    }
    case 'setData':
      return { op: 'setData', body: { stat: context.database.tree.find(part.path)!.stat() } }
    case 'delete':
      return { op: 'delete', body: undefined }
    default:
      return { op: 'check', body: undefined }
  }
}

/** As ZooKeeper reports it: 0 before the operation that failed, its code, and −2 after it. */
function failedResults(count: number, culprit: number, code: ErrorCode): MultiResult[] {
  return Array.from({ length: count }, (_, index) => {
    const err = index < culprit ? errorCodes.ok : index === culprit ? code : errorCodes.runtimeInconsistency
    return { op: 'error', body: { err } }
  })
}
