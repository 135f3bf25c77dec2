import { Deque } from '../common/deque.ts'
import { AuthFailedError, ProtocolError, SessionExpiredError, SessionMovedError } from '../common/errors.ts'
import { maxXid, xids } from '../protocol/constants.ts'
import { ConnectRequest, type ConnectResponse } from '../protocol/connect.ts'
import { operations } from '../protocol/operations.ts'
import type { Reader } from '../protocol/reader.ts'
import { WatcherEvent } from '../protocol/records.ts'
import type { DialOptions, Runtime, Timer } from '../runtime/runtime.ts'
import { Connection, type ConnectionHandler } from '../transport/connection.ts'
import type { AuthRequest } from './authentication/auth-request.ts'
import { Authentication, type AuthenticationTarget, type AuthenticationTerms } from './authentication/authentication.ts'
import { readGreeting } from './greeting.ts'
import { Heartbeat, type HeartbeatTarget } from './heartbeat.ts'
import type { Holds } from './holding/holds.ts'
import { HeartbeatSync } from './holding/leader-sync.ts'
import { patience } from './patience.ts'
import { refusalOf, tooLarge } from './refusals.ts'
import type { Request } from './request.ts'
import { watchPortions, writePortion } from './watches/set-watches.ts'
import type { WatchRegistry } from './watches/watch-registry.ts'

/** What a link presents to the server. */
export interface LinkTerms extends AuthenticationTerms {
  readonly address: DialOptions
  /** Milliseconds for dialling and the handshake together. */
  readonly connectTimeout: number
  /** The session timeout to ask for, in milliseconds. */
  readonly sessionTimeout: number
  readonly sessionId: bigint
  readonly password: Buffer
  readonly lastZxid: bigint
  /** The number of the last request that was sent on an earlier connection. */
  readonly lastXid: number
  readonly readOnly: boolean
  /** Limits of a frame sent and of one received, in bytes. */
  readonly maxBuffer: number
  readonly maxReply: number
}

/** What a link tells the session it serves. */
export interface LinkOwner {
  readonly watches: WatchRegistry
  readonly holds: Holds
  /** False when the session is over by the clock, in which case the link has been closed. */
  stillAlive(): boolean
  /** Whether the session is over by the clock; nothing comes of asking. */
  isLate(): boolean
  /** The server granted the session, or confirmed it. `sentAt` is when it was asked. */
  granted(response: ConnectResponse, sentAt: number): void
  /** The server says that the session is no more. */
  expired(): void
  /** Authentication is done, the watches are on their way: requests may be sent. */
  ready(): void
  /** A request or a ping that was sent then was answered: the server had the session at that time at least. */
  answered(sentAt: number): void
  /** The highest zxid that a reply carried, as its two halves. */
  sawZxid(high: number, low: number): void
  closed(link: Link, cause: Error): void
}

const authOpcode = operations.auth.opcode
const sessionErrors: ReadonlySet<number> = new Set([SessionExpiredError.errno, SessionMovedError.errno])

/**
 * The session's life on one connection: handshake, authentication, re-arming of watches, then requests and replies in
 * step. It ends with its socket and is never used again, so that nothing of a dead socket reaches the next.
 */
export class Link implements ConnectionHandler, HeartbeatTarget, AuthenticationTarget {
  readonly #runtime: Runtime
  readonly #terms: LinkTerms
  readonly #owner: LinkOwner
  readonly #connection: Connection
  readonly #inFlight = new Deque<Request<unknown>>()
  readonly #authenticating = new Deque<AuthRequest>()
  #stage: 'dialling' | 'handshake' | 'authenticating' | 'live' | 'closed' = 'dialling'
  #connectTimer: Timer | undefined
  #heartbeat: Heartbeat | undefined
  #authentication: Authentication | undefined
  #grantedTimeout = 0
  #handshakeSentAt = 0
  #xid: number
  #pingSentAt: number | null = null
  #lastSentAt: number
  #lastReceivedAt: number

  constructor(runtime: Runtime, terms: LinkTerms, owner: LinkOwner) {
    this.#runtime = runtime
    this.#terms = terms
    this.#xid = terms.lastXid
    this.#owner = owner
    this.#lastSentAt = runtime.now()
    this.#lastReceivedAt = this.#lastSentAt
    this.#connectTimer = runtime.setTimer(terms.connectTimeout, () => this.#connectTimedOut())
    this.#connection = new Connection(runtime, terms.address, terms.maxReply, this)
  }

  /** The number of the last request that was sent. */
  get lastXid(): number {
    return this.#xid
  }

  /** Requests sent and not answered. */
  get inFlight(): number {
    return this.#inFlight.length + this.#authenticating.length
  }

