import { addChroot, checkPath, describeType } from '../common/paths.ts'
import type { Stat } from '../protocol/stat.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { formatServer, parseHosts } from '../session/hosts.ts'
import type { CallOptions } from '../session/request.ts'
import type { SessionIdentity } from '../session/session-identity.ts'
import type { KazooState } from '../session/session-state.ts'
import type { StateListener } from '../session/state-listeners.ts'
import { fourLetterWord } from '../transport/four-letter-word.ts'
import { checkAcl, type Acl } from './acl.ts'
import { checkBoolean, checkOptions, optionNames, toBytes, toListener, toVersion, type DataInput } from './arguments.ts'
import { ClientCore } from './client-core.ts'
import { ClientView, viewOf } from './client-view.ts'
import { createOptionNames, createTerms, type CreateOptions } from './create-options.ts'
import type { KazooRetry } from './kazoo-retry.ts'
import { checkAuth, checkClientOptions, type KazooClientOptions } from './options.ts'
import { createCarefully, createPath, type CreateHost, type CreateOutcome } from './careful-create.ts'
import { deleteTree, type DeleteHost } from './delete-tree.ts'
import {
  checkReconfig,
  GetAllChildrenNumberRequest,
  GetConfigRequest,
  GetEphemeralsRequest,
  ReconfigRequest,
  WhoAmIRequest,
  type ClientInfo,
  type ReconfigChange,
} from './info-requests.ts'
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
  SyncRequest,
  type AclsAndStat,
  type ChildrenAndStat,
  type DataAndStat,
  type PathAndStat,
} from './requests.ts'
import { parseVersion } from './server-version.ts'
import { Transaction, type TransactionHost } from './transaction.ts'
import type {
  DeleteOptions,
  EnsurePathOptions,
  GetChildrenOptions,
  PersistentWatchOptions,
  VersionOptions,
  WatchOptions,
} from './verb-options.ts'

const callNames = optionNames()
const watchNames = optionNames('watch')
const childrenNames = optionNames('watch', 'includeStat')
const versionNames = optionNames('version')
const deleteNames = optionNames('version', 'recursive')
const aclNames = optionNames('acl')
const lastingNames = optionNames('recursive', 'listener')

/**
 * A ZooKeeper client that keeps its connection: it finds a server, reconnects when it is lost, and makes a new session
 * when the old one has expired, from `start()` to `stop()`.
 *
 * Each verb sends its request when it is called, in the order of the calls, and returns a promise. A verb never throws:
 * wrong arguments reject the promise with `TypeError` or `RangeError`, before anything is sent. Requests made while the
 * connection is down wait for it; those in flight when it drops reject with `ConnectionLossError`.
 */
