import { addChroot, checkPath, describeType } from '../common/paths.ts'
import { operations } from '../protocol/operations.ts'
import type { Stat } from '../protocol/stat.ts'
import type { CallOptions } from '../session/request.ts'
import type { WatchListener } from '../session/watches/watch-registry.ts'
import { checkAcl, copyAcl, type Acl } from './acl.ts'
import { checkBoolean, checkOptions, optionNames, toBytes, toListener, toVersion, type DataInput } from './arguments.ts'
import type { ClientCore } from './client-core.ts'
import { composite } from './composite.ts'
import { createOptionNames, createTerms, type CreateOptions } from './create-options.ts'
import { createCarefully, createPath, type CreateHost, type CreateOutcome } from './careful-create.ts'
import { deleteCarefully, type CarefulDeleteHost } from './careful-delete.ts'
import { configPath, GetAllChildrenNumberRequest, GetEphemeralsRequest } from './info-requests.ts'
import { setIdempotently } from './idempotent-set.ts'
import { MultiRead } from './multi-read.ts'
import { PersistentWatch } from './persistent-watch.ts'
import {
  Create2Request,
  CreateRequest,
  DeleteRequest,
  ExistsRequest,
  GetAclsRequest,
  GetChildren2Request,
  GetChildrenRequest,
  GetRequest,
  SetAclsRequest,
  SetRequest,
  spareWatch,
  SyncRequest,
  type AclsAndStat,
  type ChildrenAndStat,
  type DataAndStat,
  type Dated,
  type PathAndStat,
} from './requests.ts'
import { setAclsTree } from './set-acls-tree.ts'
import { Transaction, type TransactionHost } from './transaction.ts'
import type {
  DeleteOptions,
  EnsurePathOptions,
  GetChildrenOptions,
  PersistentWatchOptions,
  SetAclsOptions,
  SetOptions,
  WatchOptions,
} from './verb-options.ts'
import type { TreeHost } from './tree.ts'
import type { WalkedData, WalkedPath, WalkedStat, WalkedZnode, WalkOptions } from './walk.ts'

const callNames = optionNames()
const watchNames = optionNames('watch')
const childrenNames = optionNames('watch', 'includeStat')
const setNames = optionNames('version', 'idempotent')
const setAclsNames = optionNames('version', 'recursive')
const deleteNames = optionNames('version', 'recursive', 'idempotent', 'guaranteed')
const aclNames = optionNames('acl')
const lastingNames = optionNames('recursive', 'listener')

/**
 * The verbs about znodes. Each sends its request when it is called, in the order of the calls, and returns a promise. A
 * verb never throws: wrong arguments reject the promise with `TypeError` or `RangeError`, before anything is sent.
 * Requests made while the connection is down wait for it; those in flight when it drops reject with
 * `ConnectionLossError`.
 *
 * The part of a `KazooClient` that needs no more than a connection and a root.
 */
export abstract class ZnodeVerbs {
  readonly #core: ClientCore
  readonly #host: CreateHost & CarefulDeleteHost & TransactionHost

