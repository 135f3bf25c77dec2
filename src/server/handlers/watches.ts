import { addWatchModes, eventTypes, watcherTypes } from '../../protocol/constants.ts'
import type { RequestOf } from '../../protocol/operations.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import type { Handlers, RequestContext } from './handler.ts'
import { watchKinds } from '../tree/watch-table.ts'

/** The operations about watches. */
export const watchHandlers: Handlers<'addWatch' | 'checkWatches' | 'removeWatches' | 'setWatches' | 'setWatches2'> = {
  addWatch: (context, { path, mode }) => {
    const { database, watcher } = context
    const { watches } = database
    if (mode === addWatchModes.persistent) {
      watches.data.add(path, watcher, watchKinds.persistent)
      watches.child.add(path, watcher, watchKinds.persistent)
    } else if (mode === addWatchModes.persistentRecursive) {
      watches.data.add(path, watcher, watchKinds.recursive)
    } else {
      return errorCodes.marshallingError
    }
    context.ok().int(0)
    return errorCodes.ok
  },

  checkWatches: ({ database: { watches }, watcher }, { path, type }) => {
    const known = kindsOf(type)
    if (known === null) return errorCodes.marshallingError
    const found = known.some(([table, kind]) => watches[table].has(path, watcher, kind))
    return found ? errorCodes.ok : errorCodes.noWatcher
  },

  removeWatches: ({ database: { watches }, watcher }, { path, type }) => {
    const known = kindsOf(type)
    if (known === null) return errorCodes.marshallingError
    const removed = known.filter(([table, kind]) => watches[table].remove(path, watcher, kind))
    return removed.length > 0 ? errorCodes.ok : errorCodes.noWatcher
  },

  setWatches: (context, request) =>
    rearm(context, { ...request, persistentWatches: [], persistentRecursiveWatches: [] }),
  setWatches2: (context, request) => rearm(context, request),
}

type Tables = readonly (readonly ['data' | 'child', number])[]
const { standard, persistent, recursive } = watchKinds

function kindsOf(type: number): Tables | null {
  switch (type) {
    case watcherTypes.children:
      return [['child', standard]]
    case watcherTypes.data:
      return [['data', standard]]
    case watcherTypes.persistent:
      return [
        ['data', persistent],
        ['child', persistent],
      ]
    case watcherTypes.persistentRecursive:
      return [['data', recursive]]
    case watcherTypes.any:
      return [
        ['data', standard | persistent | recursive],
        ['child', standard | persistent | recursive],
      ]
    default:
      return null
  }
}

/**
 * Takes up a connection's watches where another left them: what happened to one-shot watches since then is told at
 * once, whoever may read it; the other kinds are only set (ZOOKEEPER-4698).
 */
function rearm(context: RequestContext, request: RequestOf<'setWatches2'>): ErrorCode {
  const { database, watcher } = context
  const { tree, watches } = database
  const since = Number(request.relativeZxid)
  const lists: [paths: readonly string[] | null, take: (path: string) => void][] = [
    [
      request.dataWatches,
      (path) => {
        const node = tree.find(path)
        if (node === undefined) context.tell(eventTypes.deleted, path)
        else if (node.mzxid > since) context.tell(eventTypes.dataChanged, path)
        else watches.data.add(path, watcher, standard)
      },
    ],
    [
      request.existWatches,
      (path) => {
        if (tree.find(path) !== undefined) context.tell(eventTypes.created, path)
        else watches.data.add(path, watcher, standard)
      },
    ],
    [
      request.childWatches,
      (path) => {
        const node = tree.find(path)
        if (node === undefined) context.tell(eventTypes.deleted, path)
        else if (node.pzxid > since) context.tell(eventTypes.childrenChanged, path)
        else watches.child.add(path, watcher, standard)
      },
    ],
    [
      request.persistentWatches,
      (path) => {
        watches.data.add(path, watcher, persistent)
        watches.child.add(path, watcher, persistent)
      },
    ],
    [request.persistentRecursiveWatches, (path) => watches.data.add(path, watcher, recursive)],
  ]
  for (const [paths, take] of lists) {
    // What comes before a list that is null is done by then.
    if (paths === null) return errorCodes.marshallingError
    for (const path of paths) take(path)
  }
  return errorCodes.ok
}
