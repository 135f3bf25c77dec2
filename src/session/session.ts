import { deferred } from '../common/deferred.ts'
import { AuthFailedError, ConnectionClosedError, QueueFullError, SessionExpiredError } from '../common/errors.ts'
import type { ConnectResponse } from '../protocol/connect.ts'
import { maxXid } from '../protocol/constants.ts'
import type { DialOptions, Runtime } from '../runtime/runtime.ts'
import { CloseRequest } from './close-request.ts'
import { Connector, type ConnectorOptions } from './connecting/connector.ts'
import type { Credentials } from './authentication/credentials.ts'
import { Holds } from './holding/holds.ts'
import type { ServerName } from './connecting/hosts.ts'
import { Drain } from './drain.ts'
import { Link, type LinkOwner } from './link.ts'
import type { Log } from './observing/log.ts'
import { SessionObserver } from './observing/observer.ts'
import { patience } from './patience.ts'
import { ReadWriteSearch } from './connecting/read-write-search.ts'
import type { CallOptions, Request } from './request.ts'
import type { ServerListChange } from './connecting/server-list.ts'
import { SessionDeadline } from './session-deadline.ts'
import { SessionIdentity } from './session-identity.ts'
import { stateOf, transition, type KazooState, type SessionEvent, type SessionPhase } from './session-state.ts'
import type { SaslSource } from './authentication/sasl/options.ts'
import type { StateChange } from './state-listeners.ts'
import { requestChannel } from './observing/tracing.ts'
import { WaitingRequests } from './waiting-requests.ts'
import { WatchRegistry } from './watches/watch-registry.ts'

export interface SessionOptions extends ConnectorOptions {
  /** The timeout to ask for, in milliseconds. */
  readonly sessionTimeout: number
  readonly resume: { readonly id: bigint; readonly password: Buffer } | null
  readonly readOnly: boolean
  /** Presented on each connection, and added to by the client. */
  readonly credentials: Credentials
  /** Asked on each connection; null without SASL. */
  readonly saslOptions: SaslSource | null
  /** Limits of a request sent and of a reply received, in bytes. */
  readonly maxBuffer: number
  readonly maxReply: number
  /** How many requests may be queued and in flight, together. */
  readonly maxPending: number
  /** Milliseconds that a request has which is given none of its own; undefined for no limit. */
  readonly requestTimeout: number | undefined
  readonly log: Log
}

/**
 * How many pauses between rounds of connecting go into a session timeout at least: a session that may still live is not to
 * be lost to a pause, and the election of a leader not to be slept through.
 */
const pausesInSession = 20
const emptyPassword = Buffer.alloc(16)
const noSession = { id: 0n, password: emptyPassword }

/**
 * What survives a socket: the session's identity, its watches, the requests that wait for a connection, and the search
 * for one. It lives from `start` to `stop`; sessions that expire in between are replaced by new ones.
 */
export class Session implements LinkOwner {
  readonly watches = new WatchRegistry()
  readonly holds: Holds
  readonly #runtime: Runtime
  readonly #options: SessionOptions
  readonly #tell: (state: KazooState, change: StateChange) => void
  readonly #connector: Connector
  readonly #observer: SessionObserver
  readonly #waiting: WaitingRequests
  readonly #deadline: SessionDeadline
  readonly #started = deferred<void>()
  readonly #ended = deferred<void>()
  readonly #drain = new Drain()
  readonly #limitsAll: boolean
  #phase: SessionPhase = 'connecting'
  #link: Link | null = null
  #identity: SessionIdentity | null = null
  #password: Buffer = emptyPassword
  #resume: { readonly id: bigint; readonly password: Buffer } | null
  /** Whether the server that serves the session has no quorum. */
  #readOnly = false
  /** Whether read-only servers alone know the session: they make up its id, which means nothing to any other server. */
  #isMadeUp = false
  readonly #search: ReadWriteSearch
  /** Whether a server has ever granted us a session: after that, failed authentication is worth another try. */
  #everReady = false
  #zxidHigh = 0
  #zxidLow = 0
  /**
   * The number of the last request, on whatever connection. A server tells an answer to its own client's request from one that
   * went through another member by the session and this number (ZOOKEEPER-2684): were it to come again after a reconnect,
   * the old connection's write could be taken for the new one's.
   */
  #lastXid: number

