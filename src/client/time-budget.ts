import type { Runtime } from '../runtime/runtime.ts'
import type { CallOptions } from '../session/request.ts'

/**
 * The limits of a verb that makes several requests: each gets what is left of the time that the caller gave for all.
 */
export function timeBudget(runtime: Runtime, { signal, timeout }: CallOptions): () => CallOptions {
  if (timeout === undefined) return () => ({ signal })
  const end = runtime.now() + timeout
  return () => ({ signal, timeout: Math.max(0, end - runtime.now()) })
}
