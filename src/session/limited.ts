import { offAbort, onAbort } from '../common/abort-listeners.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { CallOptions } from './request.ts'

/** What a promise comes to, or the end of the caller's patience with it, whichever is first. */
export function limited<T>(
  runtime: Runtime,
  promise: Promise<T>,
  { signal, timeout }: CallOptions,
  timedOut: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => settle(() => reject(signal?.reason))
    const timer =
      timeout === undefined || timeout === Infinity
        ? undefined
        : runtime.setTimer(timeout, () => settle(() => reject(timedOut())))
    const settle = (outcome: () => void): void => {
      timer?.cancel()
      offAbort(signal, aborted)
      outcome()
    }
    if (signal?.aborted === true) aborted()
    else onAbort(signal, aborted)
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
