import { NoAuthError, NoNodeError, NotEmptyError } from '../common/errors.ts'
import { childPath } from '../common/paths.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { CallOptions, Request } from '../session/request.ts'
import { DeleteRequest, GetChildrenRequest } from './requests.ts'
import { timeBudget } from './time-budget.ts'

/** What deleting a tree asks of its client. */
export interface DeleteHost {
  readonly chroot: string
  readonly runtime: Runtime
  submit<T>(request: Request<T>, limits: CallOptions): Promise<T>
}

type Limits = () => CallOptions

/** Rounds in which others create children of a znode while it is deleted, after which they have won. */
const patience = 100

/** How many requests of one tree are under way at a time. */
const width = 256

/**
 * Deletes a znode and all below it, children first. It is not atomic: others may see a part of it, and a failure leaves
 * a part. What others delete meanwhile is no error, and what they create meanwhile is deleted, too.
 *
 * @throws NoNodeError if there is no such znode to begin with
 */
export async function deleteTree(host: DeleteHost, root: string, call: CallOptions, round = 1): Promise<void> {
  const limits = timeBudget(host.runtime, call)
  const listed = await listRoot(host, root, limits)
  if (listed === null) throw new NoNodeError(undefined, { op: 'delete', path: root })
  let paths = [root]
  // Level by level, so that each level's requests share the wire.
  const levels: string[][] = []
  let below: (string[] | null)[] = [listed]
  while (paths.length > 0) {
    levels.push(paths)
    paths = paths.flatMap((path, index) => (below[index] ?? []).map((name) => childPath(path, name)))
    below = await inParallel(paths, (path) => childrenOf(host, path, limits).catch(asLeaf))
  }
  for (const level of levels.toReversed()) await inParallel(level, (path) => deleteOne(host, path, limits, round))
}

/** Who may not list a znode may still delete it, as long as it has no children. */
function asLeaf(error: unknown): string[] {
  if (error instanceof NoAuthError) return []
  throw error
}

async function listRoot(host: DeleteHost, root: string, limits: Limits): Promise<string[] | null> {
  try {
    return await childrenOf(host, root, limits)
  } catch (error) {
    if (!(error instanceof NoAuthError)) throw error
    return await host.submit(new DeleteRequest(host.chroot, root, -1), limits()).then(
      () => [],
      (failure: unknown) => {
        throw failure instanceof NotEmptyError ? error : failure
      },
    )
  }
}

async function deleteOne(host: DeleteHost, path: string, limits: Limits, round: number): Promise<void> {
  try {
    await host.submit(new DeleteRequest(host.chroot, path, -1), limits())
  } catch (error) {
    if (error instanceof NoNodeError) return
    if (!(error instanceof NotEmptyError) || round === patience) throw error
    // Somebody created a child after the list was read.
    await deleteTree(host, path, limits(), round + 1).catch(ignoreNoNode)
  }
}

function ignoreNoNode(error: unknown): void {
  if (!(error instanceof NoNodeError)) throw error
}

async function childrenOf(host: DeleteHost, path: string, limits: Limits): Promise<string[] | null> {
  try {
    return await host.submit(new GetChildrenRequest(host.chroot, path, null), limits())
  } catch (error) {
    if (error instanceof NoNodeError) return null
    throw error
  }
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += width) {
    results.push(...(await Promise.all(items.slice(start, start + width).map((item) => work(item)))))
  }
  return results
}
