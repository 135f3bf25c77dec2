import { offAbort, onAbort } from '../../common/abort-listeners.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { parseHosts, type ServerName } from './hosts.ts'

/**
 * Gives the servers, each time the client looks for one: as `hosts` are written, without a chroot.
 *
 * @param options - `signal` aborts when the answer is no longer wanted: after a third of the session timeout, or when the
 * search has ended
 */
export type HostProvider = (options: {
  readonly signal: AbortSignal
}) => string | readonly string[] | PromiseLike<string | readonly string[]>

/** What a provider answers, checked; or the error that it did not. Never rejects, and ends within `timeout` ms. */
export function askProvider(
  runtime: Runtime,
  provider: HostProvider,
  timeout: number,
  signal: AbortSignal,
): Promise<readonly ServerName[] | Error> {
  return new Promise((resolve) => {
    const late = new AbortController()
    const settle = (outcome: readonly ServerName[] | Error): void => {
      timer.cancel()
      offAbort(signal, aborted)
      resolve(outcome)
    }
    const giveUp = (error: Error): void => {
      settle(error)
      late.abort(error)
    }
    const aborted = (): void => giveUp(new Error('the search for a server has ended'))
    const timer = runtime.setTimer(timeout, () =>
      giveUp(new Error(`the function given as hosts did not answer within ${Math.round(timeout)} ms`)),
    )
    onAbort(signal, aborted)
    const ask = async (): Promise<readonly ServerName[]> => {
      const { servers, chroot } = parseHosts(await provider({ signal: late.signal }))
      if (chroot !== '') throw new RangeError(`hosts: a function gives no chroot, as in "${chroot}"`)
      return servers
    }
    ask().then(settle, (cause: unknown) =>
      settle(new Error('the function given as hosts failed, or gave no servers', { cause })),
    )
  })
}
