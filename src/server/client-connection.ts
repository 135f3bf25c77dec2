import { keeperStates, permissions, xids } from '../protocol/constants.ts'
import { ConnectRequest, ConnectResponse } from '../protocol/connect.ts'
import { FrameDecoder } from '../protocol/framing.ts'
import { operationOf, operations, type OperationName } from '../protocol/operations.ts'
import type { Reader } from '../protocol/reader.ts'
import { WatcherEvent } from '../protocol/records.ts'
import { Writer } from '../protocol/writer.ts'
import type { Socket, SocketHandler } from '../runtime/runtime.ts'
import { isPermitted } from './acl-check.ts'
import type { Acl } from './acl-table.ts'
import type { Identity } from './auth-schemes.ts'
import type { Database } from './database.ts'
import type { DataNode } from './data-node.ts'
import { errorCodes, type ErrorCode } from './error-codes.ts'
import type { RequestContext } from './handler.ts'
import { handlers } from './handlers/index.ts'
import { Replies } from './reply.ts'
import { sessionPassword } from './session-password.ts'
import type { Session, SessionConnection } from './session-table.ts'
import type { WatchEvent, Watcher } from './watch-table.ts'

/** Above this many bytes that a client does not read, it is not read from either. */
const highWater = 1024 * 1024
/** Above this many, it is not worth keeping: events would pile up without end. */
const hopeless = 64 * highWater

const noPassword = Buffer.alloc(16)

/** What a connection asks of the server it belongs to. */
export interface ConnectionHost {
  readonly database: Database
  /** Answers a four-letter word; null if it is none. */
  command(word: string): string | null
  closed(connection: ClientConnection): void
}

/** One client's connection: frames in, handlers, frames out. Requests are answered in the order in which they came. */
export class ClientConnection implements SocketHandler, Watcher, SessionConnection, RequestContext {
  readonly database: Database
  readonly watcher: Watcher = this
  readonly identities: Identity[] = []
  readonly socket: Socket
  readonly #host: ConnectionHost
  readonly #decoder: FrameDecoder
  readonly #replies = new Replies()
  readonly #flush = (): void => this.#send()
  #session: Session | null = null
  #timeout = 0
  #xid = 0
  #flushScheduled = false
  #closing = false
  #closed = false
  #sniffing = true
  #received = 0
  #sent = 0

  constructor(socket: Socket, host: ConnectionHost) {
    this.socket = socket
    this.database = host.database
    this.#host = host
    this.#decoder = new FrameDecoder(this.database.settings.maxBuffer, (reader) => this.#frame(reader))
    const address = socket.remoteAddress?.replace(/^::ffff:/, '')
    if (address !== undefined) this.identities.push({ scheme: 'ip', id: address })
  }

  /** The session, once there is one. */
  get session(): Session {
    return this.#session!
  }

  get sessionId(): bigint | null {
    return this.#session?.id ?? null
  }

  get xid(): number {
    return this.#xid
  }

