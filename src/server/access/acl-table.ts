import { createHash } from 'node:crypto'

import type { AclEntry } from '../../protocol/records.ts'

/** Characters. */
const longKey = 1024

/** Lists of so many entries are kept in parts, which others share. */
const longList = 16

type Id = AclEntry['id']

/** Whom a long list names, one by one, whatever they may do. Lists that name the same share it. */
interface Named {
  readonly key: string
  readonly ids: readonly Id[]
  uses: number
}

/** A list of ACL entries. Equal lists are one object, however many znodes have them. */
export class Acl {
  /** How many entries it has. */
  readonly length: number
  /** What anyone may do: most checks end here. */
  readonly worldPerms: number
  /** Of a long list alone. */
  readonly named: Named | null
  readonly key: string | null
  uses = 0
  readonly #entries: readonly AclEntry[] | null
  /** One for all entries, if they are the same. */
  readonly #perms: Int32Array | number

  /** @param named - the ids of `entries`, for a list that is not to keep them itself, with its key */
  constructor(entries: readonly AclEntry[], named: Named | null = null, key: string | null = null) {
    this.length = entries.length
    this.named = named
    this.key = key
    this.worldPerms = entries.reduce(
      (perms, { perms: more, id }) => (id.scheme === 'world' && id.id === 'anyone' ? perms | more : perms),
      0,
    )
    this.#entries = named === null ? entries : null
    this.#perms = named === null ? 0 : permsOf(entries)
  }

  /** Of a long list: made anew each time. */
  get entries(): readonly AclEntry[] {
    if (this.#entries !== null) return this.#entries
    return this.named!.ids.map((id, index) => ({ perms: this.#permsAt(index), id }))
  }

  /** Whether one of the entries passes. */
  some(passes: (perms: number, id: Id) => boolean): boolean {
    if (this.#entries !== null) return this.#entries.some(({ perms, id }) => passes(perms, id))
    return this.named!.ids.some((id, index) => passes(this.#permsAt(index), id))
  }

  #permsAt(index: number): number {
    return typeof this.#perms === 'number' ? this.#perms : this.#perms[index]!
  }
}

/**
 * Every ACL in use.
 *
 * Who has proven a thousand identities may set ACLs of a thousand entries with a few bytes each: `auth` stands for all of
 * them. So that this costs the server no more than a few bytes each, too, such lists share whom they name.
 */
export class AclTable {
  readonly #byKey = new Map<string, Acl>()
  /** Spares the key of a long list that many znodes of a multi share. */
  readonly #byList = new WeakMap<readonly AclEntry[], Acl>()
  readonly #named = new Map<string, Named>()

  get size(): number {
    return this.#byKey.size
  }

  /** How many long lists of ids there are. */
  get namedCount(): number {
    return this.#named.size
  }

  values(): IterableIterator<Acl> {
    return this.#byKey.values()
  }

  /** The one object for this list, counted as used once more. */
  acquire(entries: readonly AclEntry[]): Acl {
    let acl = this.#byList.get(entries)
    if (acl === undefined || acl.uses === 0) {
      const key = aclKey(entries)
      acl = this.#byKey.get(key) ?? this.#make(entries, key)
      if (entries.length > 1) this.#byList.set(entries, acl)
    }
    acl.uses++
    return acl
  }

  release(acl: Acl): void {
    if (--acl.uses > 0) return
    this.#byKey.delete(acl.key ?? aclKey(acl.entries))
    if (acl.named !== null && --acl.named.uses === 0) this.#named.delete(acl.named.key)
  }

  #make(entries: readonly AclEntry[], key: string): Acl {
    const acl = entries.length < longList ? new Acl(entries) : new Acl(entries, this.#share(entries), key)
    this.#byKey.set(key, acl)
    return acl
  }

  #share(entries: readonly AclEntry[]): Named {
    const key = hash(JSON.stringify(entries.map(({ id }) => [id.scheme, id.id])))
    let named = this.#named.get(key)
    if (named === undefined) {
      named = { key, ids: entries.map(({ id }) => id), uses: 0 }
      this.#named.set(key, named)
    }
    named.uses++
    return named
  }
}

function permsOf(entries: readonly AclEntry[]): Int32Array | number {
  const first = entries[0]!.perms
  return entries.every(({ perms }) => perms === first) ? first : Int32Array.from(entries, ({ perms }) => perms)
}

/** Equal for equal lists. */
export function aclKey(entries: readonly AclEntry[]): string {
  const first = entries[0]
  // By far the most common list; JSON would take longer than all the rest of a create.
  if (entries.length === 1 && first!.id.scheme === 'world' && first!.id.id === 'anyone') return `w${first!.perms}`
  const key = JSON.stringify(entries.map(({ perms, id }) => [perms, id.scheme, id.id]))
  // The identities that `auth` stands for are shared by many ACLs: the keys must not hold each of them again.
  return key.length > longKey ? hash(key) : key
}

function hash(key: string): string {
  return `h${createHash('sha256').update(key).digest('base64')}`
}
