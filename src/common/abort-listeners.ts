/**
 * Whom to tell when a signal aborts. A signal may well be given to a hundred calls at once, and Node takes more than ten
 * listeners for a leak: so each signal has one of ours, which tells all of them.
 */
const listening = new WeakMap<AbortSignal, { readonly callbacks: Set<() => void>; readonly listener: () => void }>()

/** Has `callback` called once the signal aborts; not for one that is aborted already. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): void {
  if (signal === undefined) return
  const known = listening.get(signal)
  if (known !== undefined) {
    known.callbacks.add(callback)
    return
  }
  const callbacks = new Set([callback])
  const listener = (): void => {
    for (const each of callbacks) each()
    listening.delete(signal)
  }
  listening.set(signal, { callbacks, listener })
  signal.addEventListener('abort', listener, { once: true })
}

/** Takes it back. A signal that tells nobody any more is left as it was. */
export function offAbort(signal: AbortSignal | undefined, callback: () => void): void {
  const known = signal && listening.get(signal)
  if (known === undefined || !known.callbacks.delete(callback) || known.callbacks.size > 0) return
  listening.delete(signal!)
  signal!.removeEventListener('abort', known.listener)
}
