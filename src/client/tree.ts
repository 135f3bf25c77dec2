import { NoAuthError, NoNodeError } from '../common/errors.ts'
import { childPath } from '../common/paths.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { CallOptions, Request } from '../session/request.ts'
import { GetChildrenRequest } from './requests.ts'

/** What work on a whole tree asks of its client. */
export interface TreeHost {
  readonly chroot: string
  readonly runtime: Runtime
  readonly maxPending: number
  submit<T>(request: Request<T>, limits: CallOptions): Promise<T>
}

/** How many requests of one tree are under way at a time at most. */
const width = 256

/** How many of a client's requests one verb may have under way: half of those that may be pending, as it is not alone. */
export function shareOf({ maxPending }: TreeHost, wanted: number): number {
  return Math.min(wanted, Math.max(1, Math.floor(maxPending / 2)))
}

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
  const levels: string[][] = []
  // Level by level, so that each level's requests share the wire.
  for (let next = [root]; next.length > 0;) {
    const below = await inParallel(host, next, (path) =>
      childrenOf(host, path, limits).catch((error: unknown) => {
        if (error instanceof NoAuthError) return unreadable(error, path)
        throw error
      }),
    )
    if (levels.length === 0 && below[0] === null) return null
    levels.push(next)
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
 * Makes a request for each item, some at a time, in their order. After a failure no further ones are begun, and it
 * rejects with the first failure when those under way have ended.
 */
export async function inParallel<T, R>(
  host: TreeHost,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const atATime = shareOf(host, width)
  for (let start = 0; start < items.length; start += atATime) {
    const settled = await Promise.allSettled(items.slice(start, start + atATime).map((item) => work(item)))
    for (const outcome of settled) {
      if (outcome.status === 'rejected') throw outcome.reason
      results.push(outcome.value)
    }
  }
  return results
}