export class KazooClient {
  readonly #core: ClientCore
  readonly #host: CreateHost & DeleteHost & TransactionHost

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options?: KazooClientOptions)
  /** @internal */
  constructor(view: ClientView)
  constructor(from: KazooClientOptions | ClientView = {}) {
    const view = from instanceof ClientView ? from : viewOf(new ClientCore(checkClientOptions(from)))
    const { core } = view
    this.#core = core
    this.#host = {
      chroot: view.chroot,
      runtime: core.options.runtime,
      defaultAcl: core.options.defaultAcl,
      get sessionId() {
        return core.session?.identity?.id
      },
      submit: (request, limits) => core.submit(request, limits),
    }
  }

  /**
   * The same client under another root: one connection and one session, which starting and stopping either means both.
   *
   * @param path - below the root of this one; `/` gives the same root again
   */
  withChroot(path: string): KazooClient {
    checkPath(path)
    const chroot = addChroot(this.chroot, path)
    return clientOf(new ClientView(this.#core, chroot === '/' ? '' : chroot))
  }

  // Life

  /**
   * Connects, and resolves to the client once it is connected and authenticated.
   *
   * @param options - `timeout`: how long to wait, 15,000 ms by default; then the client is stopped
   * @throws OperationTimeoutError when the time is up, with the last failure as `cause`; AuthFailedError when the server
   * refuses the credentials; `signal.reason`
   */
  async start(options: CallOptions = {}): Promise<this> {
    checkOptions(options, callNames)
    await this.#core.start(options)
    return this
  }

  /**
   * Ends the session, on the server too if it can be reached: its ephemerals are gone when this resolves. Requests in
   * flight are answered first; later ones reject with `ConnectionClosedError`. It takes no longer than the session
   * timeout, may be called at any time and any number of times, and the client may be started again afterwards.
   */
  stop(): Promise<void> {
    return this.#core.stop()
  }

  /** Stops and starts: a new session. */
  async restart(options: CallOptions = {}): Promise<this> {
    checkOptions(options, callNames)
    await this.#core.restart(options)
    return this
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  // State

  /** `'LOST'` before the first connection and after the session's end. */
  get state(): KazooState {
    return this.#core.state
  }

  get connected(): boolean {
    return this.#core.state === 'CONNECTED'
  }

  /** The session, while there is one. Holds its password. */
  get session(): SessionIdentity | null {
    return this.#core.session?.identity ?? null
  }

  /** The highest zxid that a reply carried in this session. */
  get lastZxid(): bigint {
    return this.#core.session?.lastZxid ?? 0n
  }

  /** The path that all paths are under; `''` for none. */
  get chroot(): string {
    return this.#host.chroot
  }

  /** The servers, as `host:port`. */
  get hosts(): string[] {
    return this.#core.hosts.servers.map((server) => formatServer(server))
  }

  /** The outside world, for recipes. */
  get runtime(): Runtime {
    return this.#core.options.runtime
  }

  /** Adds a function that is called with each new state, and why. It is called once however often it is added. */
  addListener(listener: StateListener): void {
    this.#core.addListener(listener)
  }

  removeListener(listener: StateListener): void {
    this.#core.removeListener(listener)
  }

  /**
   * Other servers, from the next attempt to connect on; the connection there is stays.
   *
   * @throws RangeError if the chroot differs
   */
  setHosts(hosts: string | readonly string[], options: { readonly randomizeHosts?: boolean } = {}): void {
    const parsed = parseHosts(hosts)
    checkBoolean(options.randomizeHosts, 'randomizeHosts')
    const { chroot } = this.#core.hosts
    if (parsed.chroot !== chroot) {
      throw new RangeError(`hosts: the chroot cannot change from "${chroot}" to "${parsed.chroot}"`)
    }
    this.#core.setServers(parsed, options.randomizeHosts)
  }

  // Reading

  /** A znode's data, null read as empty, and its `Stat`. @throws NoNodeError */
  get(path: string, options?: WatchOptions): Promise<DataAndStat> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      checkPath(path)
      return this.#core.submit(new GetRequest(this.chroot, path, toListener(options?.watch)), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A znode's `Stat`, or null if there is none; the watch is set in either case. */
  exists(path: string, options?: WatchOptions): Promise<Stat | null> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      checkPath(path)
      return this.#core.submit(new ExistsRequest(this.chroot, path, toListener(options?.watch)), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The names of a znode's children, in no particular order. @throws NoNodeError */
  getChildren(path: string, options: GetChildrenOptions & { readonly includeStat: true }): Promise<ChildrenAndStat>
  getChildren(path: string, options?: GetChildrenOptions & { readonly includeStat?: false }): Promise<string[]>
  getChildren(path: string, options?: GetChildrenOptions): Promise<string[] | ChildrenAndStat>
  getChildren(path: string, options?: GetChildrenOptions): Promise<string[] | ChildrenAndStat> {
    try {
      if (options !== undefined) checkOptions(options, childrenNames)
      checkBoolean(options?.includeStat, 'includeStat')
      checkPath(path)
      const listener = toListener(options?.watch)
      return options?.includeStat === true
        ? this.#core.submit(new GetChildren2Request(this.chroot, path, listener), options)
        : this.#core.submit(new GetChildrenRequest(this.chroot, path, listener), options)
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

  /** Lets the server catch up with the leader, so that reads made after it see all that was written before it. */
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
   * ZooKeeper 3.6; up to 3.8 a path has one kind of watch, so do not mix kinds on it there (ZOOKEEPER-4466).
   *
   * ```ts
   * await using watch = await zk.watch('/app', { recursive: true })
   * for await (const { type, path } of watch) console.log(type, path)
   * ```
   *
   * @throws NoAuthError, UnimplementedError
   */
  async watch(path: string, options: PersistentWatchOptions = {}): Promise<PersistentWatch> {
    checkOptions(options, lastingNames)
    checkPath(path)
    const { recursive = false, listener } = options
    checkBoolean(recursive, 'recursive')
    if (listener !== undefined && typeof listener !== 'function') {
      throw new TypeError(`listener must be a function, not ${describeType(listener)}`)
    }
    return new PersistentWatch(this.#core, this.chroot, path, recursive, listener).start(options)
  }

  /** Begins a read of several znodes in one request, each with its own result. Needs ZooKeeper 3.6. */
  multiRead(): MultiRead {
    return new MultiRead({
      chroot: this.chroot,
      submit: (request, limits) => this.#core.submitSince('3.6.0', request, limits),
    })
  }

  /** How many znodes there are below a znode, at any depth. Needs ZooKeeper 3.6. @throws NoNodeError */
  getAllChildrenNumber(path: string, options: CallOptions = {}): Promise<number> {
    try {
      checkOptions(options, callNames)
      checkPath(path)
      return this.#core.submitSince('3.6.0', new GetAllChildrenNumberRequest(this.chroot, path), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The paths of this session's ephemerals that start with a prefix; all by default. Needs ZooKeeper 3.6. */
  getEphemerals(prefix = '/', options: CallOptions = {}): Promise<string[]> {
    try {
      checkOptions(options, callNames)
      checkPath(prefix, 'prefix')
      return this.#core.submitSince('3.6.0', new GetEphemeralsRequest(this.chroot, prefix), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  // Writing

  /**
   * Creates a znode, and resolves to its path: the one given, with the counter appended if it is sequential.
   *
   * @param data - empty by default
   * @throws NodeExistsError; NoNodeError if its parent is missing and `makePath` is not set;
   * NoChildrenForEphemeralsError; ConnectionLossError, after which `maybeApplied` says whether it may exist
   */
  create(
    path: string,
    data: DataInput | undefined,
    options: CreateOptions & { readonly includeStat: true },
  ): Promise<PathAndStat>
  create(path: string, data?: DataInput, options?: CreateOptions & { readonly includeStat?: false }): Promise<string>
  create(path: string, data?: DataInput, options?: CreateOptions): Promise<CreateOutcome>
  create(path: string, data: DataInput = '', options: CreateOptions = {}): Promise<CreateOutcome> {
    try {
      checkOptions(options, createOptionNames)
      const { sequence, makePath, includeStat = false, protect } = options
      checkBoolean(makePath, 'makePath')
      checkBoolean(includeStat, 'includeStat')
      checkBoolean(protect, 'protect')
      const terms = createTerms(data, options, this.#core.options.defaultAcl)
      checkPath(path, 'path', sequence === true)
      if (makePath === true || protect === true) {
        const call = { path, terms, includeStat, makePath: makePath === true, protect: protect === true }
        return createCarefully(this.#host, call, options)
      }
      return includeStat
        ? this.#core.submit(new Create2Request(this.chroot, path, terms), options)
        : this.#core.submit(new CreateRequest(this.chroot, path, terms), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Creates a znode and its missing parents, the chroot among them, all empty; those that exist stay. */
  async ensurePath(path: string, options: EnsurePathOptions = {}): Promise<string> {
    checkOptions(options, aclNames)
    checkPath(path)
    const { acl = this.#core.options.defaultAcl } = options
    checkAcl(acl)
    await createPath(this.#host, path, acl, options)
    return path
  }

  /** Sets a znode's data, and resolves to its new `Stat`. @throws NoNodeError, BadVersionError */
  set(path: string, data: DataInput, options?: VersionOptions): Promise<Stat> {
    try {
      if (options !== undefined) checkOptions(options, versionNames)
      checkPath(path)
      return this.#core.submit(new SetRequest(this.chroot, path, toBytes(data), toVersion(options?.version)), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Deletes a znode. @throws NoNodeError, BadVersionError, NotEmptyError */
  delete(path: string, options: DeleteOptions = {}): Promise<void> {
    try {
      checkOptions(options, deleteNames)
      const { recursive, version } = options
      checkBoolean(recursive, 'recursive')
      checkPath(path)
      if (path === '/' && this.chroot === '') throw new RangeError('path: the root cannot be deleted: "/"')
      if (recursive !== true)
        return this.#core.submit(new DeleteRequest(this.chroot, path, toVersion(version)), options)
      if (version !== undefined && version !== -1) {
        throw new TypeError('version cannot be combined with recursive: a tree has none')
      }
      return deleteTree(this.#host, path, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Sets a znode's ACL, if its ACL has the given version (`aversion`). @throws NoNodeError, BadVersionError */
  setAcls(path: string, acls: readonly Acl[], options?: VersionOptions): Promise<Stat> {
    try {
      if (options !== undefined) checkOptions(options, versionNames)
      checkPath(path)
      checkAcl(acls, 'acls')
      return this.#core.submit(new SetAclsRequest(this.chroot, path, acls, toVersion(options?.version)), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Begins a transaction: writes that are applied all together or not at all. */
  transaction(): Transaction {
    return new Transaction(this.#host)
  }

  /** Calls `fn` again while it fails in a way that may pass, as the option `commandRetry` says. */
  retry<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return this.#core.options.commandRetry.run(fn)
  }

  /** The `KazooRetry` behind {@link retry}; `client.commandRetry.copy({ maxTries: 3 }).run(…)` changes a part of it. */
  get commandRetry(): KazooRetry {
    return this.#core.options.commandRetry
  }

  // The connection

  /**
   * Authenticates the session, on this connection and on those to come. A server closes the connection on credentials
   * it refuses; the client reconnects without them.
   *
   * @throws AuthFailedError
   */
  async addAuth(scheme: string, credential: string | Uint8Array, options: CallOptions = {}): Promise<true> {
    checkOptions(options, callNames)
    const info = checkAuth(scheme, credential, '')
    return this.#core.addAuth(info, options)
  }

  /** Who the server takes this connection for. Needs ZooKeeper 3.7. */
  whoAmI(options: CallOptions = {}): Promise<ClientInfo[]> {
    try {
      checkOptions(options, callNames)
      return this.#core.submitSince('3.7.0', new WhoAmIRequest(), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The ensemble's configuration, which is outside every chroot. */
  getConfig(options?: WatchOptions): Promise<DataAndStat> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      return this.#core.submit(new GetConfigRequest(toListener(options?.watch)), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Changes the ensemble's members, and resolves to its new configuration.
   *
   * @throws ReconfigDisabledError, NoAuthError, BadVersionError, NewConfigNoQuorumError, ReconfigInProgressError;
   * UnimplementedError by a server that stands alone
   */
  reconfig(change: ReconfigChange, options: CallOptions = {}): Promise<DataAndStat> {
    try {
      checkOptions(options, callNames)
      checkReconfig(change)
      return this.#core.submit(new ReconfigRequest(change), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Asks the server that serves the session one of ZooKeeper's four-letter words, over a connection of its own.
   *
   * @throws ConnectionLossError when not connected
   */
  async command(word = 'ruok', options: CallOptions = {}): Promise<string> {
    checkOptions(options, callNames)
    if (typeof word !== 'string') throw new TypeError(`word must be a string, not ${describeType(word)}`)
    if (!/^[a-z]{4}$/.test(word))
      throw new RangeError(`word must be four lower-case letters, not ${JSON.stringify(word)}`)
    const { signal, timeout = this.#core.options.sessionTimeout } = options
    return fourLetterWord(this.runtime, this.#core.address('command'), word, { signal, timeout })
  }

  /** The version of the server that serves the session, as `[3, 9, 5]`; from `srvr`, which no server forbids. */
  async serverVersion(options: CallOptions = {}): Promise<readonly [number, number, number]> {
    return parseVersion(await this.command('srvr', options))
  }
}

/** Outside of the class, because the bundler renames a class that names itself. */
function clientOf(view: ClientView): KazooClient {
  return new KazooClient(view)
}
