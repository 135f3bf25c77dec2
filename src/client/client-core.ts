import { offAbort, onAbort } from '../common/abort-listeners.ts'
import { deferred } from '../common/deferred.ts'
import { ConnectionClosedError, ConnectionLossError, OperationTimeoutError } from '../common/errors.ts'
import { describeType } from '../common/paths.ts'
import { reportUncaught } from '../common/report-uncaught.ts'
import type { DialOptions } from '../runtime/runtime.ts'
import { AuthRequest, type AuthInfo } from '../session/authentication/auth-request.ts'
import { Credentials } from '../session/authentication/credentials.ts'
import type { Hold, HoldLoss } from '../session/holding/hold.ts'
import { formatServer, type ServerName } from '../session/connecting/hosts.ts'
import { HoldRequest } from '../session/holding/leader-sync.ts'
import type { Log } from '../session/observing/log.ts'
import type { CallOptions, Request } from '../session/request.ts'
import { formatSessionId } from '../session/session-identity.ts'
import type { KazooState } from '../session/session-state.ts'
import { Session } from '../session/session.ts'
import { StateListeners, type StateChange, type StateListener } from '../session/state-listeners.ts'
import { fourLetterWord } from '../transport/four-letter-word.ts'
import { BackgroundDeletes } from './background-deletes.ts'
import { limited } from '../session/limited.ts'
import type { CheckedOptions, HostsOption } from './options.ts'
import { parseVersion, type ServerVersion } from './server-version.ts'
import { VersionGate, type GateHost } from './version-gate.ts'

/** How long `start` waits when it is not told: milliseconds. */
const defaultStartTimeout = 15_000

/**
 * What is behind a client: from each start to the next stop a `Session`, and what lasts beyond it, which is the options,
 * the listeners, the servers and the credentials.
 */
export class ClientCore {
  readonly options: CheckedOptions
  readonly backgroundDeletes: BackgroundDeletes
  readonly versions: VersionGate
  readonly #listeners = new StateListeners()
  readonly #credentials: Credentials
  #hosts: HostsOption
  /** Where they come from the ensemble's configuration: the hosts as given, for when none of these can be reached. */
  #fallback: readonly ServerName[] = []
  #randomizeHosts: boolean
  #session: Session | null = null
  /** To be resumed until there was a connection: later starts make new sessions. */
  #resume: CheckedOptions['session']
  #starting: Promise<void> | null = null
  #stopping: Promise<void> | null = null
  /** Whether a restart waits for the end of the session before. */
  #restarting = false
  /** How many restarts there were: the latest tells whether a session follows. */
  #restarts = 0
  /** How often `stop` was called: it overtakes each start and restart that has yet to make a session. */
  #stops = 0
  #state: KazooState = 'LOST'
  /** The life of this connection, or of the search for the next: aborted with a ConnectionLossError when it ends. */
  #connection = new AbortController()

