import { offAbort, onAbort } from '../common/abort-listeners.ts'
import {
  ConnectionClosedError,
  QueueFullError,
  SessionExpiredError,
  UnimplementedError,
  type ZooKeeperError,
} from '../common/errors.ts'
import { Writer } from '../protocol/writer.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { CallOptions, Request } from '../session/request.ts'
import { isAtLeast, type ServerVersion } from './server-version.ts'

/** What the gate asks of the client. */
export interface GateHost {
  readonly runtime: Runtime
  /** How many may wait here. */
  readonly maxPending: number
  readonly requestTimeout: number | undefined
  /** Whether there is a session, connected or not. */
  readonly started: boolean
  /** Whether a server serves it now. */
  readonly connected: boolean
  /** The version of that server; null where it cannot be told, and when the connection ends first. Does not reject. */
  askVersion(): Promise<ServerVersion | null>
  submit<T>(request: Request<T>, limits: CallOptions): Promise<T>
  /** A request that was submitted is waited for no longer. */
  abandon(request: Request<unknown>): void
}

/** Somebody who waits until it is known what the server is. */
interface Waiting {
  decide(version: ServerVersion | null): void
  refuse(reason: new () => ZooKeeperError): void
}

/**
 * Holds requests that only servers from a release on know, as an older one would close the connection. The version is asked
 * for once per connection, and only when somebody needs it; once it is known, requests pass at once and in the order of
 * the calls, their promises undecorated, like all others.
 */
export class VersionGate {
  readonly #host: GateHost
  readonly #waiting = new Set<Waiting>()
  /** Undefined as long as this connection's server was not asked, or has not answered. */
  #version: ServerVersion | null | undefined
  #asked: Promise<ServerVersion | null> | null = null

  constructor(host: GateHost) {
    this.#host = host
  }

  /**
   * Submits a request, or rejects it with an UnimplementedError if the server is too old.
   *
   * @param passed - called right before it is submitted, if it is; what it rejects is not
   */
  submit<T>(since: string, request: Request<T>, limits: CallOptions, passed?: () => void): Promise<T> {
    if (this.#version === undefined) this.#hold(since, request, limits, passed)
    else if (isTooOld(this.#version, since)) request.reject(tooOld(request, since), false)
    else {
      passed?.()
      if (!request.settled) void this.#host.submit(request, limits)
    }
    return request.promise
  }

  /**
   * Whether the server is of that release or a later one; true where that cannot be told: then the server has the word.
   *
   * @param signal - ends the wait for it, which may be one for a connection
   */
  isAtLeast(since: string, signal: AbortSignal): Promise<boolean> {
    if (this.#version !== undefined) return Promise.resolve(!isTooOld(this.#version, since))
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        this.#waiting.delete(waiting)
        reject(signal.reason)
      }
      const waiting: Waiting = {
        decide: (version) => {
          offAbort(signal, aborted)
          resolve(!isTooOld(version, since))
        },
        refuse: (type) => reject(new type()),
      }
      if (signal.aborted) {
        aborted()
        return
      }
      onAbort(signal, aborted)
      this.#wait(waiting)
    })
  }

  /** The same, as far as it is known by now: a request that passes the gate is sent to a server that is known. */
  knownAtLeast(since: string): boolean {
    return this.#version === undefined || !isTooOld(this.#version, since)
  }

  /** The connection is another, or none. */
  changed(): void {
    this.#version = undefined
    this.#asked = null
    if (this.#waiting.size > 0) this.#ask()
  }

  /** The session is over: who waited for a connection waited for one of its own. */
  lost(stopped: boolean): void {
    for (const each of this.#waiting) each.refuse(stopped ? ConnectionClosedError : SessionExpiredError)
    this.#waiting.clear()
  }

  #hold<T>(since: string, request: Request<T>, limits: CallOptions, passed: (() => void) | undefined): void {
    const { runtime, maxPending, requestTimeout } = this.#host
    const { signal, timeout = requestTimeout } = limits
    if (signal?.aborted === true) {
      request.reject(signal.reason, false)
      return
    }
    if (!this.#host.started || this.#waiting.size >= maxPending) {
      request.refuse(this.#host.started ? QueueFullError : ConnectionClosedError)
      return
    }
    try {
      request.encode(new Writer())
    } catch (error) {
      request.reject(error, false)
      return
    }
    let isSubmitted = false
    const waiting: Waiting = {
      decide: (version) => {
        if (isTooOld(version, since)) {
          request.reject(tooOld(request, since), false)
          return
        }
        passed?.()
        if (request.settled) return
        isSubmitted = true
        // Its limits are its own already.
        void this.#host.submit(request, { timeout: Infinity })
      },
      refuse: (type) => request.refuse(type),
    }
    request.onEnd(() => this.#waiting.delete(waiting))
    request.limit(runtime, { signal, timeout: timeout === Infinity ? undefined : timeout }, () => {
      if (isSubmitted) this.#host.abandon(request as Request<unknown>)
    })
    this.#wait(waiting)
  }

  #wait(waiting: Waiting): void {
    this.#waiting.add(waiting)
    this.#ask()
  }

  #ask(): void {
    if (this.#asked !== null || !this.#host.connected) return
    const asked = this.#host.askVersion()
    this.#asked = asked
    void asked.then((version) => {
      // The next server may be another release.
      if (this.#asked !== asked) return
      this.#version = version
      const waiting = [...this.#waiting]
      this.#waiting.clear()
      for (const each of waiting) each.decide(version)
    })
  }
}

function isTooOld(version: ServerVersion | null, since: string): boolean {
  return version !== null && !isAtLeast(version, since)
}

function tooOld<T>(request: Request<T>, since: string): UnimplementedError {
  return new UnimplementedError(`${request.describe()} needs ZooKeeper ${since}`, {
    op: request.op,
    path: request.path,
  })
}
