import { isValidPath } from '../../common/paths.ts'
import { anyVersion, createFlags, permissions } from '../../protocol/constants.ts'
import type { MultiOp } from '../../protocol/multi.ts'
import type { RequestOf } from '../../protocol/operations.ts'
import type { AclEntry } from '../../protocol/records.ts'
import { isPermitted, type AclResolver } from '../access/acl-check.ts'
import type { AuthSchemes, Identity } from '../access/auth-schemes.ts'
import type { NodeView } from './data-node.ts'
import type { DataTree } from './data-tree.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import { containerOwner, maxTtl, ownerKind, ttlOwner } from './owner.ts'
import type { CreateTransaction, Transaction } from './transaction.ts'

/** Where the checks of a write find the znodes: the tree, or a {@link Draft} in the middle of a multi. */
export interface View {
  find(path: string): NodeView | undefined
}

/** Who writes, and under which rules. */
export interface Writer {
  readonly sessionId: bigint
  readonly identities: readonly Identity[]
  readonly schemes: AuthSchemes
  readonly acls: AclResolver
  readonly tree: DataTree
  readonly ttlEnabled: boolean
  readonly enforceQuota: boolean
  readonly skipAcl: boolean
}

type CreateOp = 'create' | 'create2' | 'createContainer' | 'createTtl'
type CreateBody = { path: string; data: Uint8Array | null; acl: readonly AclEntry[]; flags: number; ttl?: number }

/** The checks come in ZooKeeper's order, which decides the error where there are several. */
export function prepareCreate(
  writer: Writer,
  view: View,
  op: CreateOp,
  request: CreateBody,
): CreateTransaction | ErrorCode {
  const { data, flags, ttl = -1 } = request
  let { path } = request
  if (flags < createFlags.persistent || flags > createFlags.persistentSequentialTtl) return errorCodes.badArguments
  const hasTtl = flags === createFlags.persistentTtl || flags === createFlags.persistentSequentialTtl
  if (hasTtl && !writer.ttlEnabled) return errorCodes.unimplemented
  if (hasTtl ? ttl <= 0 || ttl > maxTtl : ttl >= 0) return errorCodes.badArguments
  const slash = path.lastIndexOf('/')
  if (slash === -1 || path.includes('\0')) return errorCodes.badArguments
  const acl = writer.acls.resolve(request.acl)
  if (typeof acl === 'number') return acl
  const parent = view.find(path.slice(0, slash))
  if (parent === undefined) return errorCodes.noNode
  if (!may(writer, parent, permissions.create)) return errorCodes.noAuth
  if (isSequential(flags)) path += sequenceOf(parent.creates)
  if (!isValidPath(path)) return errorCodes.badArguments
  if (view.find(path) !== undefined) return errorCodes.nodeExists
  if (parent.owner !== 0n && ownerKind(parent.owner) === 'session') return errorCodes.noChildrenForEphemerals
  const quota = writer.enforceQuota ? writer.tree.quotas.check(path, data?.length ?? 0, 1) : errorCodes.ok
  if (quota !== errorCodes.ok) return quota
  const owner = ownerOf(writer, op, flags, ttl)
  return { type: 'create', path, data, acl, owner, parentCreates: (parent.creates + 1) | 0 }
}

function isSequential(flags: number): boolean {
  return (
    flags === createFlags.persistentSequential ||
    flags === createFlags.ephemeralSequential ||
    flags === createFlags.persistentSequentialTtl
  )
}

/** Ten places, the sign among them: the counter goes on to −2147483648. */
function sequenceOf(creates: number): string {
  return creates < 0 ? `-${String(-creates).padStart(9, '0')}` : String(creates).padStart(10, '0')
}

function ownerOf(writer: Writer, op: CreateOp, flags: number, ttl: number): bigint {
  // The opcode decides what is made, not the flags: a create with a container's flags makes a plain znode.
  if (op === 'createContainer') return containerOwner
  if (op === 'createTtl') return ttl > 0 ? ttlOwner(ttl) : 0n
  return flags === createFlags.ephemeral || flags === createFlags.ephemeralSequential ? writer.sessionId : 0n
}