  /** Of what a heartbeat would do, too: while something is held, that takes the leader. */
  get lastSentAt(): number {
    const { holds } = this.#owner
    return holds.active ? Math.min(this.#lastSentAt, holds.askedAt) : this.#lastSentAt
  }

  get lastReceivedAt(): number {
    return this.#lastReceivedAt
  }

  get pingSentAt(): number | null {
    return this.#pingSentAt
  }

  /** Whether frames of this tick are waiting to leave: the session was seen alive when the first was written. */
  get hasOpenBatch(): boolean {
    return this.#connection.writer.length > 0
  }

  /** Writes a request. One that is too large is rejected, and nothing of it is sent. */
  send<T>(request: Request<T>): void {
    const connection = this.#connection
    const frame = connection.beginFrame()
    const writer = connection.writer
    // Not `instanceof`: walking the prototypes of every request is what a profile shows.
    const isAuth = request.opcode === authOpcode
    const xid = isAuth ? xids.auth : this.#nextXid()
    writer.int(xid)
    writer.int(request.opcode)
    try {
      if (request.encoded === null) request.write(writer)
      else writer.raw(request.encoded)
      const size = connection.endFrame(frame)
      if (size > this.#terms.maxBuffer) throw tooLarge(request, size, this.#terms.maxBuffer)
    } catch (error) {
      // Nothing of it may stay: half a frame would put everybody else's out of step.
      connection.dropFrame(frame)
      if (!isAuth) this.#xid--
      request.reject(error)
      return
    }
    request.xid = xid
    const batch = (request.batch = connection.batch)
    this.#lastSentAt = batch.startedAt
    if (isAuth) this.#authenticating.push(request as object as AuthRequest)
    else this.#inFlight.push(request as Request<unknown>)
    connection.flushIfLarge()
  }

  #nextXid(): number {
    return (this.#xid = this.#xid === maxXid ? 1 : this.#xid + 1)
  }

  /** Sends a ping, unless one is unanswered; a `sync` while something is held. */
  ping(): void {
    if (this.#pingSentAt !== null || !this.#owner.stillAlive()) return
    if (this.#owner.holds.active && this.#stage === 'live') this.#sync()
    else this.#writeBare(xids.ping, operations.ping.opcode)
    this.#pingSentAt = this.#lastSentAt
  }

  #sync(): void {
    const request = new HeartbeatSync()
    request.promise.catch(() => {})
    request.onEnd(() => {
      this.#pingSentAt = null
    })
    this.send(request)
  }

  dead(silence: number): void {
    this.close(new Error(`nothing received for ${Math.round(silence)} ms`))
  }

  close(cause: Error): void {
    this.#connection.close(cause)
  }

  // ConnectionHandler

  opened(): void {
    this.#stage = 'handshake'
    const { sessionTimeout, sessionId, password, lastZxid, readOnly } = this.#terms
    const frame = this.#connection.beginFrame()
    ConnectRequest.write(this.#connection.writer, {
      protocolVersion: 0,
      lastZxidSeen: lastZxid,
      timeout: sessionTimeout,
      sessionId,
      password,
      readOnly,
    })
    this.#connection.endFrame(frame)
    this.#handshakeSentAt = this.#lastSentAt = this.#connection.batch.startedAt
    this.#connection.flush()
  }

  mayRead(): boolean {
    this.#owner.holds.check()
    if (!this.#owner.stillAlive()) return false
    this.#lastReceivedAt = this.#runtime.now()
    return true
  }

  mayWrite(): boolean {
    this.#owner.holds.check()
    return this.#owner.stillAlive()
  }

  isLate(): boolean {
    return this.#owner.isLate()
  }

  frame(reader: Reader): void {
    if (this.#stage !== 'live' && this.#tookEarly(reader)) return
    const at = reader.take(16)
    const view = reader.view
    const xid = view.getInt32(at)
    const high = view.getInt32(at + 4)
    const low = view.getUint32(at + 8)
    const errno = view.getInt32(at + 12)
    // Nearly all frames are replies. The rest is kept apart: what is inlined into the loop over frames is limited by size.
    if (xid > 0) this.#answered(reader, xid, high, low, errno)
    else this.#toldOf(reader, xid, high, low, errno)
  }

  /** Takes the answers that come before the first request: to the handshake, and to SASL. */
  #tookEarly(reader: Reader): boolean {
    if (this.#stage !== 'handshake') return this.#authentication?.frame(reader) === true
    this.#shakeHands(readGreeting(reader))
    return true
  }

  #toldOf(reader: Reader, xid: number, high: number, low: number, errno: number): void {
    switch (xid) {
      case xids.notification: {
        const event = WatcherEvent.read(reader)
        this.#owner.watches.dispatch(event.type, event.path, (BigInt(high) << 32n) | BigInt(low))
        return
      }
      case xids.ping:
        this.#pingAnswered(errno)
        return
      case xids.auth:
        this.#authAnswered(errno)
        return
      case xids.setWatches:
        // Without its watches the session would be deaf: better another try.
        if (errno !== 0)
          this.close(refusalOf(errno) ?? new Error(`the server refused to set the watches again: error ${errno}`))
        return
      default:
        this.#answered(reader, xid, high, low, errno)
    }
  }

  closed(reason: Error): void {
    const cause = this.#stage === 'authenticating' ? this.#authentication!.explain(reason) : reason
    this.#stage = 'closed'
    this.#connectTimer?.cancel()
    this.#heartbeat?.stop()
    this.#owner.closed(this, cause)
    for (const request of this.#authenticating.drain()) request.lose(request.batch?.sent === true, cause)
    for (const request of this.#inFlight.drain()) request.lose(request.batch?.sent === true, cause)
  }

  // Handshake

  #connectTimedOut(): void {
    // The event loop may have been blocked, with the answer waiting in the socket: let it be read first.
    this.#connectTimer = this.#runtime.setImmediate(() => {
      const { connectTimeout } = this.#terms
      this.close(
        new Error(`no ${this.#stage === 'dialling' ? 'connection' : 'answer'} within ${Math.round(connectTimeout)} ms`),
      )
    })
  }

  #shakeHands(response: ConnectResponse | Error): void {
    if (response instanceof Error) {
      this.close(response)
      return
    }
    if (response.timeout <= 0) {
      this.#connectTimer?.cancel()
      this.#owner.expired()
      return
    }
    this.#stage = 'authenticating'
    this.#authentication = new Authentication(this.#runtime, this.#terms, this)
    this.#owner.granted(response, this.#handshakeSentAt)
    // Whoever heard of a lost session may have stopped the client: nothing of this link may go on then.
    if (this.isClosed) return
    this.#grantedTimeout = response.timeout
    this.#authentication.start()
  }

  // AuthenticationTarget

  sendToken(token: Buffer): number {
    const frame = this.#connection.beginFrame()
    const writer = this.#connection.writer
    writer.int(this.#nextXid())
    writer.int(operations.sasl.opcode)
    operations.sasl.request.write(writer, { token })
    this.#connection.endFrame(frame)
    this.#lastSentAt = this.#connection.batch.startedAt
    return this.#xid
  }

  mayPing(): void {
    this.#heartbeat = new Heartbeat(this.#runtime, patience(this.#grantedTimeout, this.#terms.sessionTimeout), this)
    this.#heartbeat.start()
  }

  authenticated(): void {
    this.#goLive()
  }

  get isClosed(): boolean {
    return this.#stage === 'closed'
  }

  #authAnswered(errno: number): void {
    const request = this.#authenticating.shift()
    if (request === undefined) throw new ProtocolError('an answer to no authentication')
    if (errno === 0) {
      request.resolve(true)
      return
    }
    request.fail(errno)
    // The server closes the connection after this answer; its reason is the better one.
    if (this.#stage === 'authenticating') this.close(new AuthFailedError(undefined, { op: 'addAuth' }))
  }

  #goLive(): void {
    // Told of what is gone, the session would take it for its connection.
    if (this.isClosed) return
    this.#connectTimer?.cancel()
    this.#stage = 'live'
    for (const portion of watchPortions(this.#owner.watches, this.#terms.maxBuffer)) {
      const frame = this.#connection.beginFrame()
      const writer = this.#connection.writer
      writer.int(xids.setWatches)
      writePortion(writer, portion, this.#terms.lastZxid)
      this.#connection.endFrame(frame)
      this.#connection.flushIfLarge()
    }
    this.#owner.ready()
  }

  // Replies

  #answered(reader: Reader, xid: number, high: number, low: number, errno: number): void {
    const request = this.#inFlight.peek()
    if (request === undefined || request.xid !== xid) {
      throw new ProtocolError(`a reply to request ${xid}, where ${request?.xid ?? 'none'} is next`)
    }
    // It leaves the queue after it was read: if that throws, it is rejected with all the others.
    const value = errno === 0 && !request.settled ? request.read(reader) : undefined
    this.#inFlight.shift()
    if (high > 0 || (high === 0 && low > 0)) this.#owner.sawZxid(high, low)
    const sentAt = request.batch!.startedAt
    this.#owner.answered(sentAt)
    if (this.#owner.holds.active) this.#owner.holds.answered(request.opcode, errno, sentAt)
    if (errno === 0) {
      if (request.settled) return
      request.watch(this.#owner.watches, 0)
      request.resolve(value)
    } else {
      this.#failed(request, errno)
    }
  }

  #failed(request: Request<unknown>, errno: number): void {
    const recovered = request.settled ? undefined : request.recover(errno)
    if (recovered === undefined) {
      request.fail(errno)
    } else {
      request.watch(this.#owner.watches, errno)
      request.resolve(recovered.value)
    }
    // The server closes the connection after these; what is in the stream behind them is not to be relied on.
    if (sessionErrors.has(errno)) this.close(new Error(`the server ended the connection with error ${errno}`))
    const refusal = refusalOf(errno)
    if (refusal !== null) this.close(refusal)
  }

  #pingAnswered(errno: number): void {
    const refusal = refusalOf(errno)
    if (refusal !== null) {
      this.close(refusal)
      return
    }
    const sentAt = this.#pingSentAt
    if (sentAt === null) throw new ProtocolError('an answer to no ping')
    this.#pingSentAt = null
    this.#owner.answered(sentAt)
  }

  #writeBare(xid: number, opcode: number): void {
    const frame = this.#connection.beginFrame()
    this.#connection.writer.int(xid)
    this.#connection.writer.int(opcode)
    this.#connection.endFrame(frame)
    this.#lastSentAt = this.#connection.batch.startedAt
  }
}
