import { describeType } from '../common/paths.ts'
import type { AuthInfo } from '../session/authentication/auth-request.ts'
import type { CredentialSource } from '../session/authentication/credentials.ts'
import type { SaslOptions, SaslSource } from '../session/authentication/sasl/options.ts'

/** The options about who the client is. What is secret never appears in what is thrown. */

/** @throws TypeError or RangeError; of what a function gives, later and on its own connection */
export function toCredentialSource(authData: unknown): CredentialSource {
  if (typeof authData !== 'function') return checkAuthData(authData)
  const ask = authData as () => unknown
  return async () => checkAuthData(await ask())
}

function checkAuthData(authData: unknown): readonly AuthInfo[] {
  if (authData === undefined) return []
  if (!Array.isArray(authData)) throw new TypeError(`authData must be an array, not ${describeType(authData)}`)
  return authData.map((info: unknown, index) => {
    const name = `authData[${index}]`
    if (typeof info !== 'object' || info === null) {
      throw new TypeError(`${name} must be { scheme, credential }, not ${describeType(info)}`)
    }
    const { scheme, credential } = info as { scheme?: unknown; credential?: unknown }
    return checkAuth(scheme, credential, name)
  })
}

export function checkAuth(scheme: unknown, credential: unknown, name: string): AuthInfo {
  const prefix = name === '' ? '' : `${name}.`
  if (typeof scheme !== 'string') throw new TypeError(`${prefix}scheme must be a string, not ${describeType(scheme)}`)
  if (scheme === '') throw new RangeError(`${prefix}scheme must not be empty`)
  // Where Kazoo takes this for a password, ZooKeeper refuses it, and would be sent it in clear.
  if (scheme === 'sasl') throw new RangeError(`${prefix}scheme: "sasl" is for the option saslOptions`)
  if (typeof credential !== 'string' && !(credential instanceof Uint8Array)) {
    throw new TypeError(`${prefix}credential must be a string or a Uint8Array, not ${describeType(credential)}`)
  }
  return { scheme, credential: typeof credential === 'string' ? credential : Buffer.from(credential) }
}

/** @throws TypeError or RangeError; of what a function gives, later and on its own connection */
export function toSaslSource(options: unknown): SaslSource | null {
  if (options === undefined) return null
  if (typeof options === 'function') {
    const ask = options as () => unknown
    return async () => checkSaslOptions(await ask())
  }
  const checked = checkSaslOptions(options)
  return () => checked
}

const names = {
  'DIGEST-MD5': new Set(['mechanism', 'username', 'password', 'realm']),
  GSSAPI: new Set(['mechanism', 'service', 'principal', 'hostname', 'kerberos']),
} as const

function checkSaslOptions(options: unknown): SaslOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`saslOptions must be an object or a function, not ${describeType(options)}`)
  }
  const given = options as Record<string, unknown>
  const { mechanism } = given
  if (mechanism !== 'DIGEST-MD5' && mechanism !== 'GSSAPI') {
    throw new RangeError('saslOptions.mechanism must be "DIGEST-MD5" or "GSSAPI"')
  }
  for (const name of Object.keys(given)) {
    if (!names[mechanism].has(name)) throw new TypeError(`unknown option ${JSON.stringify(`saslOptions.${name}`)}`)
  }
  if (mechanism === 'DIGEST-MD5') {
    checkText(given, 'username')
    checkText(given, 'password')
    checkOptionalText(given, 'realm')
  } else {
    checkOptionalText(given, 'service')
    checkOptionalText(given, 'principal')
    if (typeof given['hostname'] !== 'function') checkOptionalText(given, 'hostname')
    const { kerberos } = given
    const isModule = typeof (kerberos as { initializeClient?: unknown } | null)?.initializeClient === 'function'
    if (kerberos !== undefined && !isModule) throw new TypeError('saslOptions.kerberos must be the module kerberos')
  }
  return { ...(options as SaslOptions) }
}

function checkText(options: Record<string, unknown>, name: string): void {
  const value = options[name]
  if (typeof value !== 'string') throw new TypeError(`saslOptions.${name} must be a string, not ${describeType(value)}`)
  if (value === '') throw new RangeError(`saslOptions.${name} must not be empty`)
  if (value.includes('\0')) throw new RangeError(`saslOptions.${name} must not have a null character`)
}

function checkOptionalText(options: Record<string, unknown>, name: string): void {
  if (options[name] !== undefined) checkText(options, name)
}
