import { AuthFailedError } from '../../common/errors.ts'
import type { DialOptions, Runtime } from '../../runtime/runtime.ts'
import { formatServer } from '../connecting/hosts.ts'
import type { Request } from '../request.ts'
import { formatSessionId, type SessionIdentity } from '../session-identity.ts'
import type { KazooState } from '../session-state.ts'
import type { StateChange } from '../state-listeners.ts'
import type { Log } from './log.ts'
import {
  connectionChannel,
  lostChannel,
  sessionChannel,
  stateChannel,
  traceRequest,
  type ConnectionMessage,
  type RequestTracer,
  type ServerAddress,
  type SessionMessage,
  type TracedSession,
} from './tracing.ts'

/** What the observer asks of the session. */
interface Observed {
  readonly identity: SessionIdentity | null
  readonly state: KazooState
  readonly stopped: boolean
  readonly address: DialOptions | null
  readonly pending: number
  readonly queued: number
  readonly lastZxid: bigint
}

/** What subscribers see of a session: getters alone, so that whatever prints it prints neither options nor passwords. */
class SessionView implements TracedSession {
  readonly #session: Observed

  constructor(session: Observed) {
    this.#session = session
  }

  get id(): bigint | null {
    return this.#session.identity?.id ?? null
  }

  get state(): KazooState {
    return this.#session.state
  }

  get stopped(): boolean {
    return this.#session.stopped
  }

  get server(): ServerAddress | null {
    const { address } = this.#session
    return address === null ? null : serverOf(address)
  }

  get inFlight(): number {
    return this.#session.pending - this.#session.queued
  }

  get queued(): number {
    return this.#session.queued
  }
}

/** Without the options of TLS: they hold keys. */
function serverOf({ host, port }: DialOptions): ServerAddress {
  return { host, port }
}

/** Tells the log and the diagnostics channels what becomes of a session; nothing depends on it. */
export class SessionObserver implements RequestTracer {
  readonly session: TracedSession
  readonly #observed: Observed
  readonly #runtime: Runtime
  readonly #log: Log
  #attempt: ConnectionMessage | null = null
  #server: ServerAddress | null = null
  #connectedAt: number | null = null

  constructor(runtime: Runtime, observed: Observed, log: Log) {
    this.#runtime = runtime
    this.#observed = observed
    this.#log = log
    this.session = new SessionView(observed)
  }

  // RequestTracer

  get lastZxid(): bigint {
    return this.#observed.lastZxid
  }

  get server(): ServerAddress | null {
    return this.#server
  }

  now(): number {
    return this.#runtime.now()
  }

  traceRequest<T>(request: Request<T>, submit: () => Promise<T>): Promise<T> {
    return traceRequest(request, this, submit)
  }

  // Connections

  dialling(address: DialOptions): void {
    const message: ConnectionMessage = {
      server: serverOf(address),
      tls: address.tls !== undefined,
      reconnect: this.#server !== null,
      session: this.session,
      startedAt: this.now(),
      duration: null,
    }
    this.#attempt = message
    if (!connectionChannel.hasSubscribers) return
    connectionChannel.start.publish(message)
    connectionChannel.end.publish(message)
  }

  /** @param watches - how many were set again */
  established(watches: number): void {
    const attempt = this.#attempt
    if (attempt === null) return
    this.#server = attempt.server
    this.#connectedAt = this.now()
    this.#endAttempt()
    if (watches > 0) this.#log('debug', { server: formatServer(attempt.server), watches }, 'watches set again')
  }

  /** @param wanted - whether `stop` closed it */
  closed(cause: Error, wanted: boolean): void {
    if (cause instanceof AuthFailedError) {
      const server = this.#attempt?.server ?? this.#server
      this.#log('error', { server: server === null ? undefined : formatServer(server), cause }, 'authentication failed')
    }
    if (this.#attempt !== null) {
      this.#attempt.error = cause
      this.#endAttempt()
    }
    const connectedAt = this.#connectedAt
    this.#connectedAt = null
    if (connectedAt === null || wanted || this.#server === null || !lostChannel.hasSubscribers) return
    const duration = this.now() - connectedAt
    lostChannel.publish({ server: this.#server, session: this.session, duration, error: cause })
  }

  #endAttempt(): void {
    const attempt = this.#attempt!
    this.#attempt = null
    if (!connectionChannel.hasSubscribers) return
    attempt.duration = this.now() - attempt.startedAt
    if ('error' in attempt) connectionChannel.error.publish(attempt)
    connectionChannel.asyncStart.publish(attempt)
    connectionChannel.asyncEnd.publish(attempt)
  }

  // Sessions

  /** To be called while the session still has its identity. */
  told(event: SessionMessage['event'], identity: SessionIdentity | null, error?: Error): void {
    if (identity === null) return
    const { id, timeout } = identity
    const level = event === 'expired' ? 'warn' : event === 'resumed' ? 'debug' : 'info'
    this.#log(level, { session: formatSessionId(id), timeout, cause: error }, `ZooKeeper session ${event}`)
    if (!sessionChannel.hasSubscribers) return
    sessionChannel.publish({ event, sessionId: id, timeout, session: this.session, error })
  }

  /** Before the listeners hear of it. */
  changed(state: KazooState, previous: KazooState, { cause, stopped }: StateChange): void {
    if (!stateChannel.hasSubscribers) return
    stateChannel.publish({ state, previous, stopped, session: this.session, error: cause })
  }
}
