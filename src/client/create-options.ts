import { describeType } from '../common/paths.ts'
import { createFlags } from '../protocol/constants.ts'
import type { CallOptions } from '../session/request.ts'
import { checkAcl, copyAcl, type Acl } from './acl.ts'
import { checkBoolean, optionNames, toBytes } from './arguments.ts'
import type { CreateTerms } from './requests.ts'

/** What kind of znode to create, and who may use it. */
export interface CreateMode {
  /** Deleted when the session ends. @defaultValue false */
  readonly ephemeral?: boolean
  /** The server appends a ten-digit counter to the name; the path may then end in `/`. @defaultValue false */
  readonly sequence?: boolean
  /**
   * Deleted by the server some time after its last child is gone. Neither ephemeral nor sequential. Needs ZooKeeper
   * 3.5.1. @defaultValue false
   */
  readonly container?: boolean
  /**
   * Milliseconds after which the server deletes it when it has no children and was not changed; not for ephemerals.
   * Needs ZooKeeper 3.5.3 with `extendedTypesEnabled`, else `UnimplementedError`. @defaultValue none
   */
  readonly ttl?: number
  /** Who may do what with it. @defaultValue the client's `defaultAcl` */
  readonly acl?: readonly Acl[]
}

/** Options of `create`: what kind of znode, and how to go about it. */
export interface CreateOptions extends CreateMode, CallOptions {
  /** Creates missing parents first, empty, with the same ACL. @defaultValue false */
  readonly makePath?: boolean
  /** Resolves to `{ path, stat }` instead of the path. Needs ZooKeeper 3.5. @defaultValue false */
  readonly includeStat?: boolean
  /**
   * Puts `_c_<uuid>-` before the name, and after a lost reply looks for that name instead of creating a second znode:
   * Curator's protection. It goes on until there is an answer, over connections and sessions.
   * @defaultValue false
   */
  readonly protect?: boolean
}

export const createNames: readonly string[] = ['ephemeral', 'sequence', 'container', 'ttl', 'acl']
export const createOptionNames: ReadonlySet<string> = optionNames(...createNames, 'makePath', 'includeStat', 'protect')

/** The longest time to live, in milliseconds: 40 bits less one, some 34 years. */
const maxTtl = 0xff_ffff_ffff

/** Checks what a create is given, and turns it into what goes over the wire. */
export function createTerms(
  data: unknown,
  options: CreateMode,
  { defaultAcl, maxBuffer }: { readonly defaultAcl: readonly Acl[]; readonly maxBuffer: number },
): CreateTerms {
  const { acl, ttl } = options
  if (acl !== undefined) checkAcl(acl)
  if (ttl !== undefined) checkTtl(ttl)
  return { data: toBytes(data, maxBuffer), acl: acl ?? defaultAcl, flags: flagsOf(options), ttl }
}

/** The same, apart from what the caller may change before all of it is sent. */
export function ownTerms(terms: CreateTerms): CreateTerms {
  return { ...terms, data: terms.data === null ? null : Buffer.from(terms.data), acl: copyAcl(terms.acl) }
}

function flagsOf({ ephemeral = false, sequence = false, container = false, ttl }: CreateMode): number {
  checkBoolean(ephemeral, 'ephemeral')
  checkBoolean(sequence, 'sequence')
  checkBoolean(container, 'container')
  const kinds = [ephemeral, container, ttl !== undefined].filter(Boolean).length
  if (kinds > 1 || (container && sequence)) {
    const allowed = 'ephemeral, container and ttl exclude one another, and container excludes sequence'
    throw new RangeError(`options: ${allowed}`)
  }
  if (container) return createFlags.container
  if (ttl !== undefined) return sequence ? createFlags.persistentSequentialTtl : createFlags.persistentTtl
  return (ephemeral ? createFlags.ephemeral : 0) | (sequence ? createFlags.persistentSequential : 0)
}

function checkTtl(ttl: unknown): void {
  if (typeof ttl !== 'number') throw new TypeError(`ttl must be a number of milliseconds, not ${describeType(ttl)}`)
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > maxTtl) {
    throw new RangeError(`ttl must be a whole number from 1 to ${maxTtl} milliseconds, not ${ttl}`)
  }
}
