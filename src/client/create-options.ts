import { createFlags } from '../protocol/constants.ts'
import type { CallOptions } from '../session/request.ts'
import { checkAcl, type Acl } from './acl.ts'
import { checkBoolean, optionNames, toBytes } from './arguments.ts'
import type { CreateTerms } from './requests.ts'

/** What kind of znode to create, and who may use it. */
export interface CreateMode {
  /** Deleted when the session ends. @defaultValue false */
  readonly ephemeral?: boolean
  /** The server appends a ten-digit counter to the name; the path may then end in `/`. @defaultValue false */
  readonly sequence?: boolean
  /** @defaultValue the client's `defaultAcl` */
  readonly acl?: readonly Acl[]
}

export interface CreateOptions extends CreateMode, CallOptions {
  /** Creates missing parents first, empty, with the same ACL. @defaultValue false */
  readonly makePath?: boolean
  /** Resolves to `{ path, stat }` instead of the path. Needs ZooKeeper 3.5. @defaultValue false */
  readonly includeStat?: boolean
  /**
   * Puts `_c_<uuid>-` before the name, and after a lost reply looks for that name instead of creating a second znode.
   * @defaultValue false
   */
  readonly protect?: boolean
}

export const createNames: readonly string[] = ['ephemeral', 'sequence', 'acl']
export const createOptionNames: ReadonlySet<string> = optionNames(...createNames, 'makePath', 'includeStat', 'protect')

/** Checks what a create is given, and turns it into what goes over the wire. */
export function createTerms(data: unknown, options: CreateMode, defaultAcl: readonly Acl[]): CreateTerms {
  const { ephemeral, sequence, acl } = options
  checkBoolean(ephemeral, 'ephemeral')
  checkBoolean(sequence, 'sequence')
  if (acl !== undefined) checkAcl(acl)
  const flags =
    (ephemeral === true ? createFlags.ephemeral : 0) | (sequence === true ? createFlags.persistentSequential : 0)
  return { data: toBytes(data), acl: acl ?? defaultAcl, flags }
}
