import { describeType } from '../common/paths.ts'
import type { TlsOptions } from '../runtime/node-tls-options.ts'

/** What gives the options of TLS for an attempt to connect; null without. */
export type TlsSource = (() => TlsOptions | PromiseLike<TlsOptions>) | null

/** @throws TypeError that names the option; of what a function gives, later and for its own attempt */
export function toTlsSource(tls: unknown): TlsSource {
  if (tls === undefined || tls === false) return null
  if (tls === true) return () => ({})
  if (typeof tls === 'function') return async () => checkTlsOptions(await (tls as () => unknown)())
  checkTlsOptions(tls)
  return () => checkTlsOptions(tls)
}

/** Without those that are undefined: Node takes them for given, and a name to verify would be none. */
function checkTlsOptions(options: unknown): TlsOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`tls must be a boolean, an object or a function, not ${describeType(options)}`)
  }
  const { key, pfx } = options as TlsOptions
  for (const each of [options, key, pfx].flat()) checkPassphrase(each)
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** Node would say what it is instead of a string, in an error that goes to the log. */
function checkPassphrase(holder: unknown): void {
  const { passphrase } = (holder ?? {}) as { readonly passphrase?: unknown }
  if (passphrase === undefined || passphrase === null || typeof passphrase === 'string') return
  throw new TypeError(`tls.passphrase must be a string, not ${describeType(passphrase)}`)
}
