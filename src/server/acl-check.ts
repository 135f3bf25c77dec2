import type { AclEntry } from '../protocol/records.ts'
import type { Acl } from './acl-table.ts'
import type { AuthSchemes, Identity } from './auth-schemes.ts'

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
 * @returns null for an invalid one
 */
export function resolveAcl(
  entries: readonly AclEntry[],
  identities: readonly Identity[],
  schemes: AuthSchemes,
): readonly AclEntry[] | null {
  if (isOpen(entries)) return entries
  const resolved: AclEntry[] = []
  for (const [index, entry] of entries.entries()) {
    if (entries.findIndex((other) => isSame(other, entry)) < index) continue
    const { perms, id } = entry
    if (id.scheme === null) return null
    if (id.scheme === 'world' && id.id === 'anyone') resolved.push(entry)
    else if (id.scheme === 'auth') {
      const proven = identities.filter(({ scheme }) => schemes.get(scheme)?.authenticated === true)
      if (proven.length === 0) return null
      resolved.push(...proven.map((identity) => ({ perms, id: { scheme: identity.scheme, id: identity.id } })))
    } else if (id.id !== null && schemes.get(id.scheme)?.isValid(id.id) === true) resolved.push(entry)
    else return null
  }
  return resolved.length === 0 ? null : resolved
}

function isOpen(entries: readonly AclEntry[]): boolean {
  const { scheme, id } = entries.length === 1 ? entries[0]!.id : { scheme: null, id: null }
  return scheme === 'world' && id === 'anyone'
}

function isSame(a: AclEntry, b: AclEntry): boolean {
  return a.perms === b.perms && a.id.scheme === b.id.scheme && a.id.id === b.id.id
}

/** An ACL as those see it who may not change it: passwords' hashes hidden. */
export function maskDigests(entries: readonly AclEntry[]): readonly AclEntry[] {
  return entries.map(({ perms, id: { scheme, id } }) => ({
    perms,
    // The first colon and all that follows on its line, as ZooKeeper's pattern has it.
    id: { scheme, id: scheme === 'digest' && id !== null ? id.replaceAll(/:.*/g, ':x') : id },
  }))
}
