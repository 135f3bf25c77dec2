import { NoAuthError, NoNodeError } from '../common/errors.ts'
import { childPath } from '../common/paths.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { CallOptions, Request } from '../session/request.ts'
import { GetChildrenRequest } from './requests.ts'

/** What work on a whole tree asks of its client. */
export interface TreeHost {
  readonly chroot: string
  readonly runtime: Runtime
  submit<T>(request: Request<T>, limits: CallOptions): Promise<T>
}

/** How many requests of one tree are under way at a time. */
const width = 256

/**
 * The paths of a tree by their depth, the root first. What vanishes meanwhile is left out, or listed as a leaf.
 *
 * @param unreadable - what to make of a znode that may not be listed: those below it, or an error
 * @returns null if there is no such root
 */
export async function listTree(
  host: TreeHost,
  root: string,
  limits: () => CallOptions,
  unreadable: (error: NoAuthError, path: string) => string[],
): Promise<string[][] | null> {
  const listed = await childrenOf(host, root, limits)
  if (listed === null) return null
  const levels = [[root]]
  // Level by level, so that each level's requests share the wire.
  let next = listed.map((name) => childPath(root, name))
  while (next.length > 0) {
    levels.push(next)
    const below = await inParallel(next, width, (path) =>
      childrenOf(host, path, limits).catch((error: unknown) => {
        if (error instanceof NoAuthError) return unreadable(error, path)
        throw error
      }),
    )
    next = next.flatMap((path, index) => (below[index] ?? []).map((name) => childPath(path, name)))
  }
  return levels
}

/** The names of a znode's children, or null if there is no such znode. */
async function childrenOf(host: TreeHost, path: string, limits: () => CallOptions): Promise<string[] | null> {
  try {
    return await host.submit(new GetChildrenRequest(host.chroot, path, null), limits())
  } catch (error) {
    if (error instanceof NoNodeError) return null
    throw error
  }
}

/**
 * Works on items, some at a time, in their order. After a failure no further ones are begun, and it rejects with the
 * first failure when those under way have ended.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  atATime: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += atATime) {
    const settled = await Promise.allSettled(items.slice(start, start + atATime).map((item) => work(item)))
    for (const outcome of settled) {
      if (outcome.status === 'rejected') throw outcome.reason
      results.push(outcome.value)
    }
  }
  return results
}
