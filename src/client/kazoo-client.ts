import { ConnectionClosedError, ConnectionLossError, OperationTimeoutError, ZooKeeperError } from '../common/errors.ts'
import { checkPath, describeType } from '../common/paths.ts'
import type { Stat } from '../protocol/stat.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { AuthRequest } from '../session/auth-request.ts'
import { formatServer, parseHosts, type Hosts } from '../session/hosts.ts'
import type { CallOptions, Request } from '../session/request.ts'
import type { SessionIdentity } from '../session/session-identity.ts'
import type { KazooState } from '../session/session-state.ts'
import { Session } from '../session/session.ts'
import { StateListeners, type StateChange, type StateListener } from '../session/state-listeners.ts'
import { fourLetterWord } from '../transport/four-letter-word.ts'
import { checkAcl, type Acl } from './acl.ts'
import { checkBoolean, checkOptions, optionNames, toBytes, toListener, toVersion, type DataInput } from './arguments.ts'
import { createOptionNames, createTerms, type CreateOptions } from './create-options.ts'
import type { KazooRetry } from './kazoo-retry.ts'
import { checkAuth, checkClientOptions, type CheckedOptions, type KazooClientOptions } from './options.ts'
import { createCarefully, createPath, type CreateHost, type CreateOutcome } from './careful-create.ts'
import { deleteTree } from './delete-tree.ts'
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
import { Transaction } from './transaction.ts'
import type {
  DeleteOptions,
  EnsurePathOptions,
  GetChildrenOptions,
  VersionOptions,
  WatchOptions,
} from './verb-options.ts'

const callNames = optionNames()
const watchNames = optionNames('watch')
const childrenNames = optionNames('watch', 'includeStat')
const versionNames = optionNames('version')
const deleteNames = optionNames('version', 'recursive')
const aclNames = optionNames('acl')

/** How long `start` waits when it is not told: milliseconds. */
const defaultStartTimeout = 15_000

/**
 * A ZooKeeper client that keeps its connection: it finds a server, reconnects when it is lost, and makes a new session
 * when the old one has expired, from `start()` to `stop()`.
 *
 * Each verb sends its request when it is called, in the order of the calls, and returns a promise. A verb never throws:
 * wrong arguments reject the promise with `TypeError` or `RangeError`, before anything is sent. Requests made while the
 * connection is down wait for it; those in flight when it drops reject with `ConnectionLossError`.
 */
