import type { AclEntry } from '../../protocol/records.ts'
import { aclKey, type Acl } from './acl-table.ts'
import type { AuthSchemes, Identity } from './auth-schemes.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'

/** Whether somebody with these identities has one of the permissions asked for. */
export function isPermitted(acl: Acl, perms: number, identities: readonly Identity[], schemes: AuthSchemes): boolean {
  if ((acl.worldPerms & perms) !== 0 || acl.length === 0) return true
  if (identities.some(({ scheme }) => scheme === 'super')) return true
  return acl.some((granted, { scheme, id }) => {
    if ((granted & perms) === 0) return false
    const rule = schemes.get(scheme ?? '')
    if (rule === undefined) return false
    return identities.some((identity) => identity.scheme === scheme && rule.matches(identity.id, id ?? ''))
  })
}

/** So many entries may stand for `auth` in the ACLs of one request: each of a few bytes stands for all identities. */
const mostProven = 10_000

/**
 * What the ACLs of one request come to: doubles removed, `auth` replaced by the proven identities of who asks. Equal
 * lists within a multi come to one and the same list.
 */
export class AclResolver {
  readonly #identities: readonly Identity[]
  readonly #schemes: AuthSchemes
  #known: Map<string, readonly AclEntry[] | ErrorCode> | null = null
  #proven: readonly Identity[] | null = null
  #made = 0

  constructor(identities: readonly Identity[], schemes: AuthSchemes) {
    this.#identities = identities
    this.#schemes = schemes
  }

  /** @returns an error code for an invalid one */
  resolve(entries: readonly AclEntry[]): readonly AclEntry[] | ErrorCode {
    if (isOpen(entries)) return entries
    const key = aclKey(entries)
    const known = this.#known?.get(key)
    if (known !== undefined) return known
    const resolved = this.#resolve(entries)
    this.#known ??= new Map()
    this.#known.set(key, resolved)
    return resolved
  }

  #resolve(entries: readonly AclEntry[]): readonly AclEntry[] | ErrorCode {
    const distinct = distinctOf(entries)
    if (distinct === null) return errorCodes.marshallingError
    const resolved: AclEntry[] = []
    for (const entry of distinct) {
      const { perms, id } = entry
      if (id.scheme === null) return errorCodes.invalidAcl
      if (id.scheme === 'auth') {
        this.#proven ??= this.#identities.filter(({ scheme }) => this.#schemes.get(scheme)?.authenticated === true)
        this.#made += this.#proven.length
        if (this.#proven.length === 0 || this.#made > mostProven) return errorCodes.invalidAcl
        // The identities themselves serve as ids: the fewer objects the better.
        for (const identity of this.#proven) resolved.push({ perms, id: identity })
        continue
      }
      const scheme = this.#schemes.get(id.scheme)
      if (id.id === null)
        return scheme === undefined && id.scheme !== 'world' ? errorCodes.invalidAcl : errorCodes.marshallingError
      const isValid = id.scheme === 'world' ? id.id === 'anyone' : scheme?.isValid(id.id) === true
      if (!isValid) return errorCodes.invalidAcl
      resolved.push(entry)
    }
    return resolved.length === 0 ? errorCodes.invalidAcl : resolved
  }
}

/** Without doubles; null where ZooKeeper, which compares before it checks, stumbles over what is null. */
function distinctOf(entries: readonly AclEntry[]): readonly AclEntry[] | null {
  if (entries.length < 2) return entries
  const distinct: AclEntry[] = []
  const seen = new Set<number | string>()
  for (const entry of entries) {
    const { perms, id } = entry
    const [byScheme, whole] = [`${perms}:${id.scheme}`, aclKey([entry])]
    if (id.scheme === null ? seen.has(perms) : id.id === null && seen.has(byScheme)) return null
    if (seen.has(whole)) continue
    seen.add(perms).add(byScheme).add(whole)
    distinct.push(entry)
  }
  return distinct
}

function isOpen(entries: readonly AclEntry[]): boolean {
  const { scheme, id } = entries.length === 1 ? entries[0]!.id : { scheme: null, id: null }
  return scheme === 'world' && id === 'anyone'
}

/** An ACL as those see it who may not change it: passwords' hashes hidden. */
export function maskDigests(entries: readonly AclEntry[]): readonly AclEntry[] {
  return entries.map(({ perms, id: { scheme, id } }) => ({
    perms,
    // The first colon and all that follows on its line, as ZooKeeper's pattern has it.
    id: { scheme, id: scheme === 'digest' && id !== null ? id.replaceAll(/:.*/g, ':x') : id },
  }))
}
