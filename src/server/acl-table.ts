import { createHash } from 'node:crypto'

import type { AclEntry } from '../protocol/records.ts'

/** Characters. */
const longKey = 1024

/** A list of ACL entries. Equal lists are one object, however many znodes have them. */
export class Acl {
  readonly entries: readonly AclEntry[]
  /** What anyone may do: most checks end here. */
  readonly worldPerms: number
  uses = 0

  constructor(entries: readonly AclEntry[]) {
    this.entries = entries
    this.worldPerms = entries.reduce(
      (perms, { perms: more, id }) => (id.scheme === 'world' && id.id === 'anyone' ? perms | more : perms),
      0,
    )
  }
}

/** Every ACL in use. */
export class AclTable {
  readonly #byKey = new Map<string, Acl>()
  /** Spares the key of a long list that many znodes of a multi share. */
  readonly #byList = new WeakMap<readonly AclEntry[], Acl>()

  get size(): number {
    return this.#byKey.size
  }

  values(): IterableIterator<Acl> {
    return this.#byKey.values()
  }

  /** The one object for this list, counted as used once more. */
  acquire(entries: readonly AclEntry[]): Acl {
    let acl = this.#byList.get(entries)
    if (acl === undefined || acl.uses === 0) {
      const key = aclKey(entries)
      acl = this.#byKey.get(key) ?? new Acl(entries)
      this.#byKey.set(key, acl)
      if (entries.length > 1) this.#byList.set(entries, acl)
    }
    acl.uses++
    return acl
  }

  release(acl: Acl): void {
    if (--acl.uses === 0) this.#byKey.delete(aclKey(acl.entries))
  }
}

/** Equal for equal lists. */
export function aclKey(entries: readonly AclEntry[]): string {
  const first = entries[0]
  // By far the most common list; JSON would take longer than all the rest of a create.
  if (entries.length === 1 && first!.id.scheme === 'world' && first!.id.id === 'anyone') return `w${first!.perms}`
  const key = JSON.stringify(entries.map(({ perms, id }) => [perms, id.scheme, id.id]))
  // The identities that `auth` stands for are shared by many ACLs: the keys must not hold each of them again.
  return key.length > longKey ? `h${createHash('sha256').update(key).digest('base64')}` : key
}
