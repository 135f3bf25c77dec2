import { AsyncResource } from 'node:async_hooks'
import { channel, tracingChannel, type Channel } from 'node:diagnostics_channel'

import { channelNames } from '../../common/channel-names.ts'
import type { Request } from '../request.ts'
import type { KazooState } from '../session-state.ts'

/** Where a server listens. In messages it is the server as it was dialled. */
export interface ServerAddress {
  /** An IP address. */
  readonly host: string
  readonly port: number
}

/** The client's session behind a message: live, so that it tells what is now, and without the session's password. */
export interface TracedSession {
  /** Null while there is none. */
  readonly id: bigint | null
  readonly state: KazooState
  /** Whether it is over for good: the client was stopped, or gave up. */
  readonly stopped: boolean
  /** The server that serves it now; null where none does. */
  readonly server: ServerAddress | null
  /** Requests sent and not answered. */
  readonly inFlight: number
  /** Requests that wait for a connection. */
  readonly queued: number
}

/**
 * A request, on the tracing channel `kazoo-ts:request`. One object for all of its events, which is completed as more is
 * known. It never holds what is sent or received: data and credentials are in no message.
 */
export interface RequestMessage {
  /** The operation in the client's words: `'get'`, `'transaction'`… */
  readonly op: string
  /** The caller's path, below {@link chroot}; undefined for an operation without one, or with several. */
  readonly path: string | undefined
  /** What the client's paths are under on the server; `''` for nothing. */
  readonly chroot: string
  readonly session: TracedSession
  /** On the monotonic clock of the client's runtime, in milliseconds. */
  readonly startedAt: number
  /** The session it was made in, or that it was sent in; null while there is none. */
  sessionId: bigint | null
  /** The server it was sent to; null while it waits for a connection. */
  server: ServerAddress | null
  /** Its number on the connection; null while it waits for one. */
  xid: number | null
  /** The server's last transaction when it answered; null as long as it has not. */
  zxid: bigint | null
  /** Milliseconds from the call until it ended; null before. */
  duration: number | null
  /** What its promise rejects with; absent otherwise. */
  error?: unknown
}

/** An attempt to connect, on the tracing channel `kazoo-ts:connection`: it ends once requests can be sent, or with `error`. */
export interface ConnectionMessage {
  readonly server: ServerAddress
  /** Whether it is within TLS. */
  readonly tls: boolean
  /** Whether this client was connected before. */
  readonly reconnect: boolean
  readonly session: TracedSession
  /** On the monotonic clock of the client's runtime, in milliseconds. */
  readonly startedAt: number
  /** Milliseconds that the attempt took; null before it has ended. */
  duration: number | null
  /** Why it failed; absent otherwise. */
  error?: unknown
}

/** A connection that has ended, on the channel `kazoo-ts:connection:lost`; one that `stop` ended is none. */
export interface ConnectionLostMessage {
  readonly server: ServerAddress
  readonly session: TracedSession
  /** Milliseconds that it was usable. */
  readonly duration: number
  /** Why it ended. */
  readonly error: Error
}

/** What became of a session, on the channel `kazoo-ts:session`. */
export interface SessionMessage {
  /** `resumed`: on another connection, or taken over from another client. `closed`: by `stop`, or by giving up. */
  readonly event: 'created' | 'resumed' | 'expired' | 'closed'
  readonly sessionId: bigint
  /** The negotiated session timeout in milliseconds. */
  readonly timeout: number
  readonly session: TracedSession
  /** Why it ended, if anything but `stop` ended it. */
  readonly error: Error | undefined
}

/** A change of state, on the channel `kazoo-ts:state`. */
export interface StateMessage {
  readonly state: KazooState
  readonly previous: KazooState
  /** As a state listener gets it: no session follows by itself. */
  readonly stopped: boolean
  readonly session: TracedSession
  /** Why the connection or the session was lost; undefined when all is well or `stop` was called. */
  readonly error: Error | undefined
}

// Held here for good: a channel that nobody holds is collected, and its subscribers with it.
export const requestChannel = tracingChannel<unknown, RequestMessage>(channelNames.request)
export const connectionChannel = tracingChannel<unknown, ConnectionMessage>(channelNames.connection)
export const lostChannel = channel(channelNames.lost) as Channel<unknown, ConnectionLostMessage>
export const sessionChannel = channel(channelNames.session) as Channel<unknown, SessionMessage>
export const stateChannel = channel(channelNames.state) as Channel<unknown, StateMessage>

/** What tracing has to know of whoever sends a request. */
export interface RequestTracer {
  readonly session: TracedSession
  readonly lastZxid: bigint
  /** The server that a request sent now goes to, or went to if the connection has just ended. */
  readonly server: ServerAddress | null
  now(): number
}

/**
 * Sends a request and tells of it, as `TracingChannel.tracePromise` would. Yet its promise is handed out as it is: what
 * ends the request tells of the end, in the asynchronous context of the caller.
 *
 * @param submit - sends it; called once, before this returns
 */
export function traceRequest<T>(request: Request<T>, tracer: RequestTracer, submit: () => Promise<T>): Promise<T> {
  const { session } = tracer
  const message: RequestMessage = {
    op: request.op,
    path: request.path,
    chroot: request.chroot,
    session,
    startedAt: tracer.now(),
    sessionId: session.id,
    server: null,
    xid: null,
    zxid: null,
    duration: null,
  }
  const sent = (): void => {
    if (request.batch === null || message.xid !== null) return
    message.xid = request.xid
    message.server = tracer.server
    message.sessionId = session.id ?? message.sessionId
  }
  return requestChannel.start.runStores(message, () => {
    const caller = new AsyncResource('kazoo-ts:request')
    let returned = false
    request.onEnd((failure) => {
      sent()
      message.duration = tracer.now() - message.startedAt
      if (message.xid !== null && failure?.answered !== false) message.zxid = tracer.lastZxid
      if (failure !== null) message.error = failure.reason
      if (returned) caller.runInAsyncScope(tellEnd, undefined, message)
    })
    try {
      return submit()
    } finally {
      sent()
      returned = true
      requestChannel.end.publish(message)
      // What is refused at once has ended by now.
      if (message.duration !== null) tellEnd(message)
    }
  })
}

function tellEnd(message: RequestMessage): void {
  if ('error' in message) requestChannel.error.publish(message)
  requestChannel.asyncStart.publish(message)
  requestChannel.asyncEnd.publish(message)
}