  constructor(core: ClientCore, chroot: string) {
    this.#core = core
    this.#host = {
      chroot,
      runtime: core.options.runtime,
      defaultAcl: core.options.defaultAcl,
      maxBuffer: core.options.maxBuffer,
      maxPending: core.options.maxPending,
      backgroundDeletes: core.backgroundDeletes,
      get sessionId() {
        return core.session?.identity?.id
      },
      // What some servers are too old for must not reach them: they would close the connection.
      submit: (request, limits) => {
        const { since } = request as typeof request & Partial<Dated>
        return since === undefined ? core.submit(request, limits) : core.submitSince(since, request, limits)
      },
    }
  }

  /** The path that all paths are under; `''` for none. */
  get chroot(): string {
    return this.#host.chroot
  }

  /**
   * Forgets a function that was given as `watch`, so that it is not called any more. The server's own watch stays to the
   * next change, which then is told to nobody. A watch of `getConfig` is on `/zookeeper/config`, whatever the chroot.
   */
  unwatch(path: string, listener: WatchListener): void {
    checkPath(path)
    const watches = this.#core.session?.watches
    for (const kind of ['data', 'exist', 'child'] as const) {
      watches?.remove(kind, addChroot(this.chroot, path), listener)
    }
    if (path === configPath) watches?.remove('data', configPath, listener)
  }

  // Reading

  /** A znode's data, null read as empty, and its `Stat`. @throws NoNodeError, NoAuthError */
  get(path: string, options?: WatchOptions): Promise<DataAndStat> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      checkPath(path)
      const request = new GetRequest(this.chroot, path, toListener(options?.watch))
      if (request.listener !== null) spareWatch(request, 'data', this.#core.session?.watches)
      return this.#core.submit(request, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * A znode's `Stat`, or null if there is none; the watch is set in either case.
   *
   * @throws NoAuthError where the znode may not be read, by servers since 3.8.4 and 3.9.2 (ZOOKEEPER-2590)
   */
  exists(path: string, options?: WatchOptions): Promise<Stat | null> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      checkPath(path)
      const request = new ExistsRequest(this.chroot, path, toListener(options?.watch))
      if (request.listener !== null) spareWatch(request, 'data', this.#core.session?.watches)
      return this.#core.submit(request, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As without `includeStat`, but resolves to `{ children, stat }`. */
  getChildren(path: string, options: GetChildrenOptions & { readonly includeStat: true }): Promise<ChildrenAndStat>
  /** The names of a znode's children, in no particular order. @throws NoNodeError, NoAuthError */
  getChildren(path: string, options?: GetChildrenOptions & { readonly includeStat?: false }): Promise<string[]>
  /** As above: with `includeStat` to `{ children, stat }`, else to the names. */
  getChildren(path: string, options?: GetChildrenOptions): Promise<string[] | ChildrenAndStat>
  getChildren(path: string, options?: GetChildrenOptions): Promise<string[] | ChildrenAndStat> {
    try {
      if (options !== undefined) checkOptions(options, childrenNames)
      checkBoolean(options?.includeStat, 'includeStat')
      checkPath(path)
      const listener = toListener(options?.watch)
      if (options?.includeStat === true) {
        const withStat = new GetChildren2Request(this.chroot, path, listener)
        if (listener !== null) spareWatch(withStat, 'child', this.#core.session?.watches)
        return this.#core.submit(withStat, options)
      }
      const request = new GetChildrenRequest(this.chroot, path, listener)
      if (listener !== null) spareWatch(request, 'child', this.#core.session?.watches)
      return this.#core.submit(request, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A znode's ACL and its `Stat`. @throws NoNodeError */
  getAcls(path: string, options?: CallOptions): Promise<AclsAndStat> {
    try {
      if (options !== undefined) checkOptions(options, callNames)
      checkPath(path)
      return this.#core.submit(new GetAclsRequest(this.chroot, path), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Lets the server catch up with the leader, so that reads made after it see all that was written before it. Resolves to
   * the path, which need not exist.
   *
   * @throws NotReadOnlyError by a server without a quorum
   */
  sync(path: string, options?: CallOptions): Promise<string> {
    try {
      if (options !== undefined) checkOptions(options, callNames)
      checkPath(path)
      return this.#core.submit(new SyncRequest(this.chroot, path), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Watches a znode, or with `recursive` all below it too, until the watch is stopped. The znode need not exist. Needs
   * ZooKeeper 3.6. Up to 3.8 a server has one kind of watch for a path and a connection (ZOOKEEPER-4466); the client
   * sees to it that each kind is told what it is for all the same.
   *
   * ```ts
   * await using watch = await zk.watch('/app', { recursive: true })
   * for await (const { type, path } of watch) console.log(type, path)
   * ```
   *
   * @throws NoAuthError, UnimplementedError
   */
  watch(path: string, options: PersistentWatchOptions = {}): Promise<PersistentWatch> {
    try {
      checkOptions(options, lastingNames)
      checkPath(path)
      const { recursive = false, listener } = options
      checkBoolean(recursive, 'recursive')
      if (listener !== undefined && typeof listener !== 'function') {
        throw new TypeError(`listener must be a function, not ${describeType(listener)}`)
      }
      return new PersistentWatch(this.#core, this.chroot, path, recursive, listener).start(options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Begins a read of several znodes in one request, each with its own result; `commit()` sends it. Needs ZooKeeper 3.6.
   *
   * ```ts
   * const [a, b] = await zk.multiRead().get('/a').getChildren('/b').commit()
   * if (a instanceof ZooKeeperError) throw a
   * ```
   */
  multiRead(): MultiRead {
    return new MultiRead({
      chroot: this.chroot,
      submit: (request, limits) => this.#core.submitSince(operations.multiRead.since, request, limits),
    })
  }

  /** As without options, with the data and the `Stat` of each znode. */
  walk(path: string, options: WalkOptions & { readonly includeData: true }): AsyncGenerator<WalkedData, void, undefined>
  /** As without options, with the `Stat` of each znode. */
  walk(
    path: string,
    options: WalkOptions & { readonly includeStat: true; readonly includeData?: false },
  ): AsyncGenerator<WalkedStat, void, undefined>
  /**
   * Walks a znode and all below it, parents first, as an async iterator: it reads some ahead, and in bounded memory.
   * It is no snapshot: what vanishes before it was read is passed over, what appears may be missed.
   *
   * ```ts
   * for await (const { path, stat } of zk.walk('/app', { includeStat: true })) console.log(path, stat.dataLength)
   * ```
   *
   * @throws NoNodeError if there is no such znode to begin with; NoAuthError where one may not be read;
   * `ConnectionLossError` and others as for any read: a walk cannot go on after it, only begin anew
   */
  walk(
    path: string,
    options?: WalkOptions & { readonly includeStat?: false; readonly includeData?: false },
  ): AsyncGenerator<WalkedPath, void, undefined>
  /** As above: with what the options ask for. */
  walk(path: string, options?: WalkOptions): AsyncGenerator<WalkedZnode, void, undefined>
  walk(path: string, options: WalkOptions = {}): AsyncGenerator<WalkedZnode, void, undefined> {
    return walk(this.#host, path, options)
  }

  /** How many znodes there are below a znode, at any depth. Needs ZooKeeper 3.6. @throws NoNodeError, UnimplementedError */
  getAllChildrenNumber(path: string, options: CallOptions = {}): Promise<number> {
    try {
      checkOptions(options, callNames)
      checkPath(path)
      const request = new GetAllChildrenNumberRequest(this.chroot, path)
      return this.#core.submitSince(operations.getAllChildrenNumber.since, request, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * The paths of this session's ephemerals that start with a prefix, in no particular order; all by default. Those outside
   * the chroot are left out. Needs ZooKeeper 3.6.
   *
   * @throws UnimplementedError by an older server
   */
  getEphemerals(prefix = '/', options: CallOptions = {}): Promise<string[]> {
    try {
      checkOptions(options, callNames)
      checkPath(prefix, 'prefix')
      const request = new GetEphemeralsRequest(this.chroot, prefix)
      return this.#core.submitSince(operations.getEphemerals.since, request, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  // Writing

  /** As without `includeStat`, but resolves to `{ path, stat }`. Needs ZooKeeper 3.5. */
  create(
    path: string,
    data: DataInput | undefined,
    options: CreateOptions & { readonly includeStat: true },
  ): Promise<PathAndStat>
  /**
   * Creates a znode, and resolves to its path: the one given, with the counter appended if it is sequential.
   *
   * @param data - a string is written as UTF-8; empty by default
   * @throws NodeExistsError; NoNodeError if its parent is missing and `makePath` is not set; NoAuthError, InvalidAclError;
   * NoChildrenForEphemeralsError; QuotaExceededError; ConnectionLossError, after which `maybeApplied` says whether it may
   * exist
   */
  create(path: string, data?: DataInput, options?: CreateOptions & { readonly includeStat?: false }): Promise<string>
  /** As above: with `includeStat` to `{ path, stat }`, else to the path. */
  create(path: string, data?: DataInput, options?: CreateOptions): Promise<CreateOutcome>
  create(path: string, data: DataInput = '', options: CreateOptions = {}): Promise<CreateOutcome> {
    try {
      checkOptions(options, createOptionNames)
      const { sequence, makePath, includeStat = false, protect } = options
      checkBoolean(makePath, 'makePath')
      checkBoolean(includeStat, 'includeStat')
      checkBoolean(protect, 'protect')
      const terms = createTerms(data, options, this.#core.options)
      checkPath(path, 'path', sequence === true)
      if (makePath === true || protect === true) {
        const call = { path, terms, includeStat, makePath: makePath === true, protect: protect === true }
        return createCarefully(this.#host, call, options)
      }
      return includeStat
        ? this.#host.submit(new Create2Request(this.chroot, path, terms), options)
        : this.#host.submit(new CreateRequest(this.chroot, path, terms), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Creates a znode and its missing parents, the chroot among them, all empty; those that exist stay. Resolves to the path.
   * It takes a request for each, and goes on where another client has been faster.
   *
   * @throws NoAuthError, NoChildrenForEphemeralsError
   */
  async ensurePath(path: string, options: EnsurePathOptions = {}): Promise<string> {
    checkOptions(options, aclNames)
    checkPath(path)
    const { acl = this.#core.options.defaultAcl } = options
    checkAcl(acl)
    await composite({ op: 'ensurePath', path }, options, () => createPath(this.#host, path, copyAcl(acl), options))
    return path
  }

  /**
   * Sets a znode's data, if it has the given version, and resolves to its new `Stat`.
   *
   * @param data - a string is written as UTF-8, null as no data at all
   * @throws NoNodeError, BadVersionError, NoAuthError, QuotaExceededError
   */
  set(path: string, data: DataInput, options?: SetOptions): Promise<Stat> {
    try {
      if (options !== undefined) checkOptions(options, setNames)
      checkBoolean(options?.idempotent, 'idempotent')
      checkPath(path)
      const bytes = toBytes(data, this.#core.options.maxBuffer)
      const version = toVersion(options?.version)
      if (options?.idempotent === true) return setIdempotently(this.#host, path, bytes, version, options)
      return this.#core.submit(new SetRequest(this.chroot, path, bytes, version), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Deletes a znode; with `recursive` all that is below it first.
   *
   * @throws NoNodeError, BadVersionError, NotEmptyError. A recursive delete ends with the first znode that it may not
   * delete, whose error is the `cause`: that one, those above it, and those not reached yet are left;
   * `maybeApplied` says whether anything was deleted
   */
  delete(path: string, options: DeleteOptions = {}): Promise<void> {
    try {
      checkOptions(options, deleteNames)
      const { recursive, version, idempotent, guaranteed } = options
      checkBoolean(recursive, 'recursive')
      checkBoolean(idempotent, 'idempotent')
      checkBoolean(guaranteed, 'guaranteed')
      checkPath(path)
      if (path === '/' && this.chroot === '') throw new RangeError('path: the root cannot be deleted: "/"')
      const checked = toVersion(version)
      if (recursive === true) checkNoVersion(checked)
      if (recursive !== true && idempotent !== true && guaranteed !== true) {
        return this.#core.submit(new DeleteRequest(this.chroot, path, checked), options)
      }
      const call = {
        path,
        version: checked,
        recursive: recursive === true,
        idempotent: idempotent === true,
        guaranteed: guaranteed === true,
      }
      return deleteCarefully(this.#host, call, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Sets a znode's ACL, if its ACL has the given version (`aversion`), and resolves to its new `Stat`.
   *
   * With `recursive` all below it get the same ACL first. What may not be listed fails it before anything is changed.
   * What others create meanwhile may keep another ACL.
   *
   * @throws NoNodeError, BadVersionError, NoAuthError, InvalidAclError
   */
  setAcls(path: string, acls: readonly Acl[], options?: SetAclsOptions): Promise<Stat> {
    try {
      if (options !== undefined) checkOptions(options, setAclsNames)
      checkBoolean(options?.recursive, 'recursive')
      checkPath(path)
      checkAcl(acls, 'acls')
      const version = toVersion(options?.version)
      if (options?.recursive !== true) {
        return this.#core.submit(new SetAclsRequest(this.chroot, path, acls, version), options)
      }
      checkNoVersion(version)
      return setAclsTree(this.#host, path, acls, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Begins a transaction: writes that are applied all together or not at all. Nothing is sent before `commit()`. Its steps
   * throw where they are written if their arguments are wrong.
   *
   * ```ts
   * const [, path] = await zk.transaction().check('/a', 3).create('/b', 'data').commit()
   * ```
   */
  transaction(): Transaction {
    return new Transaction(this.#host)
  }
}

function checkNoVersion(version: number): void {
  if (version !== -1) throw new TypeError('version cannot be combined with recursive: a tree has none')
}

/** Loaded when wanted: few clients walk through trees. */
async function* walk(host: TreeHost, path: string, options: WalkOptions): AsyncGenerator<WalkedZnode, void, undefined> {
  const { walkTree } = await import('./walk.ts')
  yield* walkTree(host, path, options)
}
