import { OperationTimeoutError } from '../common/errors.ts'
import { addChroot, checkPath, describeType } from '../common/paths.ts'
import { operations } from '../protocol/operations.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { HostProvider } from '../session/connecting/host-provider.ts'
import type { Hold, HoldLoss, HoldOptions } from '../session/holding/hold.ts'
import { formatServer } from '../session/connecting/hosts.ts'
import type { CallOptions } from '../session/request.ts'
import type { SessionIdentity } from '../session/session-identity.ts'
import type { KazooState } from '../session/session-state.ts'
import type { StateListener } from '../session/state-listeners.ts'
import { fourLetterWord } from '../transport/four-letter-word.ts'
import { checkBoolean, checkOptions, optionNames, toListener } from './arguments.ts'
import { checkAuth } from './authentication.ts'
import { ClientCore } from './client-core.ts'
import { ClientView, viewOf } from './client-view.ts'
import type { KazooRetry } from './kazoo-retry.ts'
import { limited } from '../session/limited.ts'
import { checkClientOptions, checkHosts, type KazooClientOptions } from './options.ts'
import {
  checkReconfig,
  GetConfigRequest,
  ReconfigRequest,
  WhoAmIRequest,
  type ClientInfo,
  type ReconfigChange,
} from './info-requests.ts'
import type { DataAndStat } from './requests.ts'
import { parseVersion } from './server-version.ts'
import type { DrainedOptions, WatchOptions } from './verb-options.ts'
import { ZnodeVerbs } from './znode-verbs.ts'

const callNames = optionNames()
const watchNames = optionNames('watch')
const drainedNames = optionNames('below')
const holdNames = optionNames('loseOn')

/**
 * A ZooKeeper client that keeps its connection: it finds a server, reconnects when it is lost, and makes a new session
 * when the old one has expired, from `start()` to `stop()`.
 *
 * Its life and its connection are here; the verbs about znodes come from {@link ZnodeVerbs}.
 */
