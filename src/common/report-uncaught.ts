/**
 * Reports an error that a user's listener threw as an uncaught exception, as if it had been thrown from an event loop
 * callback of its own, so that it can break neither the read loop nor another listener.
 */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
