import { permissions } from '../../protocol/constants.ts'
import { operations, type RequestOf } from '../../protocol/operations.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import { EnsembleConfig } from '../reconfig/ensemble-config.ts'
import { nextServers } from '../reconfig/next-servers.ts'
import { configPath } from '../tree/data-tree.ts'
import type { Transaction } from '../tree/transaction.ts'
import type { Handlers, RequestContext } from './handler.ts'

/** The change of an ensemble's members. */
export const reconfigHandlers: Handlers<'reconfig'> = {
  reconfig: (context, request) => {
    const { database, session, xid } = context
    const { quorum } = database.membership
    const next = prepare(context, request)
    if (typeof next === 'number' || quorum === null) {
      const code = typeof next === 'number' ? next : errorCodes.unimplemented
      database.commit(session.id, xid, { type: 'error', code })
      return code
    }
    const data = Buffer.from(next.toString())
    const write: Transaction = { type: 'setData', path: configPath, data, version: -1 }
    // Twice, as every member does: when the configuration is taken up, and as a transaction. Watches that last are told twice.
    database.commit(session.id, xid, { type: 'multi', transactions: [write, write] })
    const stat = database.tree.find(configPath)!.stat()
    operations.reconfig.response.write(context.ok(), { data, stat })
    quorum.activate(next)
    return errorCodes.ok
  },
}

/** The checks come in ZooKeeper's order. Whether who asks may ask is the last of them. */
function prepare(context: RequestContext, request: RequestOf<'reconfig'>): EnsembleConfig | ErrorCode {
  const { settings, membership, tree, nextZxid } = context.database
  const { quorum } = membership
  if (!settings.reconfig) return errorCodes.reconfigDisabled
  if (quorum === null) return errorCodes.unimplemented
  const { curConfigId } = request
  if (curConfigId !== -1n && curConfigId !== BigInt(quorum.config.version)) return errorCodes.badVersion
  const servers = nextServers(quorum.config, request)
  if (typeof servers === 'number') return servers
  const next = new EnsembleConfig(nextZxid, servers.values())
  if (!quorum.isSynced(next)) return errorCodes.newConfigNoQuorum
  return context.may(tree.find(configPath)!, permissions.write) ? next : errorCodes.noAuth
}
