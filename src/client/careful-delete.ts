import { NoNodeError } from '../common/errors.ts'
import type { CallOptions } from '../session/request.ts'
import type { BackgroundDeletes } from './background-deletes.ts'
import { composite, mayHaveChanged } from './composite.ts'
import { deleteTree, type DeleteHost } from './delete-tree.ts'
import { isLost } from './persist.ts'
import { DeleteRequest } from './requests.ts'
import { timeBudget } from './time-budget.ts'

/** What a delete that is more than one request asks of its client. */
export interface CarefulDeleteHost extends DeleteHost {
  readonly backgroundDeletes: BackgroundDeletes
}

/** What a delete of several steps is given. */
export interface DeleteCall {
  readonly path: string
  readonly version: number
  readonly recursive: boolean
  readonly idempotent: boolean
  readonly guaranteed: boolean
}

type Limits = () => CallOptions

/** Deletes a znode with all below it, again after a lost reply, in the background after a failure, or all of that. */
export function deleteCarefully(host: CarefulDeleteHost, call: DeleteCall, options: CallOptions): Promise<void> {
  const { path, guaranteed } = call
  const run = (limits: CallOptions): Promise<void> => deleteNow(host, call, limits)
  return guaranteed ? host.backgroundDeletes.guarantee(path, run, options) : run(options)
}

function deleteNow(host: CarefulDeleteHost, call: DeleteCall, options: CallOptions): Promise<void> {
  const limits = timeBudget(host.runtime, options)
  let isBegun = false
  const begun = (): void => {
    isBegun = true
  }
  const work = async (): Promise<void> => {
    for (;;) {
      try {
        return await deleteOnce(host, call, limits, begun)
      } catch (error) {
        if (!call.idempotent) throw error
        if (isLost(error)) {
          if (mayHaveChanged(error)) begun()
          continue
        }
        // It was there when it all began, or nobody can tell: in either case it is gone, as was asked for.
        if (error instanceof NoNodeError && isBegun) return
        throw error
      }
    }
  }
  return composite({ op: 'delete', path: call.path }, options, work, () => isBegun)
}

function deleteOnce(host: DeleteHost, call: DeleteCall, limits: Limits, begun: () => void): Promise<void> {
  const { path, version, recursive } = call
  if (recursive) return deleteTree(host, path, limits(), begun)
  return host.submit(new DeleteRequest(host.chroot, path, version), limits())
}
