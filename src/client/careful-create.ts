import { NoAuthError, NodeExistsError, NoNodeError } from '../common/errors.ts'
import { addChroot, baseName, childPath, parentPath, removeChroot } from '../common/paths.ts'
import { createFlags } from '../protocol/constants.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { CallOptions, Request } from '../session/request.ts'
import type { Acl } from './acl.ts'
import {
  Create2Request,
  CreateRequest,
  DeleteRequest,
  ExistsRequest,
  GetChildrenRequest,
  createTarget,
  type CreateTerms,
  type PathAndStat,
} from './requests.ts'
import { composite, mayHaveChanged } from './composite.ts'
import { ownTerms } from './create-options.ts'
import { isLost, persist } from './persist.ts'
import { timeBudget } from './time-budget.ts'

/** What the creates of several steps ask of their client. */
export interface CreateHost {
  readonly chroot: string
  readonly runtime: Runtime
  readonly sessionId: bigint | undefined
  submit<T>(request: Request<T>, limits: CallOptions): Promise<T>
}

type Limits = () => CallOptions

const emptyData = Buffer.alloc(0)

/** Creates a path and its missing parents, the chroot's own znodes among them. Existing ones are left as they are. */
export async function createPath(
  host: CreateHost,
  path: string,
  acl: readonly Acl[],
  call: CallOptions,
): Promise<void> {
  await ensure(host, addChroot(host.chroot, path), acl, timeBudget(host.runtime, call))
}

async function ensure(host: CreateHost, serverPath: string, acl: readonly Acl[], limits: Limits): Promise<void> {
  // The root is always there; and asking first spares a create where there is no permission for one.
  if (serverPath === '/') return
  const inside = serverPath === host.chroot || serverPath.startsWith(`${host.chroot}/`)
  const chroot = inside ? host.chroot : ''
  const path = removeChroot(chroot, serverPath)
  if ((await host.submit(new ExistsRequest(chroot, path, null), limits())) !== null) return
  const terms: CreateTerms = { data: emptyData, acl, flags: createFlags.persistent }
  for (let round = 1; ; round++) {
    try {
      await host.submit(new CreateRequest(chroot, path, terms), limits())
      return
    } catch (error) {
      if (error instanceof NodeExistsError) return
      if (!(error instanceof NoNodeError) || round === patience) throw error
      await ensure(host, parentPath(serverPath), acl, limits)
    }
  }
}

/** How a create ends: with the path, and the `Stat` where it was asked for. */
export type CreateOutcome = string | PathAndStat

/** What a create of several steps is given. */
export interface CreateCall {
  readonly path: string
  readonly terms: CreateTerms
  readonly includeStat: boolean
  readonly makePath: boolean
  readonly protect: boolean
}

/** Creates a znode in as many steps as it takes: with its parents, under a name that is found again, or both. */
export function createCarefully(host: CreateHost, call: CreateCall, options: CallOptions): Promise<CreateOutcome> {
  const limits = timeBudget(host.runtime, options)
  // It is sent more than once, or later: what the caller does to it meanwhile must not count.
  const own = { ...call, terms: ownTerms(call.terms) }
  const name = { op: 'create', path: call.path }
  if (!call.protect) return composite(name, options, () => createWithParents(host, own, limits))
  // Once a reply was lost, whatever ends the search for the znode leaves it open whether there is one.
  let isOpen = false
  const lost = (): void => {
    isOpen = true
  }
  return composite(
    name,
    options,
    () => createProtected(host, own, limits, lost),
    () => isOpen,
  )
}

/** Rounds of the same answer, after which it is believed. */
const patience = 100

async function createWithParents(host: CreateHost, call: CreateCall, limits: Limits): Promise<CreateOutcome> {
  const { path, terms, includeStat, makePath } = call
  for (let round = 1; ; round++) {
    try {
      if (includeStat) return await host.submit(new Create2Request(host.chroot, path, terms), limits())
      return await host.submit(new CreateRequest(host.chroot, path, terms), limits())
    } catch (error) {
      if (!makePath || !(error instanceof NoNodeError) || round === patience) throw error
      await ensure(host, parentPath(createTarget(host.chroot, path, terms.flags)), terms.acl, limits)
    }
  }
}

/**
 * Creates under a name that nobody else uses. When the reply is lost, the name tells whether the znode was created:
 * Curator's protection, in its naming (`_c_<uuid>-name`).
 */
async function createProtected(
  host: CreateHost,
  call: CreateCall,
  limits: Limits,
  lost: () => void,
): Promise<CreateOutcome> {
  const parent = parentPath(call.path)
  const prefix = `_c_${host.runtime.randomUuid()}-`
  const path = childPath(parent, prefix + baseName(call.path))
  const ephemeral = (call.terms.flags & createFlags.ephemeral) !== 0
  let session = host.sessionId
  for (;;) {
    try {
      session ??= host.sessionId
      return await createWithParents(host, { ...call, path }, limits)
    } catch (error) {
      if (!isLost(error)) throw error
      if (mayHaveChanged(error)) lost()
    }
    const found = await findAgain(host, parent, prefix, limits)
    if (found === undefined) continue
    // An ephemeral of a session that has ended meanwhile is about to go: it is no success.
    if (!ephemeral || session === host.sessionId) return await outcomeOf(host, found, call.includeStat, limits)
    await discard(host, found, limits)
    session = host.sessionId
  }
}

/**
 * Looks for the znode behind a write of which nothing comes: it is applied after all that the leader was asked for before.
 * A `sync` would not do. A leader answers its own clients' without a look at what it has proposed, which may be applied
 * yet once its followers are back (`CommitProcessor`, `matchSyncs`). Both requests go over one connection: what one
 * server has caught up with says nothing about the next.
 */
async function findAgain(
  host: CreateHost,
  parent: string,
  prefix: string,
  limits: Limits,
): Promise<string | undefined> {
  const children = await persist(async () => {
    const barrier = passBarrier(host, childPath(parent, prefix), limits)
    const listed = host.submit(new GetChildrenRequest(host.chroot, parent, null), limits())
    return (await Promise.all([barrier, listed]))[1]
  })
  const name = children?.find((child) => child.startsWith(prefix))
  return name === undefined ? undefined : childPath(parent, name)
}

/** Deletes a znode that is not there. */
async function passBarrier(host: CreateHost, path: string, limits: Limits): Promise<void> {
  try {
    await host.submit(new DeleteRequest(host.chroot, path, -1), limits())
  } catch (error) {
    if (!(error instanceof NoNodeError) && !(error instanceof NoAuthError)) throw error
  }
}

async function outcomeOf(host: CreateHost, path: string, includeStat: boolean, limits: Limits): Promise<CreateOutcome> {
  if (!includeStat) return path
  const stat = await persist(() => host.submit(new ExistsRequest(host.chroot, path, null), limits()))
  if (stat === undefined || stat === null) throw new NoNodeError(undefined, { op: 'create', path })
  return { path, stat }
}

async function discard(host: CreateHost, path: string, limits: Limits): Promise<void> {
  await persist(() => host.submit(new DeleteRequest(host.chroot, path, -1), limits()))
}
