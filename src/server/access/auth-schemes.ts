import { createHash } from 'node:crypto'

import { isIpAcl, matchesIpAcl } from './ip-acl.ts'
import type { ServerSettings } from '../options.ts'
import { withoutEnd } from '../without-end.ts'
import { isX500Name } from './x500-syntax.ts'

/** An identity that a connection proved, or that was seen of it. */
export interface Identity {
  readonly scheme: string
  readonly id: string
}

/** What a scheme of ACLs means. */
export interface AuthScheme {
  /** Whether its ids may stand for `auth` in an ACL: they are proven, not merely observed. */
  readonly authenticated: boolean
  /** Whether an ACL may hold this id. */
  isValid(id: string): boolean
  /** Whether who has `id` is meant by `expression`. */
  matches(id: string, expression: string): boolean
  /** How whoAmI names it. */
  userName(id: string): string
}

const digestScheme: AuthScheme = {
  authenticated: true,
  // Two parts, as Java splits: `user:` has one, and `user:hash::` has two.
  isValid: (id) => withoutEnd(id, ':').split(':').length === 2,
  matches: (id, expression) => id === expression,
  userName: (id) => id.split(':')[0] ?? '',
}

const ipScheme: AuthScheme = {
  authenticated: false,
  isValid: isIpAcl,
  matches: matchesIpAcl,
  userName: (id) => id,
}

function x509Scheme(superUser: string | null): AuthScheme {
  return {
    authenticated: true,
    isValid: isX500Name,
    matches: (id, expression) => id === expression || (superUser !== null && id === superUser),
    userName: (id) => id,
  }
}

const saslScheme: AuthScheme = {
  authenticated: true,
  // What looks like no principal of Kerberos is one all the same, unless it has an `@`.
  isValid: (id) => !id.includes('@') || /^[^/@]*(?:\/[^/@]*)?@[^/@]*$/.test(id),
  matches: (id, expression) => id === 'super' || id === expression,
  userName: (id) => id,
}

/** The schemes that ACLs may name, beside `world` and `auth`. */
export type AuthSchemes = ReadonlyMap<string, AuthScheme>

/** `x509` and `sasl` are known where the server can prove them; elsewhere an ACL that names them is invalid. */
export function makeAuthSchemes({ tls, saslUsers, x509SuperUser }: ServerSettings): AuthSchemes {
  const schemes = new Map([
    ['digest', digestScheme],
    ['ip', ipScheme],
  ])
  if (tls !== null) schemes.set('x509', x509Scheme(x509SuperUser))
  if (saslUsers.size > 0) schemes.set('sasl', saslScheme)
  return schemes
}

/** Who a verified certificate is of. */
export function certificateIdentities(subject: string | null, superUser: string | null): Identity[] {
  if (subject === null) return []
  const identity = { scheme: 'x509', id: subject }
  return subject === superUser ? [{ scheme: 'super', id: subject }, identity] : [identity]
}

/** `user:password` as an ACL has it: `user:BASE64(SHA1(user:password))`. */
export function digestId(credential: Uint8Array): string {
  // Bytes that are not UTF-8 are hashed as what they were decoded to, as in ZooKeeper.
  const text = Buffer.from(credential).toString('utf8')
  const colon = text.indexOf(':')
  const user = colon === -1 ? text : text.slice(0, colon)
  return `${user}:${createHash('sha1').update(text, 'utf8').digest('base64')}`
}