export class KazooClient extends ZnodeVerbs {
  readonly #core: ClientCore

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options?: KazooClientOptions)
  /** @internal */
  constructor(view: ClientView)
  constructor(from: KazooClientOptions | ClientView = {}) {
    const { core, chroot } = from instanceof ClientView ? from : viewOf(new ClientCore(checkClientOptions(from)))
    super(core, chroot)
    this.#core = core
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

  /**
   * Whether the server that serves the session has no quorum, as the option `readOnly` allows: it answers reads, from what
   * it knew when it lost the others, and writes reject with `NotReadOnlyError`. Meanwhile the client looks for a server
   * with a quorum, and moves to it.
   */
  get readOnly(): boolean {
    return this.#core.session?.readOnly ?? false
  }

  /**
   * The session, while there is one. Holds its password. Read-only servers make up sessions of their own, which no other
   * server knows: it is another one after each reconnect, without a `'LOST'` in between, as nothing was held in it.
   */
  get session(): SessionIdentity | null {
    return this.#core.session?.identity ?? null
  }

  /** The highest zxid that a reply carried in this session. */
  get lastZxid(): bigint {
    return this.#core.session?.lastZxid ?? 0n
  }

  /** The servers, as `host:port`: as given, as a function gave them last, or as the ensemble's configuration has them. */
  get hosts(): string[] {
    return this.#core.servers.map((server) => formatServer(server))
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
   * Other servers; the session goes on. Clients that are told of a change of their ensemble stay spread evenly over it, by
   * the rule of ZooKeeper's Java client: one whose server is gone moves to another; one whose server is still there
   * stays, unless there are more servers than before, when it moves to one of the added ones with the probability
   * 1 − before / after. Moving ends the connection: requests in flight reject with `ConnectionLossError`, the state
   * becomes SUSPENDED, then CONNECTED. The same servers again change nothing. With `randomizeHosts: false` a client moves
   * only if its server is gone. A function as `hosts` is asked from the next round of connecting on.
   *
   * @throws RangeError if the chroot differs, or for a function where the option `trackEnsemble` is on
   */
  setHosts(
    hosts: string | readonly string[] | HostProvider,
    options: { readonly randomizeHosts?: boolean } = {},
  ): void {
    const { chroot } = this.#core
    const parsed = checkHosts(hosts)
    checkBoolean(options.randomizeHosts, 'randomizeHosts')
    if (parsed.provider !== null && this.#core.options.trackEnsemble !== null) {
      throw new RangeError('trackEnsemble and a function as hosts exclude each other')
    }
    if (parsed.provider === null && parsed.chroot !== chroot) {
      throw new RangeError(`hosts: the chroot cannot change from "${chroot}" to "${parsed.chroot}"`)
    }
    this.#core.setServers({ ...parsed, chroot }, options.randomizeHosts)
  }

  /** Calls `fn` again while it fails in a way that may pass, as the option `commandRetry` says. */
  retry<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return this.#core.options.commandRetry.run(fn)
  }

  /** The `KazooRetry` behind {@link retry}; `client.commandRetry.copy({ maxTries: 3 }).run(…)` changes a part of it. */
  get commandRetry(): KazooRetry {
    return this.#core.options.commandRetry
  }

  /** How many requests are queued and in flight. */
  get pending(): number {
    return this.#core.session?.pending ?? 0
  }

  /**
   * Resolves as soon as fewer than `below` requests are pending, for callers that make more than the servers can take.
   * It never rejects for the connection's sake: requests that wait for one are pending, those that failed are not.
   *
   * ```ts
   * for (const [path, data] of rows) {
   *   if (zk.pending >= 10_000) await zk.drained({ below: 5_000 })
   *   void zk.create(path, data).catch(report)
   * }
   * ```
   *
   * @throws OperationTimeoutError; `signal.reason`
   */
  async drained(options: DrainedOptions = {}): Promise<void> {
    checkOptions(options, drainedNames)
    const { below = Math.ceil(this.#core.options.maxPending / 2), timeout } = options
    if (typeof below !== 'number') throw new TypeError(`below must be a number, not ${describeType(below)}`)
    if (!(below >= 1)) throw new RangeError(`below must be at least 1, not ${below}`)
    options.signal?.throwIfAborted()
    const drained = this.#core.session?.drained(below)
    if (drained === undefined) return
    const timedOut = (): Error =>
      new OperationTimeoutError(`${this.pending} requests are pending after ${timeout} ms`, { op: 'drained' })
    await limited(this.runtime, drained, options, timedOut)
  }

  /**
   * Watches over the session for somebody who holds something by it: the signal of what this resolves to aborts before
   * the servers may have given it to somebody else.
   *
   * `'LOST'` alone comes too late for that: a follower that is cut off from its leader goes on answering reads, while
   * the leader expires the session. While there is a hold, the client's heartbeat is a `sync`, which the leader answers;
   * and the signal aborts when the session timeout less one heartbeat interval, two thirds of it, has passed since the
   * sending of the last request that the leader confirmed, when the session is `'LOST'`, and on `stop()`. A dropped
   * connection alone does not end it, unless `loseOn` says so: a new one in time confirms the session.
   *
   * It resolves when the leader has confirmed the session: what the session made before that is safe from then on.
   *
   * @param options - `loseOn: 'suspended'`: abort already when the connection drops; `signal` and `timeout` limit the wait
   * @throws ConnectionClosedError; NotReadOnlyError where there is no leader; SessionExpiredError when the session ends
   * meanwhile
   */
  hold(options: HoldOptions = {}): Promise<Hold> {
    try {
      checkOptions(options, holdNames)
      return this.#core.hold(checkLoseOn(options.loseOn), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  // The connection

  /**
   * Authenticates the session, on this connection and on those to come. A server closes the connection on credentials
   * it refuses; the client reconnects without them. What is accepted is presented for as long as the client lives: what
   * expires is better given by a function, as the option `authData`.
   *
   * @throws AuthFailedError
   */
  addAuth(scheme: string, credential: string | Uint8Array, options: CallOptions = {}): Promise<true> {
    try {
      checkOptions(options, callNames)
      return this.#core.addAuth(checkAuth(scheme, credential, ''), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Who the server takes this connection for. Needs ZooKeeper 3.7. */
  whoAmI(options: CallOptions = {}): Promise<ClientInfo[]> {
    try {
      checkOptions(options, callNames)
      return this.#core.submitSince(operations.whoAmI.since, new WhoAmIRequest(), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The ensemble's configuration, which is outside every chroot. */
  getConfig(options?: WatchOptions): Promise<DataAndStat> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      return this.#core.submit(new GetConfigRequest(toListener(options?.watch), this.#core.session?.watches), options)
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

/** @throws TypeError or RangeError that names `loseOn` */
function checkLoseOn(loseOn: unknown): HoldLoss {
  if (loseOn === undefined || loseOn === 'lost' || loseOn === 'suspended') return loseOn ?? 'lost'
  if (typeof loseOn !== 'string') throw new TypeError(`loseOn must be a string, not ${describeType(loseOn)}`)
  throw new RangeError(`loseOn must be 'lost' or 'suspended', not ${JSON.stringify(loseOn)}`)
}

/** Outside of the class, because the bundler renames a class that names itself. */
function clientOf(view: ClientView): KazooClient {
  return new KazooClient(view)
}
