import type { AclEntry } from '../protocol/records.ts'
import type { Acl } from './acl-table.ts'
import type { AuthSchemes, Identity } from './auth-schemes.ts'
import { errorCodes, type ErrorCode } from './error-codes.ts'

/** Whether somebody with these identities has one of the permissions asked for. */
export function isPermitted(acl: Acl, perms: number, identities: readonly Identity[], schemes: AuthSchemes): boolean {
  if ((acl.worldPerms & perms) !== 0 || acl.entries.length === 0) return true
  if (identities.some(({ scheme }) => scheme === 'super')) return true
  return acl.entries.some(({ perms: granted, id: { scheme, id } }) => {
    if ((granted & perms) === 0) return false
    const rule = schemes.get(scheme ?? '')
    if (rule === undefined) return false
    return identities.some((identity) => identity.scheme === scheme && rule.matches(identity.id, id ?? ''))
  })
}

/**
 * The ACL that a znode gets: doubles removed, `auth` replaced by the proven identities of who asks.
 *
 * @returns an error code for an invalid one
 */
export function resolveAcl(
  entries: readonly AclEntry[],
  identities: readonly Identity[],
  schemes: AuthSchemes,
): readonly AclEntry[] | ErrorCode {
  if (isOpen(entries)) return entries
  const distinct: AclEntry[] = []
  for (const entry of entries) {
    // ZooKeeper compares before it checks, and stumbles over what is null.
    if (distinct.some((other) => comparesNull(other, entry))) return errorCodes.marshallingError
    if (!distinct.some((other) => isSame(other, entry))) distinct.push(entry)
  }
  const resolved: AclEntry[] = []
  for (const entry of distinct) {
    const { perms, id } = entry
    if (id.scheme === null) return errorCodes.invalidAcl
    if (id.scheme === 'auth') {
      const proven = identities.filter(({ scheme }) => schemes.get(scheme)?.authenticated === true)
      if (proven.length === 0) return errorCodes.invalidAcl
      resolved.push(...proven.map((identity) => ({ perms, id: { scheme: identity.scheme, id: identity.id } })))
      continue
    }
    const scheme = schemes.get(id.scheme)
    if (id.id === null)
      return scheme === undefined && id.scheme !== 'world' ? errorCodes.invalidAcl : errorCodes.marshallingError
    const isValid = id.scheme === 'world' ? id.id === 'anyone' : scheme?.isValid(id.id) === true
    if (!isValid) return errorCodes.invalidAcl
    resolved.push(entry)
  }
  return resolved.length === 0 ? errorCodes.invalidAcl : resolved
}

function isOpen(entries: readonly AclEntry[]): boolean {
  const { scheme, id } = entries.length === 1 ? entries[0]!.id : { scheme: null, id: null }
  return scheme === 'world' && id === 'anyone'
}

function isSame(a: AclEntry, b: AclEntry): boolean {
  return a.perms === b.perms && a.id.scheme === b.id.scheme && a.id.id === b.id.id
}

function comparesNull(a: AclEntry, b: AclEntry): boolean {
  return a.perms === b.perms && (b.id.scheme === null || (a.id.scheme === b.id.scheme && b.id.id === null))
}

/** An ACL as those see it who may not change it: passwords' hashes hidden. */
export function maskDigests(entries: readonly AclEntry[]): readonly AclEntry[] {
  return entries.map(({ perms, id: { scheme, id } }) => ({
    perms,
    // The first colon and all that follows on its line, as ZooKeeper's pattern has it.
    id: { scheme, id: scheme === 'digest' && id !== null ? id.replaceAll(/:.*/g, ':x') : id },
  }))
}
