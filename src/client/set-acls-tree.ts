import { NoNodeError } from '../common/errors.ts'
import type { Stat } from '../protocol/stat.ts'
import type { CallOptions } from '../session/request.ts'
import { copyAcl, type Acl } from './acl.ts'
import { composite } from './composite.ts'
import { SetAclsRequest } from './requests.ts'
import { timeBudget } from './time-budget.ts'
import { inParallel, listTree, type TreeHost } from './tree.ts'

/**
 * Sets the ACL of a znode and of all below it, which is read as a whole before the first is changed: the new ACL may
 * take away what listing needs. Children come first, the root last. It is not atomic, and a failure leaves a part.
 *
 * @returns the root's `Stat`
 * @throws NoNodeError if there is no such znode; NoAuthError if one of them may not be listed, before any was changed,
 * or may not be given an ACL
 */
export function setAclsTree(host: TreeHost, root: string, acls: readonly Acl[], options: CallOptions): Promise<Stat> {
  // Sent more than once: what the caller does to it meanwhile must not count.
  const own = copyAcl(acls)
  let isBegun = false
  const changed = (): void => {
    isBegun = true
  }
  return composite(
    { op: 'setAcls', path: root },
    options,
    () => setAll(host, root, own, timeBudget(host.runtime, options), changed),
    () => isBegun,
  )
}

async function setAll(
  host: TreeHost,
  root: string,
  acls: readonly Acl[],
  limits: () => CallOptions,
  changed: () => void,
): Promise<Stat> {
  const levels = await listTree(host, root, limits, (error) => {
    throw error
  })
  if (levels === null) throw new NoNodeError(undefined, { op: 'setAcls', path: root })
  const set = async (path: string): Promise<Stat> => {
    const stat = await host.submit(new SetAclsRequest(host.chroot, path, acls, -1), limits())
    changed()
    return stat
  }
  await inParallel(host, levels.slice(1).toReversed().flat(), async (path) => {
    try {
      await set(path)
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
    }
  })
  return set(root)
}