  constructor(options: CheckedOptions) {
    this.options = options
    this.backgroundDeletes = new BackgroundDeletes(options.runtime, this.log.bind(this), options.maxPending)
    this.versions = new VersionGate(this.#gateHost())
    this.#hosts = options.hosts
    this.#randomizeHosts = options.randomizeHosts
    this.#credentials = new Credentials(options.authData)
    this.#resume = options.session
  }

  get state(): KazooState {
    return this.#state
  }

  get session(): Session | null {
    return this.#session
  }

  /** Aborted, with a ConnectionLossError, as soon as the state changes, and by `stop`. */
  get connection(): AbortSignal {
    return this.#connection.signal
  }

  get chroot(): string {
    return this.#hosts.chroot
  }

  get servers(): readonly ServerName[] {
    return this.#session?.servers ?? this.#hosts.servers
  }

  /** The server that serves the session. @throws ConnectionClosedError, ConnectionLossError */
  address(op: string): DialOptions {
    if (this.#session === null) throw new ConnectionClosedError(undefined, { op })
    const { address } = this.#session
    if (address === null) throw new ConnectionLossError('not connected', { op })
    return address
  }

  setServers(hosts: HostsOption, randomize: boolean | undefined): void {
    this.#hosts = hosts
    this.#fallback = []
    this.#randomizeHosts = randomize ?? this.#randomizeHosts
    this.#session?.setServers({ servers: hosts.servers, provider: hosts.provider, randomize: this.#randomizeHosts })
  }

  /**
   * The servers are these, as the ensemble's configuration says; those that were given are there to fall back on.
   *
   * @param here - which of them serves the session, if that is known
   * @param renamed - the ensemble has not changed: it becomes known under these names
   */
  followServers(servers: readonly ServerName[], here: ServerName | undefined, renamed: boolean): void {
    if (this.#fallback.length === 0) this.#fallback = this.#hosts.servers
    this.#hosts = { ...this.#hosts, servers }
    this.#session?.setServers({ servers, fallback: this.#fallback, here, renamed })
  }

  addListener(listener: StateListener): void {
    if (typeof listener !== 'function') {
      throw new TypeError(`listener must be a function, not ${describeType(listener)}`)
    }
    this.#listeners.add(listener)
  }

  removeListener(listener: StateListener): void {
    this.#listeners.remove(listener)
  }

  hold(loseOn: HoldLoss, limits: CallOptions): Promise<Hold> {
    const session = this.#session
    if (session === null) return Promise.reject(new ConnectionClosedError(undefined, { op: 'hold' }))
    return session.submit(new HoldRequest(session.holds, loseOn), limits)
  }

  submit<T>(request: Request<T>, limits: CallOptions | undefined): Promise<T> {
    const session = this.#session
    if (session !== null) return session.submit(request, limits)
    request.refuse(ConnectionClosedError)
    return request.promise
  }

  /** Submits what only servers from a release on know; see {@link VersionGate.submit}. */
  submitSince<T>(since: string, request: Request<T>, limits: CallOptions, passed?: () => void): Promise<T> {
    return this.versions.submit(since, request, limits, passed)
  }

  #gateHost(): GateHost {
    const core = this
    const { runtime, maxPending, requestTimeout } = this.options
    return {
      runtime,
      maxPending,
      requestTimeout,
      get started() {
        return core.#session !== null
      },
      get connected() {
        return core.#session !== null && core.#session.address !== null
      },
      askVersion: () => core.#askVersion(),
      submit: (request, limits) => core.submit(request, limits),
      abandon: (request) => core.#session?.abandon(request),
    }
  }

  /** Never rejects. Who does not answer within a third of the session timeout will not be asked again. */
  async #askVersion(): Promise<ServerVersion | null> {
    const { runtime, sessionTimeout } = this.options
    const address = this.#session?.address ?? null
    if (address === null) return null
    try {
      const limits = { signal: this.connection, timeout: sessionTimeout / 3 }
      return parseVersion(await fourLetterWord(runtime, address, 'srvr', limits))
    } catch {
      return null
    }
  }

  /** Credentials that the server accepts are presented on each connection to come, over restarts too. */
  addAuth(info: AuthInfo, limits: CallOptions): Promise<true> {
    return this.submit(new AuthRequest(info, () => this.#credentials.remember(info)), limits)
  }

  start({ signal, timeout = defaultStartTimeout }: CallOptions): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const starting = this.#starting
    if (starting === null) return (this.#starting = this.#start(timeout, signal))
    // Another's, which goes on when this caller has waited long enough.
    const timedOut = (): Error => startTimedOut('the start under way', timeout)
    return limited(this.options.runtime, starting, { signal, timeout }, timedOut)
  }

  async #start(timeout: number, signal: AbortSignal | undefined): Promise<void> {
    // Without it verbs that are called right after `start` find a session to wait for.
    if (this.#stopping !== null) {
      const stops = this.#stops
      await this.#afterStop(this.#stopping, timeout, signal)
      // Here, where the session is made before anybody else can do anything.
      this.#checkStops(stops)
    }
    const { runtime, commandRetry: _, connectionRetry, ...options } = this.options
    const { maxTries = -1, delay = 100, backoff = 2, maxDelay = 5_000 } = connectionRetry.options
    const session = new Session(
      runtime,
      this.#hosts.servers,
      {
        ...options,
        credentials: this.#credentials,
        resume: this.#resume,
        randomizeHosts: this.#randomizeHosts,
        provider: this.#hosts.provider,
        fallback: this.#fallback,
        backoff: { delay, backoff, maxDelay },
        log: (level, details, message) => this.log(level, details, message),
        maxRounds: maxTries === -1 ? Infinity : maxTries,
      },
      (state, change) => this.#changed(session, state, change),
    )
    this.#session = session
    let failure: { readonly reason: unknown } | undefined
    const giveUp = (reason: unknown): void => {
      failure ??= { reason }
      if (this.#session === session) void (this.#stopping ?? this.stop())
    }
    const timer = runtime.setTimer(timeout, () => {
      const details = { op: 'start', cause: session.lastFailure }
      giveUp(new OperationTimeoutError(`no connection within ${timeout} ms`, details))
    })
    const aborted = (): void => giveUp(signal?.reason)
    onAbort(signal, aborted)
    try {
      await session.start()
      // Who heard of the connection may have aborted the signal.
      if (failure !== undefined) throw failure.reason
    } catch (error) {
      // Unless somebody else has stopped it, and may have started it again.
      if (this.#session === session) await (this.#stopping ?? this.stop())
      throw failure === undefined ? error : failure.reason
    } finally {
      timer.cancel()
      offAbort(signal, aborted)
    }
  }

  /** Waits for the stop under way. */
  async #afterStop(stopping: Promise<void>, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    const stops = this.#stops
    const timedOut = (): Error => startTimedOut('the stop under way', timeout)
    try {
      await limited(this.options.runtime, stopping, { signal, timeout }, timedOut)
    } catch (error) {
      // Another one may have been made since a later stop.
      if (this.#stops === stops) this.#starting = null
      throw error
    }
  }

  /** @throws ConnectionClosedError if `stop` was called since: it has the last word */
  #checkStops(stops: number): void {
    if (this.#stops !== stops) throw new ConnectionClosedError('the client was stopped', { op: 'start' })
  }

  stop(): Promise<void> {
    this.#stops++
    this.#starting = null
    return this.#stopping ?? this.#end()
  }

  /** Ends the session, if there is one. */
  #end(): Promise<void> {
    const session = this.#session
    if (session === null) return Promise.resolve()
    this.#starting = null
    const stopping = deferred<void>()
    // Before the session ends: who hears of that, which may be at once, and starts the client has to wait for it.
    this.#stopping = stopping.promise
    this.#endConnection()
    void session.stop().then(() => {
      this.#session = this.#stopping = null
      stopping.resolve()
    })
    return stopping.promise
  }

  async restart(options: CallOptions): Promise<void> {
    const restart = ++this.#restarts
    const stops = this.#stops
    try {
      this.#restarting = true
      try {
        await (this.#stopping ?? this.#end())
      } finally {
        this.#restarting = false
      }
      this.#checkStops(stops)
      await this.start(options)
    } catch (error) {
      // Those who were told that a session would follow must not wait for it. Unless one may: of a later restart, which
      // tells them itself, or of a start that was there before.
      const goesOn = restart !== this.#restarts || (this.#starting !== null && this.#stops === stops)
      if (!goesOn) {
        const cause = error instanceof Error && !(error instanceof ConnectionClosedError) ? error : undefined
        this.#listeners.tell('LOST', { cause, stopped: true, readOnly: false })
      }
      throw error
    }
  }

  #changed(session: Session, state: KazooState, change: StateChange): void {
    if (this.#session !== session) return
    // Restarted while LOST: nothing is new.
    if (this.#restarting && state === this.#state) return
    this.#state = state
    this.#endConnection(change.cause)
    this.versions.changed()
    if (state === 'LOST') this.versions.lost(change.stopped)
    if (state === 'CONNECTED') this.#resume = null
    const details = { state, ...whereabouts(session), cause: change.cause }
    this.log(levelOf(state, change), details, `ZooKeeper connection is ${state}`)
    // It gave up by itself: the next start begins anew.
    if (change.stopped && this.#stopping === null) this.#starting = this.#session = null
    this.#listeners.tell(state, this.#restarting ? { ...change, stopped: false } : change)
  }

  /** What was asked of this connection alone, or in the search for the next, is over. */
  #endConnection(cause?: Error): void {
    const connection = this.#connection
    this.#connection = new AbortController()
    connection.abort(new ConnectionLossError('the connection is another, or none', { cause }))
  }

  /** A logger that throws must not end the search for a server. */
  log(level: Parameters<Log>[0], given: object, message: string): void {
    const { cause, ...details }: { readonly cause?: unknown } = given
    const { logger } = this.options
    if (logger === undefined) return
    try {
      // Under this name pino shows an error in full; under another it shows none of its message.
      logger[level](cause === undefined ? details : { ...details, err: cause }, message)
    } catch (error) {
      reportUncaught(error)
    }
  }
}

function startTimedOut(what: string, timeout: number): Error {
  return new OperationTimeoutError(`${what} took longer than ${timeout} ms`, { op: 'start' })
}

/** What a user has to know of: that the client gave up more than that it lost a session, that more than that it works. */
function levelOf(state: KazooState, { cause, stopped }: StateChange): 'info' | 'warn' | 'error' {
  if (cause === undefined) return 'info'
  return state === 'LOST' && stopped ? 'error' : 'warn'
}

function whereabouts({ address, identity }: Session): { readonly server?: string; readonly session?: string } {
  return {
    ...(address === null ? {} : { server: formatServer(address) }),
    ...(identity === null ? {} : { session: formatSessionId(identity.id) }),
  }
}
