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
 * - **Order.** Requests are sent in the order of the calls. Replies and watch events are seen in the order in which they
 *   arrived: an event that came before a reply is told before that reply's `await` returns, and the other way round. This
 *   holds for verbs that are one request each (all but `ensurePath`, a `create` with `makePath` or `protect`, what is
 *   `recursive`, `idempotent` or `guaranteed`, `walk`, and those that ask for the server's version first).
 * - **A lost connection.** What was sent and not answered rejects with `ConnectionLossError` and `maybeApplied: true`.
 *   What is called while there is no connection waits for the next one.
 * - **A lost session.** What waits at `'LOST'` rejects with `SessionExpiredError` and was not applied; what is called later
 *   waits for the new session. Before `start()` and after `stop()` requests reject with `ConnectionClosedError`.
 * - **Bounds.** With `maxPending` requests queued and in flight, further ones reject with `QueueFullError`, unsent; see
 *   {@link drained}. One larger than `maxBuffer` rejects with `RangeError`.
 * - **Cancelling.** Each call takes `signal` (rejects with its reason) and `timeout` in milliseconds (rejects with
 *   `OperationTimeoutError`; by default the option `requestTimeout`). What was sent may still be applied.
 *
 * Its life and its connection are here; the verbs about znodes come from {@link ZnodeVerbs}.
 *
 * ```ts
 * await using zk = await new KazooClient({ hosts: 'h1:2181,h2:2181,h3:2181/app' }).start()
 * ```
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
   * Called again meanwhile it waits for the same attempt; `timeout` and `signal` of later calls end them alone. A `stop` ends
   * it, whatever it waits for. A client that was stopped may be started again.
   *
   * @param options - `timeout`: milliseconds to wait, 15,000 by default. When they are over, and when `signal` aborts, the
   * client is stopped
   * @throws OperationTimeoutError when the time is up, with the last failure as `cause`; AuthFailedError when the server
   * refuses the credentials; ConnectionClosedError when the client is stopped meanwhile; the last failure itself when `connectionRetry`
   * gives up; `signal.reason`
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

  /**
   * Stops, then starts with a new session: the ephemerals and the watches of the old one are gone. Listeners see `'LOST'`
   * with `stopped: false`, as a session follows. `signal` and `timeout` (15,000 ms by default) limit the start.
   *
   * @throws as {@link start}; the client is stopped then
   */
  async restart(options: CallOptions = {}): Promise<this> {
    checkOptions(options, callNames)
    await this.#core.restart(options)
    return this
  }

  /** {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  // State

  /** `'LOST'` before the first connection and after the session's end. */
  get state(): KazooState {
    return this.#core.state
  }

  /** Whether the state is `'CONNECTED'`. */
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

  /** The highest zxid that a reply carried in this session; 0 if none did. */
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

  /**
   * Adds a function that is called with each new state, and why. It is called once however often it is added, and may call
   * the client. One that returns `true` is removed; one that throws is reported as an uncaught exception.
   *
   * @throws TypeError if it is no function
   */
  addListener(listener: StateListener): void {
    this.#core.addListener(listener)
  }

  /** Removes a function that was added; does nothing if it was not. */
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

  /**
   * Calls `fn` again while it fails in a way that may pass (an error with `retryable: true`, or {@link ForceRetryError}), as
   * the option `commandRetry` says: by default without limit, after pauses from 100 to 5,000 ms. `fn` may be called again
   * after a request that may have been applied.
   *
   * @returns what `fn` returned
   * @throws what `fn` threw, where trying again would not help: after `stop()`, `ConnectionClosedError`; where
   * `commandRetry` has limits, RetryFailedError with the last failure as `cause`, or the reason of its `signal`
   */
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
   * @param credential - for `digest`, `user:password`
   * @throws AuthFailedError if the server refuses them
   */
  addAuth(scheme: string, credential: string | Uint8Array, options: CallOptions = {}): Promise<true> {
    try {
      checkOptions(options, callNames)
      return this.#core.addAuth(checkAuth(scheme, credential, ''), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Who the server takes this connection for. Needs ZooKeeper 3.7. @throws UnimplementedError by an older server */
  whoAmI(options: CallOptions = {}): Promise<ClientInfo[]> {
    try {
      checkOptions(options, callNames)
      return this.#core.submitSince(operations.whoAmI.since, new WhoAmIRequest(), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * The ensemble's configuration (`/zookeeper/config`, which is outside every chroot), as text: a line for each member, and
   * `version=` in hexadecimal. `watch` is called once when it changes. Needs ZooKeeper 3.5; a server that stands alone has
   * an empty one.
   *
   * @throws NoAuthError if its ACL does not permit reading it
   */
  getConfig(options?: WatchOptions): Promise<DataAndStat> {
    try {
      if (options !== undefined) checkOptions(options, watchNames)
      return this.#core.submit(new GetConfigRequest(toListener(options?.watch), this.#core.session?.watches), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Changes the ensemble's members, and resolves to its new configuration. Needs ZooKeeper 3.5 with `reconfigEnabled`, and
   * the permission to write `/zookeeper/config`.
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
   * Asks the server that serves the session one of ZooKeeper's four-letter words, over a connection of its own (within
   * TLS if the client uses TLS), and resolves to the whole answer, at most 256 MiB.
   *
   * @param word - four lower-case letters, as `'srvr'` or `'mntr'`. A server answers those that its configuration allows
   * (`4lw.commands.whitelist`), and says so of others
   * @param options - `timeout`: milliseconds to wait for the whole answer, by default the option `sessionTimeout`
   * @throws ConnectionClosedError when the client is not started; ConnectionLossError when it is not connected, or when
   * there is no answer; OperationTimeoutError; ProtocolError when the answer is too large; `signal.reason`
   */
  async command(word = 'ruok', options: CallOptions = {}): Promise<string> {
    checkOptions(options, callNames)
    if (typeof word !== 'string') throw new TypeError(`word must be a string, not ${describeType(word)}`)
    if (!/^[a-z]{4}$/.test(word))
      throw new RangeError(`word must be four lower-case letters, not ${JSON.stringify(word)}`)
    const { signal, timeout = this.#core.options.sessionTimeout } = options
    return fourLetterWord(this.runtime, this.#core.address('command'), word, { signal, timeout })
  }

  /**
   * The version of the server that serves the session, as `[3, 9, 5]`; from `srvr`, which servers allow by default.
   * `timeout` is in milliseconds, by default the option `sessionTimeout`.
   *
   * @throws as {@link command}; ZooKeeperError when the server does not tell
   */
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