export function prepareDelete(
  writer: Writer,
  view: View,
  { path, version }: RequestOf<'delete'>,
): Transaction | ErrorCode {
  const slash = path.lastIndexOf('/')
  if (slash === -1 || path.includes('\0') || writer.tree.isSpecial(path)) return errorCodes.badArguments
  const parent = view.find(path.slice(0, slash))
  if (parent === undefined) return errorCodes.noNode
  if (!may(writer, parent, permissions.delete)) return errorCodes.noAuth
  const node = view.find(path)
  if (node === undefined) return errorCodes.noNode
  if (version !== anyVersion && version !== node.version) return errorCodes.badVersion
  if (node.numChildren > 0) return errorCodes.notEmpty
  return { type: 'delete', path }
}

/** The server's own delete of a container or TTL znode that nobody uses. */
export function prepareDeleteContainer(tree: DataTree, path: string): Transaction | ErrorCode {
  if (!path.includes('/') || path.includes('\0') || tree.isSpecial(path)) return errorCodes.badArguments
  const node = tree.find(path)
  if (node === undefined) return errorCodes.noNode
  if (node.numChildren > 0) return errorCodes.notEmpty
  if (ownerKind(node.owner) === 'session') return errorCodes.badVersion
  return { type: 'delete', path }
}

export function prepareSetData(
  writer: Writer,
  view: View,
  { path, data, version }: RequestOf<'setData'>,
): Transaction | ErrorCode {
  if (!isValidPath(path)) return errorCodes.badArguments
  const node = view.find(path)
  if (node === undefined) return errorCodes.noNode
  if (!may(writer, node, permissions.write)) return errorCodes.noAuth
  const growth = (data?.length ?? 0) - (node.data?.length ?? 0)
  const quota = writer.enforceQuota ? writer.tree.quotas.check(path, growth, 0) : errorCodes.ok
  if (quota !== errorCodes.ok) return quota
  if (version !== anyVersion && version !== node.version) return errorCodes.badVersion
  return { type: 'setData', path, data, version: (node.version + 1) | 0 }
}

export function prepareSetAcl(writer: Writer, view: View, request: RequestOf<'setAcl'>): Transaction | ErrorCode {
  const { path, version } = request
  if (!isValidPath(path)) return errorCodes.badArguments
  const acl = writer.acls.resolve(request.acl)
  if (typeof acl === 'number') return acl
  const node = view.find(path)
  if (node === undefined) return errorCodes.noNode
  if (!may(writer, node, permissions.admin)) return errorCodes.noAuth
  if (version !== anyVersion && version !== node.aversion) return errorCodes.badVersion
  return { type: 'setAcl', path, acl, aversion: (node.aversion + 1) | 0 }
}

export function prepareCheck(
  writer: Writer,
  view: View,
  { path, version }: RequestOf<'check'>,
): Transaction | ErrorCode {
  if (!isValidPath(path)) return errorCodes.badArguments
  const node = view.find(path)
  if (node === undefined) return errorCodes.noNode
  if (!may(writer, node, permissions.read)) return errorCodes.noAuth
  if (version !== anyVersion && version !== node.version) return errorCodes.badVersion
  return { type: 'check', path, version: (node.version + 1) | 0 }
}

/** One operation of a multi; null for one that has no place in it. */
export function prepareMultiOp(writer: Writer, view: View, { op, body }: MultiOp): Transaction | ErrorCode | null {
  switch (op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTtl':
      return prepareCreate(writer, view, op, body)
    case 'delete':
      return prepareDelete(writer, view, body)
    case 'setData':
      return prepareSetData(writer, view, body)
    case 'check':
      return prepareCheck(writer, view, body)
    case 'getData':
    case 'getChildren':
      return null
  }
}

function may(writer: Writer, node: NodeView, perms: number): boolean {
  if (writer.skipAcl || (node.acl.worldPerms & perms) !== 0) return true
  return isPermitted(node.acl, perms, writer.identities, writer.schemes)
}
