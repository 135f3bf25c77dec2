import { BadVersionError } from '../common/errors.ts'
import type { Stat } from '../protocol/stat.ts'
import type { CallOptions } from '../session/request.ts'
import { composite } from './composite.ts'
import { isLost, persist } from './persist.ts'
import { GetRequest, SetRequest } from './requests.ts'
import { timeBudget } from './time-budget.ts'
import type { TreeHost } from './tree.ts'

const emptyData = Buffer.alloc(0)

/**
 * Sets a znode's data, and does so again when the reply is lost. A version that does not match then may be this set's
 * own doing: it is taken for that where the znode has the next version and the same data.
 */
export function setIdempotently(
  host: TreeHost,
  path: string,
  data: Uint8Array | null,
  version: number,
  options: CallOptions,
): Promise<Stat> {
  const limits = timeBudget(host.runtime, options)
  // It is sent more than once: what the caller does to it meanwhile must not count.
  const own = data === null ? null : Buffer.from(data)
  let isOpen = false
  const set = async (): Promise<Stat> => {
    for (;;) {
      try {
        return await host.submit(new SetRequest(host.chroot, path, own, version), limits())
      } catch (error) {
        if (isLost(error)) {
          isOpen ||= error.maybeApplied
          continue
        }
        if (!isOpen || !(error instanceof BadVersionError)) throw error
        const found = await persist(() => host.submit(new GetRequest(host.chroot, path), limits()))
        // Versions are 32-bit numbers that wrap around.
        const isOwn = found?.stat.version === ((version + 1) | 0) && found.data.equals(own ?? emptyData)
        if (!isOwn) throw error
        return found.stat
      }
    }
  }
  return composite({ op: 'set', path }, options, set, () => isOpen)
}
