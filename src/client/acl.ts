import { createHash } from 'node:crypto'

import { describeType } from '../common/paths.ts'
import { permissions } from '../protocol/constants.ts'
import type { AclEntry } from '../protocol/records.ts'

/** Who an ACL entry is about: a scheme (`world`, `auth`, `digest`, `ip`, `x509`, `sasl`) and a name in it. */
export interface Id {
  /** `'world'`, `'auth'`, `'digest'`, `'ip'`, `'x509'`, `'sasl'`, or what a server adds. */
  readonly scheme: string
  /** The name in that scheme: for `digest`, `user:base64(sha1(user:password))`. */
  readonly id: string
}

/** One entry of an access control list: what whom is permitted. */
export interface Acl {
  /** A sum of {@link Permissions}. */
  readonly perms: number
  /** Whom. */
  readonly id: Id
}

/** The bits of {@link Acl.perms}. */
export const Permissions: {
  /** To read the data and list the children. */
  readonly READ: 1
  /** To set the data. */
  readonly WRITE: 2
  /** To create children. */
  readonly CREATE: 4
  /** To delete children. */
  readonly DELETE: 8
  /** To set the ACL. */
  readonly ADMIN: 16
  /** All of them. */
  readonly ALL: 31
} = {
  READ: permissions.read,
  WRITE: permissions.write,
  CREATE: permissions.create,
  DELETE: permissions.delete,
  ADMIN: permissions.admin,
  ALL: permissions.all,
}

/** Which permissions a helper grants; none by default. */
export interface PermissionFlags {
  readonly read?: boolean
  readonly write?: boolean
  readonly create?: boolean
  readonly delete?: boolean
  readonly admin?: boolean
  readonly all?: boolean
}

/** Everybody, authenticated or not. */
export const ANYONE_ID_UNSAFE: Id = Object.freeze({ scheme: 'world', id: 'anyone' })
/** Stands for the identities that the creating session has authenticated as. */
export const AUTH_IDS: Id = Object.freeze({ scheme: 'auth', id: '' })

/** Everybody may do everything: ZooKeeper's default. */
export const OPEN_ACL_UNSAFE: readonly Acl[] = Object.freeze([
  Object.freeze({ perms: Permissions.ALL, id: ANYONE_ID_UNSAFE }),
])
/** Whoever creates the znode, as authenticated then, may do everything. */
export const CREATOR_ALL_ACL: readonly Acl[] = Object.freeze([Object.freeze({ perms: Permissions.ALL, id: AUTH_IDS })])
/** Everybody may read. */
export const READ_ACL_UNSAFE: readonly Acl[] = Object.freeze([
  Object.freeze({ perms: Permissions.READ, id: ANYONE_ID_UNSAFE }),
])

/** An entry for `credential` under `scheme`. @throws TypeError for what is no string, or a permission that there is not */
export function makeAcl(scheme: string, credential: string, flags: PermissionFlags = {}): Acl {
  checkText(scheme, 'scheme')
  checkText(credential, 'credential')
  return { perms: permissionBits(flags), id: { scheme, id: credential } }
}

/** An entry for a user of the `digest` scheme, by the password in clear. */
export function makeDigestAcl(username: string, password: string, flags: PermissionFlags = {}): Acl {
  return makeAcl('digest', makeDigestAclCredential(username, password), flags)
}

/** `user:base64(sha1(user:password))`: the form in which the `digest` scheme stores a user. */
export function makeDigestAclCredential(username: string, password: string): string {
  checkText(username, 'username')
  checkText(password, 'password')
  const digest = createHash('sha1').update(`${username}:${password}`).digest('base64')
  return `${username}:${digest}`
}

const flagNames: ReadonlySet<string> = new Set(['read', 'write', 'create', 'delete', 'admin', 'all'])

function checkText(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${describeType(value)}`)
}

function permissionBits(flags: PermissionFlags): number {
  for (const name of Object.keys(flags)) {
    if (!flagNames.has(name)) throw new TypeError(`unknown permission ${JSON.stringify(name)}`)
  }
  if (flags.all === true) return Permissions.ALL
  return (
    (flags.read === true ? Permissions.READ : 0) |
    (flags.write === true ? Permissions.WRITE : 0) |
    (flags.create === true ? Permissions.CREATE : 0) |
    (flags.delete === true ? Permissions.DELETE : 0) |
    (flags.admin === true ? Permissions.ADMIN : 0)
  )
}

/** Checks a caller's ACL. @throws TypeError or RangeError that names `name` */
export function checkAcl(acl: unknown, name = 'acl'): asserts acl is readonly Acl[] {
  if (!Array.isArray(acl)) throw new TypeError(`${name} must be an array of entries, not ${describeType(acl)}`)
  if (acl.length === 0) throw new RangeError(`${name} must have at least one entry`)
  for (const [index, entry] of (acl as unknown[]).entries()) checkEntry(entry, `${name}[${index}]`)
}

function checkEntry(entry: unknown, name: string): void {
  if (typeof entry !== 'object' || entry === null) {
    throw new TypeError(`${name} must be { perms, id: { scheme, id } }, not ${describeType(entry)}`)
  }
  const { perms, id } = entry as Partial<Acl>
  if (typeof perms !== 'number') throw new TypeError(`${name}.perms must be a number, not ${describeType(perms)}`)
  if (!Number.isInteger(perms) || perms < 0 || perms > Permissions.ALL) {
    throw new RangeError(`${name}.perms must be a sum of permissions, 0 to 31, not ${perms}`)
  }
  if (typeof id !== 'object' || id === null) {
    throw new TypeError(`${name}.id must be { scheme, id }, not ${describeType(id)}`)
  }
  if (typeof id.scheme !== 'string') throw new TypeError(`${name}.id.scheme must be a string`)
  if (typeof id.id !== 'string') throw new TypeError(`${name}.id.id must be a string`)
  if (id.scheme === '') throw new RangeError(`${name}.id.scheme must not be empty`)
}

export function copyAcl(acl: readonly Acl[]): readonly Acl[] {
  return acl.map(({ perms, id: { scheme, id } }) => ({ perms, id: { scheme, id } }))
}

/** Entries as a server sent them; what it left null reads as empty. */
export function fromWire(entries: readonly AclEntry[]): Acl[] {
  return entries.map(({ perms, id }) => ({ perms, id: { scheme: id.scheme ?? '', id: id.id ?? '' } }))
}