export class KazooClient {
  readonly #options: CheckedOptions
  readonly #listeners = new StateListeners()
  readonly #host: CreateHost
  #hosts: Hosts
  #randomizeHosts: boolean
  #session: Session | null = null
  #starting: Promise<this> | null = null
  #stopping: Promise<void> | null = null
  #restarting = false
  /** How often `stop` was called: a start that waits for an earlier stop is overtaken by a later one. */
  #stops = 0
  #state: KazooState = 'LOST'

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options: KazooClientOptions = {}) {
    this.#options = checkClientOptions(options)
    this.#hosts = this.#options.hosts
    this.#randomizeHosts = this.#options.randomizeHosts
    const client = this
    this.#host = {
      chroot: this.chroot,
      runtime: this.runtime,
      get sessionId() {
        return client.session?.id
      },
      submit: (request, limits) => this.#submit(request, limits),
    }
  }

  // Life

  /**
   * Connects, and resolves to the client once it is connected and authenticated.
   *
   * @param options - `timeout`: how long to wait, 15,000 ms by default; then the client is stopped
   * @throws OperationTimeoutError when the time is up, with the last failure as `cause`; AuthFailedError when the server
   * refuses the credentials; `signal.reason`
   */
  start(options: CallOptions = {}): Promise<this> {
    try {
      checkOptions(options, callNames)
      if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error)
      this.#starting ??= this.#start(options)
      return this.#starting
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #start({ signal, timeout = defaultStartTimeout }: CallOptions): Promise<this> {
    // Without it verbs that are called right after `start` find a session to wait for.
    if (this.#stopping !== null) await this.#afterStop(signal)
    const { runtime, commandRetry: _, connectionRetry, ...options } = this.#options
    const { maxTries = -1, delay = 100, backoff = 2, maxDelay = 5_000 } = connectionRetry.options
    const session = new Session(
      runtime,
      this.#hosts.servers,
      {
        ...options,
        resume: options.session,
        randomizeHosts: this.#randomizeHosts,
        backoff: { delay, backoff, maxDelay },
        maxRounds: maxTries === -1 ? Infinity : maxTries,
      },
      (state, change) => this.#changed(session, state, change),
    )
    this.#session = session
    let failure: { readonly reason: unknown } | undefined
    const giveUp = (reason: unknown): void => {
      failure ??= { reason }
      void session.stop()
    }
    const timer = runtime.setTimer(timeout, () => {
      const details = { op: 'start', cause: session.lastFailure }
      giveUp(new OperationTimeoutError(`no connection within ${timeout} ms`, details))
    })
    const onAbort = (): void => giveUp(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    try {
      await session.start()
    } catch (error) {
      // Unless somebody else has stopped it, and may have started it again.
      if (this.#session === session && this.#stopping === null) await this.stop()
      throw failure === undefined ? error : failure.reason
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    return this
  }

  /** Waits for the stop under way; throws if there is no reason left to start. */
  async #afterStop(signal: AbortSignal | undefined): Promise<void> {
    const stops = this.#stops
    await this.#stopping
    if (this.#stops !== stops) throw new ConnectionClosedError('the client was stopped', { op: 'start' })
    if (signal?.aborted === true) {
      this.#starting = null
      throw signal.reason
    }
  }

  /**
   * Ends the session, on the server too if it can be reached: its ephemerals are gone when this resolves. Requests in
   * flight are answered first; later ones reject with `ConnectionClosedError`. It takes no longer than the session
   * timeout, may be called at any time and any number of times, and the client may be started again afterwards.
   */
  stop(): Promise<void> {
    const session = this.#session
    if (session === null) return Promise.resolve()
    this.#stops++
    this.#starting = null
    this.#stopping ??= session.stop().then(() => {
      this.#session = this.#stopping = null
    })
    return this.#stopping
  }

  /** Stops and starts: a new session. */
  async restart(options: CallOptions = {}): Promise<this> {
    checkOptions(options, callNames)
    this.#restarting = true
    try {
      await this.stop()
    } finally {
      this.#restarting = false
    }
    return this.start(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  // State

  /** `'LOST'` before the first connection and after the session's end. */
  get state(): KazooState {
    return this.#state
  }

  get connected(): boolean {
    return this.#state === 'CONNECTED'
  }

  /** The session, while there is one. Holds its password. */
  get session(): SessionIdentity | null {
    return this.#session?.identity ?? null
  }

  /** The highest zxid that a reply carried in this session. */
  get lastZxid(): bigint {
    return this.#session?.lastZxid ?? 0n
  }

  /** The path that all paths are under; `''` for none. */
  get chroot(): string {
    return this.#hosts.chroot
  }

  /** The servers, as `host:port`. */
  get hosts(): string[] {
    return this.#hosts.servers.map((server) => formatServer(server))
  }

  /** The outside world, for recipes. */
  get runtime(): Runtime {
    return this.#options.runtime
  }

  /** Adds a function that is called with each new state, and why. It is called once however often it is added. */
  addListener(listener: StateListener): void {
    if (typeof listener !== 'function') {
      throw new TypeError(`listener must be a function, not ${describeType(listener)}`)
    }
    this.#listeners.add(listener)
  }

  removeListener(listener: StateListener): void {
    this.#listeners.remove(listener)
  }

  /**
   * Other servers, from the next attempt to connect on; the connection there is stays.
   *
   * @throws RangeError if the chroot differs
   */
  setHosts(hosts: string | readonly string[], options: { readonly randomizeHosts?: boolean } = {}): void {
    const parsed = parseHosts(hosts)
    checkBoolean(options.randomizeHosts, 'randomizeHosts')
    if (parsed.chroot !== this.chroot) {
      throw new RangeError(`hosts: the chroot cannot change from "${this.chroot}" to "${parsed.chroot}"`)
    }
    this.#hosts = parsed
    this.#randomizeHosts = options.randomizeHosts ?? this.#randomizeHosts
    this.#session?.setServers(parsed.servers, this.#randomizeHosts)
  }

  // Reading

  /** A znode's data, null read as empty, and its `Stat`. @throws NoNodeError */
  get(path: string, options?: WatchOptions): Promise<DataAndStat> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      checkPath(path)
      return this.#submit(new GetRequest(this.chroot, path, toListener(options?.watch)), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A znode's `Stat`, or null if there is none; the watch is set in either case. */
  exists(path: string, options?: WatchOptions): Promise<Stat | null> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      checkPath(path)
      return this.#submit(new ExistsRequest(this.chroot, path, toListener(options?.watch)), options)
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
        ? this.#submit(new GetChildren2Request(this.chroot, path, listener), options)
        : this.#submit(new GetChildrenRequest(this.chroot, path, listener), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A znode's ACL and its `Stat`. @throws NoNodeError */
  getAcls(path: string, options?: CallOptions): Promise<AclsAndStat> {
    try {
      if (options !== undefined) checkOptions(options, callNames)
      checkPath(path)
      return this.#submit(new GetAclsRequest(this.chroot, path), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Lets the server catch up with the leader, so that reads made after it see all that was written before it. */
  sync(path: string, options?: CallOptions): Promise<string> {
    try {
      if (options !== undefined) checkOptions(options, callNames)
      checkPath(path)
      return this.#submit(new SyncRequest(this.chroot, path), options)
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
      const terms = createTerms(data, options, this.#options.defaultAcl)
      checkPath(path, 'path', sequence === true)
      if (makePath === true || protect === true) {
        const call = { path, terms, includeStat, makePath: makePath === true, protect: protect === true }
        return createCarefully(this.#host, call, options)
      }
      return includeStat
        ? this.#submit(new Create2Request(this.chroot, path, terms), options)
        : this.#submit(new CreateRequest(this.chroot, path, terms), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Creates a znode and its missing parents, the chroot among them, all empty; those that exist stay. */
  async ensurePath(path: string, options: EnsurePathOptions = {}): Promise<string> {
    checkOptions(options, aclNames)
    checkPath(path)
    const { acl = this.#options.defaultAcl } = options
    checkAcl(acl)
    await createPath(this.#host, path, acl, options)
    return path
  }

  /** Sets a znode's data, and resolves to its new `Stat`. @throws NoNodeError, BadVersionError */
  set(path: string, data: DataInput, options?: VersionOptions): Promise<Stat> {
    try {
      if (options !== undefined) checkOptions(options, versionNames)
      checkPath(path)
      return this.#submit(new SetRequest(this.chroot, path, toBytes(data), toVersion(options?.version)), options)
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
      if (recursive !== true) return this.#submit(new DeleteRequest(this.chroot, path, toVersion(version)), options)
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
      return this.#submit(new SetAclsRequest(this.chroot, path, acls, toVersion(options?.version)), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Begins a transaction: writes that are applied all together or not at all. */
  transaction(): Transaction {
    return new Transaction({
      chroot: this.chroot,
      defaultAcl: this.#options.defaultAcl,
      submit: (request, limits) => this.#submit(request, limits),
    })
  }

  /** Calls `fn` again while it fails in a way that may pass, as the option `commandRetry` says. */
  retry<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return this.#options.commandRetry.run(fn)
  }

  /** The `KazooRetry` behind {@link retry}; `client.commandRetry.copy({ maxTries: 3 }).run(…)` changes a part of it. */
  get commandRetry(): KazooRetry {
    return this.#options.commandRetry
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
    const session = this.#session
    await this.#submit(new AuthRequest(info.scheme, info.credential), options)
    session?.rememberAuth(info)
    return true
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
    if (this.#session === null) throw new ConnectionClosedError(undefined, { op: 'command' })
    const address = this.#session.address
    if (address === null) throw new ConnectionLossError('not connected', { op: 'command' })
    const { signal, timeout = this.#options.sessionTimeout } = options
    return fourLetterWord(this.runtime, address, word, { signal, timeout })
  }

  /** The version of the server that serves the session, as `[3, 9, 5]`; from `srvr`, which no server forbids. */
  async serverVersion(options: CallOptions = {}): Promise<readonly [number, number, number]> {
    const answer = await this.command('srvr', options)
    const version = /version: (\d+)\.(\d+)\.(\d+)/i.exec(answer)
    if (version === null) throw new ZooKeeperError('the server does not tell its version', { op: 'serverVersion' })
    return [Number(version[1]), Number(version[2]), Number(version[3])]
  }

  #submit<T>(request: Request<T>, limits: CallOptions | undefined): Promise<T> {
    const session = this.#session
    if (session !== null) return session.submit(request, limits)
    request.refuse(ConnectionClosedError)
    return request.promise
  }

  #changed(session: Session, state: KazooState, change: StateChange): void {
    if (this.#session !== session) return
    // Restarted while LOST: nothing is new.
    if (this.#restarting && state === this.#state) return
    this.#state = state
    this.#options.logger?.info({ state, cause: change.cause }, `ZooKeeper connection is ${state}`)
    // It gave up by itself: the next start begins anew.
    if (change.stopped && this.#stopping === null) this.#starting = this.#session = null
    this.#listeners.tell(state, this.#restarting ? { ...change, stopped: false } : change)
  }
}