  constructor(
    runtime: Runtime,
    servers: readonly ServerName[],
    options: SessionOptions,
    tell: (state: KazooState, change: StateChange) => void,
  ) {
    this.#runtime = runtime
    this.#options = options
    this.#limitsAll = options.requestTimeout !== undefined
    this.#tell = tell
    this.#waiting = new WaitingRequests(options.maxBuffer)
    this.#deadline = new SessionDeadline(runtime, () => this.#expireByClock())
    this.#observer = new SessionObserver(runtime, this, options.log)
    this.#resume = options.resume
    // Somebody else has numbered requests of a session that is resumed, and may do so yet.
    this.#lastXid = options.resume === null ? 0 : Math.floor(runtime.random() * (maxXid / 2))
    this.#connector = new Connector(runtime, servers, options, {
      dial: (address, connectTimeout) => this.#dial(address, connectTimeout),
      gaveUp: (cause) => this.#end('closed', cause),
      timeout: () => this.#patience(),
      longestPause: () => (this.#identity?.timeout ?? Infinity) / pausesInSession,
    })
    this.holds = new Holds(runtime)
    this.#search = new ReadWriteSearch(runtime, {
      others: (signal) => this.#connector.others(signal),
      found: ({ candidate }) => {
        this.#connector.tryFirst(candidate)
        this.#link?.close(new Error('a server with a quorum was found'))
      },
    })
    // Rejected again by whoever awaits it; on its own it is no reason to end the process.
    this.#started.promise.catch(() => {})
  }

  get state(): KazooState {
    return stateOf(this.#phase)
  }

  /** Whether it is over for good. */
  get stopped(): boolean {
    return this.#phase === 'closed'
  }

  get identity(): SessionIdentity | null {
    return this.#identity
  }

  get lastZxid(): bigint {
    return (BigInt(this.#zxidHigh) << 32n) | BigInt(this.#zxidLow)
  }

  /** The server that serves the session now. */
  get address(): DialOptions | null {
    return this.#phase === 'connected' ? this.#connector.address : null
  }

  /** Whether a server serves the session now that has no quorum. */
  get readOnly(): boolean {
    return this.#phase === 'connected' && this.#readOnly
  }

  /** Requests queued and in flight. */
  get pending(): number {
    return this.#waiting.length + (this.#link?.inFlight ?? 0)
  }

  /** Requests that wait for a connection. */
  get queued(): number {
    return this.#waiting.length
  }

  /** Resolves as soon as fewer requests than that are pending. */
  drained(below: number): Promise<void> {
    return this.pending < below ? Promise.resolve() : this.#drain.wait(below)
  }

  /** Why the last attempt to connect failed. */
  get lastFailure(): Error | undefined {
    return this.#connector.lastFailure
  }

  /** Starts to connect. Resolves once connected; rejects when that cannot be any more. */
  start(): Promise<void> {
    this.#connector.connect()
    return this.#started.promise
  }

  /** Resolves when `closed` was reached. */
  stop(): Promise<void> {
    this.holds.changed('LOST', undefined)
    if (this.#phase === 'connected') {
      this.#apply('stop', undefined)
      this.#sayGoodbye()
    } else if (this.#phase !== 'closing') {
      this.#end('stop', undefined)
    }
    return this.#ended.promise
  }

  /** The servers, those that a provider gave last included. */
  get servers(): readonly ServerName[] {
    return this.#connector.servers
  }

  /** Other servers. The session stays; the connection ends if the load is to be spread, or its server is gone. */
  setServers(change: ServerListChange): void {
    if (!this.#connector.setServers(change) || this.#link === null || this.#phase === 'closing') return
    this.#connector.retryAtOnce()
    this.#link.close(new Error('moving to another server, as the list of servers has changed'))
  }

  /** Sends a request, or queues it until there is a connection. Its promise tells all. */
  submit<T>(request: Request<T>, limits?: CallOptions): Promise<T> {
    return requestChannel.hasSubscribers ? this.#submitTraced(request, limits) : this.#submit(request, limits)
  }

  #submit<T>(request: Request<T>, limits: CallOptions | undefined): Promise<T> {
    const link = this.#link
    if ((limits !== undefined || this.#limitsAll) && !this.#limit(request, limits)) return request.promise
    if (this.pending >= this.#options.maxPending) {
      request.refuse(QueueFullError)
    } else if (link !== null && this.#phase === 'connected' && (link.hasOpenBatch || this.stillAlive())) {
      link.send(request)
    } else {
      this.#enqueue(request as Request<unknown>)
    }
    return request.promise
  }

  /** Apart from `submit`, as is what follows: a closure in there would cost each of its calls a context. */
  #submitTraced<T>(request: Request<T>, limits: CallOptions | undefined): Promise<T> {
    return this.#observer.traceRequest(request, () => this.#submit(request, limits))
  }

  /** Binds a request to its limits; false if it is over already. */
  #limit<T>(request: Request<T>, limits: CallOptions | undefined): boolean {
    const signal = limits?.signal
    const given = limits?.timeout ?? this.#options.requestTimeout
    const timeout = given === Infinity ? undefined : given
    if (signal === undefined && timeout === undefined) return true
    if (signal?.aborted === true) {
      request.reject(signal.reason, false)
      return false
    }
    request.limit(this.#runtime, { signal, timeout }, () => this.abandon(request as Request<unknown>))
    return true
  }

  // LinkOwner

  stillAlive(): boolean {
    if (!this.isLate()) return true
    this.#expireByClock()
    return false
  }

  isLate(): boolean {
    return this.#deadline.isLate()
  }

  granted(response: ConnectResponse, sentAt: number): void {
    const asked = this.#presented().id
    if (this.#identity !== null && asked !== 0n && asked !== response.sessionId) {
      const cause = new SessionExpiredError('the server granted another session than the one asked for')
      this.#forgetSession(cause)
      this.#lose(cause)
      if (this.#phase === 'closed') return
    }
    const isNew = asked !== response.sessionId
    const password = Buffer.from(response.password ?? emptyPassword)
    // The user gets a copy: what becomes of it must not become of ours.
    this.#identity = new SessionIdentity(response.sessionId, Buffer.from(password), response.timeout)
    this.#password = password
    this.#resume = null
    this.#readOnly = response.readOnly === true
    this.#isMadeUp = this.#readOnly && asked !== response.sessionId
    this.#deadline.start(response.timeout, sentAt)
    this.holds.granted(response.sessionId, response.timeout, sentAt, this.#readOnly)
    this.#observer.told(isNew ? 'created' : 'resumed', this.#identity)
  }

  expired(): void {
    const cause = new SessionExpiredError('the server says that the session has expired')
    const link = this.#link
    // Asked for a new session, a server has no reason to say so: then it is a failure like any other.
    if (this.#identity === null && this.#resume === null) {
      link?.close(cause)
      return
    }
    // One that was to be resumed and never was ours has taken nothing with it: what waits goes to the new one.
    const wasOurs = this.#identity !== null
    this.#forgetSession(cause)
    this.#connector.retryAtOnce()
    link?.close(cause)
    if (wasOurs) this.#lose(cause)
  }

  ready(): void {
    this.#everReady = true
    this.#connector.succeeded()
    if (this.#readOnly) this.#search.start()
    else this.#search.succeeded()
    const link = this.#link!
    this.#observer.established(this.watches.size)
    this.#apply('established', undefined, () => {
      for (const request of this.#waiting.take()) link.send(request)
    })
    this.#started.resolve()
  }

  answered(sentAt: number): void {
    this.#deadline.answered(sentAt)
    if (sentAt >= this.holds.touches.due) this.holds.touches.add(sentAt, this.#runtime.now())
    if (this.#drain.isAwaited) this.#drain.check(this.pending)
  }

  sawZxid(high: number, low: number): void {
    if (high > this.#zxidHigh || (high === this.#zxidHigh && low > this.#zxidLow)) {
      this.#zxidHigh = high
      this.#zxidLow = low
    }
  }

  closed(link: Link, cause: Error): void {
    if (this.#link !== link) return
    this.#link = null
    this.#lastXid = link.lastXid
    this.#search.stop()
    this.#drain.check(this.pending)
    this.#observer.closed(cause, this.#phase === 'closing')
    if (cause instanceof AuthFailedError && !this.#everReady) {
      this.#end('closed', cause)
      return
    }
    this.#apply('dropped', cause)
    if (this.#phase === 'closed') this.#end('closed', undefined)
    else this.#connector.failed(cause)
  }

  // Expiry

  #expireByClock(): void {
    const timeout = this.#identity?.timeout
    const cause = new SessionExpiredError(`no answer within the session timeout of ${timeout} ms`)
    this.#forgetSession(cause)
    this.#link?.close(cause)
    this.#lose(cause)
  }

  #forgetSession(cause: Error): void {
    this.#observer.told('expired', this.#identity, cause)
    this.#identity = null
    this.#resume = null
    this.#deadline.stop()
    this.#zxidHigh = 0
    this.#zxidLow = 0
    this.watches.clear()
  }

  #lose(cause: Error): void {
    const waiting = this.#waiting.take()
    this.#drain.check(this.pending)
    this.#apply('expired', cause)
    for (const request of waiting) request.refuse(SessionExpiredError, cause)
  }

  /** The timeout of what is asked of a server: the one granted while there is a session, the one to ask for until then. */
  #patience(): number {
    const { sessionTimeout } = this.#options
    return this.#identity === null ? sessionTimeout : patience(this.#identity.timeout, sessionTimeout)
  }

  // Connecting

  /** What the next server is shown. */
  #presented(): { readonly id: bigint; readonly password: Buffer } {
    if (this.#identity === null) return this.#resume ?? noSession
    return this.#isMadeUp ? noSession : { id: this.#identity.id, password: this.#password }
  }

  #dial(address: DialOptions, connectTimeout: number): void {
    const { sessionTimeout, readOnly, maxBuffer, maxReply, credentials, saslOptions: sasl } = this.#options
    this.#observer.dialling(address)
    const { id, password } = this.#presented()
    this.#link = new Link(
      this.#runtime,
      {
        address,
        connectTimeout,
        sessionTimeout,
        readOnly,
        maxBuffer,
        maxReply,
        sessionId: id,
        password,
        lastZxid: this.lastZxid,
        lastXid: this.#lastXid,
        credentials,
        sasl,
        serverName: this.#connector.serverName,
      },
      this,
    )
  }

  // Requests

  #enqueue(request: Request<unknown>): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') {
      request.refuse(ConnectionClosedError)
    } else {
      this.#waiting.push(request)
    }
  }

  /** Makes room for another where a request ended that waits; one that was sent stays, for its reply has to be consumed. */
  abandon(request: Request<unknown>): void {
    if (request.batch !== null) return
    this.#waiting.abandon(request)
    this.#drain.check(this.pending)
  }

  // Ending

  #sayGoodbye(): void {
    const goodbye = new CloseRequest()
    const link = this.#link!
    const timer = this.#runtime.setTimer(this.#patience(), () => this.#end('closed', undefined))
    const finish = (): void => {
      timer.cancel()
      this.#end('closed', undefined)
    }
    goodbye.promise.then(finish, finish)
    link.send(goodbye)
  }

  #end(event: 'stop' | 'closed', cause: Error | undefined): void {
    this.#connector.stop()
    this.#search.stop()
    this.#deadline.stop()
    const link = this.#link
    this.#link = null
    const refusal = cause ?? new ConnectionClosedError('the client was stopped')
    const waiting = this.#waiting.take()
    this.#drain.check(this.pending)
    if (link !== null) this.#observer.closed(refusal, true)
    this.#observer.told('closed', this.#identity, cause)
    this.#identity = null
    this.watches.clear()
    this.#apply(event, cause)
    link?.close(refusal)
    for (const request of waiting) request.refuse(ConnectionClosedError, cause)
    this.#started.reject(refusal)
    this.#ended.resolve()
  }

  /** Moves to the next phase, does what belongs to it, and tells of the new state if it is one. */
  #apply(event: SessionEvent, cause: Error | undefined, effect?: () => void): void {
    const before = this.#phase
    this.#phase = transition(before, event)
    effect?.()
    const stopped = this.#phase === 'closed'
    // Who has heard LOST hears it again when no session will follow: else they would wait for one for ever.
    const endedWhileLost = stopped && before === 'connecting' && this.#everReady
    if (this.state === stateOf(before) && !endedWhileLost) return
    const { state } = this
    const change = { cause, stopped, readOnly: this.readOnly }
    this.#observer.changed(state, stateOf(before), change)
    this.#tell(state, change)
    this.holds.changed(state, cause)
  }
}