  /** How many frames were received and sent. */
  get counts(): { readonly received: number; readonly sent: number } {
    return { received: this.#received, sent: this.#sent }
  }

  // SocketHandler

  received(chunk: Buffer): void {
    if (this.#closing) return
    if (this.#sniffing) {
      this.#sniffing = false
      if (this.#isCommand(chunk)) return
    }
    try {
      this.#decoder.push(chunk)
    } catch {
      // Whatever it was, it is no ZooKeeper client: ZooKeeper, too, just closes.
      this.close()
    }
  }

  drained(): void {
    if (!this.#closing) this.socket.resume()
  }

  closed(): void {
    this.#closed = true
    this.#closing = true
    this.database.watches.removeWatcher(this)
    if (this.#session?.connection === this) this.#session.connection = null
    this.#host.closed(this)
  }

  // SessionConnection

  close(): void {
    if (this.#closed) return
    this.#send()
    this.#closing = true
    this.#decoder.stop()
    this.socket.destroy()
  }

  // Watcher

  notify(event: WatchEvent, acl: Acl | null): void {
    if (this.#closing) return
    if (acl !== null && !this.#mayRead(acl)) return
    event.frame ??= eventFrame(event.type, event.path, event.zxid)
    this.#replies.writer.raw(event.frame)
    this.#sent++
    this.#scheduleFlush()
    if (this.socket.pendingBytes > hopeless) this.close()
  }

  // RequestContext

  readonly ok = (): Writer => this.#replies.ok(this.database.lastZxid)

  may(node: DataNode, perms: number): boolean {
    return isPermitted(node.acl, perms, this.identities, this.database.schemes)
  }

  tell(type: number, path: string): void {
    this.#replies.writer.raw(eventFrame(type, path, -1))
  }

  closeAfterAnswer(): void {
    this.#closing = true
  }

  // Frames

  #isCommand(chunk: Buffer): boolean {
    if (chunk.length < 4) return false
    const word = chunk.toString('latin1', 0, 4)
    const answer = /^[a-z]{4}$/.test(word) ? this.#host.command(word) : null
    if (answer === null) return false
    this.#closing = true
    this.socket.write(Buffer.from(answer))
    this.socket.end()
    return true
  }

  #frame(reader: Reader): void {
    this.#received++
    if (this.#session === null) this.#shakeHands(ConnectRequest.read(reader))
    else this.#request(this.#session, reader)
  }

  #shakeHands(request: ConnectRequest): void {
    const { database } = this
    // The client has seen more than we know: it should look for another server.
    if (Number(request.lastZxidSeen) > database.lastZxid) {
      this.close()
      return
    }
    const { minSessionTimeout, maxSessionTimeout } = database.settings
    const timeout = Math.min(Math.max(request.timeout, minSessionTimeout), maxSessionTimeout)
    const session = request.sessionId === 0n ? database.openSession(timeout) : this.#resume(request)
    const { readOnly } = request
    this.#respond({
      protocolVersion: 0,
      timeout: session === null ? 0 : timeout,
      sessionId: session?.id ?? 0n,
      password: session === null ? noPassword : sessionPassword(session.id),
      readOnly: readOnly === null ? null : false,
    })
    if (session === null) {
      this.#send()
      this.#closing = true
      this.#decoder.stop()
      this.socket.end()
      return
    }
    this.#session = session
    this.#timeout = timeout
    session.connection?.close()
    session.connection = this
    database.sessions.touch(session, timeout, database.settings.runtime.now())
  }

  #resume({ sessionId, password }: ConnectRequest): Session | null {
    const session = this.database.sessions.find(sessionId)
    if (session === undefined || password === null) return null
    return sessionPassword(sessionId).equals(password) ? session : null
  }

  #respond(response: ConnectResponse): void {
    const { writer } = this.#replies
    const frame = writer.beginFrame()
    ConnectResponse.write(writer, response)
    writer.endFrame(frame)
    this.#sent++
    this.#scheduleFlush()
  }

  #request(session: Session, reader: Reader): void {
    const { database } = this
    this.#xid = reader.int()
    const opcode = reader.int()
    const name = operationOf(opcode)
    this.#replies.expect(name === 'ping' ? xids.ping : this.#xid)
    database.sessions.touch(session, this.#timeout, database.settings.runtime.now())
    const code = name === undefined ? this.#unknown() : this.#handle(name, reader)
    this.#replies.end(database.lastZxid, code)
    this.#sent++
    this.#scheduleFlush()
    if (this.#closing) {
      this.#decoder.stop()
      this.#send()
      this.socket.end()
    }
  }

  #handle(name: OperationName, reader: Reader): ErrorCode {
    let body: unknown
    try {
      body = operations[name].request.read(reader)
    } catch {
      return errorCodes.marshallingError
    }
    // The row and the handler belong together by their name, which the compiler cannot follow through a union.
    return (handlers[name] as (context: RequestContext, body: unknown) => ErrorCode)(this, body)
  }

  /** ZooKeeper answers what it does not know, and closes. */
  #unknown(): ErrorCode {
    this.#closing = true
    return errorCodes.unimplemented
  }

  #mayRead(acl: Acl): boolean {
    return isPermitted(acl, permissions.read, this.identities, this.database.schemes)
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    this.database.settings.runtime.defer(this.#flush)
  }

  #send(): void {
    this.#flushScheduled = false
    const { writer } = this.#replies
    if (this.#closed || writer.length === 0) return
    const wrote = this.socket.write(writer.take())
    if (!wrote && this.socket.pendingBytes > highWater) this.socket.pause()
  }
}

function eventFrame(type: number, path: string, zxid: number): Buffer {
  const writer = new Writer(64)
  const frame = writer.beginFrame()
  writer.int(xids.notification)
  writer.longNumber(zxid)
  writer.int(errorCodes.ok)
  WatcherEvent.write(writer, { type, state: keeperStates.syncConnected, path })
  writer.endFrame(frame)
  return writer.take()
}
