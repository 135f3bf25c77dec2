import { ProtocolError } from '../../common/errors.ts'
import { permissions } from '../../protocol/constants.ts'
import type { MultiResult } from '../../protocol/multi.ts'
import { operations } from '../../protocol/operations.ts'
import { maskDigests } from '../access/acl-check.ts'
import type { DataNode } from '../tree/data-node.ts'
import { errorCodes } from '../error-codes.ts'
import type { Handlers, RequestContext } from './handler.ts'
import { watchKinds } from '../tree/watch-table.ts'

/** Bytes. Beyond, the connection is closed: any client, too, would refuse the answer. */
const largestMultiRead = 64 * 1024 * 1024

/** The operations that change nothing but watches. */
export const readHandlers: Handlers<
  | 'exists'
  | 'getData'
  | 'getAcl'
  | 'getChildren'
  | 'getChildren2'
  | 'getEphemerals'
  | 'getAllChildrenNumber'
  | 'whoAmI'
  | 'multiRead'
  | 'sync'
> = {
  exists: (context, { path, watch }) => {
    const { tree, watches } = context.database
    if (path.includes('\0')) return errorCodes.badArguments
    const node = tree.find(path)
    // Reading what is there needs permission since ZOOKEEPER-4799; that something is not there is no secret.
    if (node !== undefined && !context.may(node, permissions.read)) return errorCodes.noAuth
    if (watch) watches.data.add(path, context.watcher, watchKinds.standard)
    if (node === undefined) return errorCodes.noNode
    node.writeStat(context.ok())
    return errorCodes.ok
  },

  getData: (context, { path, watch }) => {
    const { tree, watches } = context.database
    const node = tree.find(path)
    if (node === undefined) return errorCodes.noNode
    if (!context.may(node, permissions.read)) return errorCodes.noAuth
    if (watch) watches.data.add(path, context.watcher, watchKinds.standard)
    const writer = context.ok()
    writer.buffer(node.data)
    node.writeStat(writer)
    return errorCodes.ok
  },

  getAcl: (context, { path }) => {
    const node = context.database.tree.find(path)
    if (node === undefined) return errorCodes.noNode
    if (!context.may(node, permissions.read | permissions.admin)) return errorCodes.noAuth
    const { entries } = node.acl
    const seen = context.may(node, permissions.admin) ? entries : maskDigests(entries)
    const writer = context.ok()
    operations.getAcl.response.write(writer, { acl: seen, stat: node.stat() })
    return errorCodes.ok
  },

  getChildren: (context, request) => listChildren(context, request, false),
  getChildren2: (context, request) => listChildren(context, request, true),

  getEphemerals: (context, { prefix }) => {
    const paths = [...(context.database.tree.ephemerals.get(context.session.id) ?? [])]
    // A prefix of blanks, or the root's, is none; others are compared as they are. Java's blanks end at the space.
    const bare = Array.from(prefix ?? '', (character) => (character > ' ' ? character : '')).join('')
    const wanted = prefix === null || bare === '' || bare === '/' ? '' : prefix
    operations.getEphemerals.response.write(context.ok(), {
      ephemerals: paths.filter((path) => path.startsWith(wanted)),
    })
    return errorCodes.ok
  },

  getAllChildrenNumber: (context, { path }) => {
    const { tree } = context.database
    const node = tree.find(path)
    if (node === undefined) return errorCodes.noNode
    if (!context.may(node, permissions.read)) return errorCodes.noAuth
    context.ok().int(tree.countDescendants(path))
    return errorCodes.ok
  },

  whoAmI: (context) => {
    const clientInfo = context.identities.map(({ scheme, id }) => ({
      authScheme: scheme,
      user: context.database.schemes.get(scheme)?.userName(id) ?? '',
    }))
    operations.whoAmI.response.write(context.ok(), { clientInfo })
    return errorCodes.ok
  },

  multiRead: (context, ops) => {
    const results: MultiResult[] = []
    let size = 0
    for (const { op, body } of ops) {
      if (op !== 'getData' && op !== 'getChildren') return errorCodes.marshallingError
      const node = context.database.tree.find(body.path)
      if (node === undefined) results.push({ op: 'error', body: { err: errorCodes.noNode } })
      else if (!context.may(node, permissions.read)) results.push({ op: 'error', body: { err: errorCodes.noAuth } })
      else if (op === 'getData') {
        results.push({ op, body: { data: node.data, stat: node.stat() } })
        size += node.data?.length ?? 0
      } else {
        const children = namesOf(node)
        results.push({ op, body: { children } })
        for (const name of children) size += 4 + name.length
      }
      // A read of a few bytes may ask for a megabyte.
      if (size > largestMultiRead) throw new ProtocolError('multiRead: the answer would be too large')
    }
    operations.multiRead.response.write(context.ok(), results)
    return errorCodes.ok
  },

  // A single server has nobody to catch up with.
  sync: (context, { path }) => {
    context.ok().string(path)
    return errorCodes.ok
  },
}

function listChildren(
  context: RequestContext,
  { path, watch }: { readonly path: string; readonly watch: boolean },
  withStat: boolean,
): number {
  const { tree, watches } = context.database
  const node = tree.find(path)
  if (node === undefined) return errorCodes.noNode
  if (!context.may(node, permissions.read)) return errorCodes.noAuth
  if (watch) watches.child.add(path, context.watcher, watchKinds.standard)
  const writer = context.ok()
  writer.int(node.numChildren)
  for (const name of node.children ?? []) writer.string(name)
  if (withStat) node.writeStat(writer)
  return errorCodes.ok
}

function namesOf(node: DataNode): string[] {
  return [...(node.children ?? [])]
}
