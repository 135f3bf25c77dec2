import { permissions, xids } from '../../protocol/constants.ts'
import { ConnectRequest } from '../../protocol/connect.ts'
import type { Reader } from '../../protocol/reader.ts'
import type { Writer } from '../../protocol/writer.ts'
import type { Socket, SocketHandler } from '../../runtime/runtime.ts'
import { isPermitted } from '../access/acl-check.ts'
import type { Acl } from '../access/acl-table.ts'
import { certificateIdentities, type Identity } from '../access/auth-schemes.ts'
import type { ConnectionView } from '../commands/source.ts'
import type { Database } from '../database.ts'
import type { DataNode } from '../tree/data-node.ts'
import { highWater, type Laggard } from './backlog.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Deadline, handshakePatience, type Patience } from './deadline.ts'
import { dispatchOf, type Dispatch } from './dispatch.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import { execute, hasMoved, lacksAuthentication, type Execution } from './execute-request.ts'
import type { AnswerFault } from '../faults.ts'
import { welcome, writeWelcome } from './handshake.ts'
import { obstacles } from './held-frames.ts'
import { Intake, type IntakeOwner } from './intake.ts'
import { javaAddress, javaPeer } from '../access/ip-acl.ts'
import { Outbox } from './outbox.ts'
import { eventFrame, Replies } from './reply.ts'
import { DigestMd5Server } from '../access/digest-md5.ts'
import type { Session, SessionConnection } from '../session-table.ts'
import { Tally } from './tally.ts'
import type { Turn } from './turn.ts'
import { subjectName } from '../access/x500-name.ts'
import type { WatchEvent, Watcher } from '../tree/watch-table.ts'

/** Above this many bytes that a client does not read, it is not worth keeping: events would pile up without end. */
const eventBacklogLimit = 64 * highWater
/** So many bytes are sent at once, rather than when all input is handled. */
const flushThreshold = 64 * 1024

/** One client's connection: frames in, handlers, frames out. Requests are answered in the order in which they came. */
export class ClientConnection
  implements SocketHandler, IntakeOwner, Watcher, SessionConnection, Execution, ConnectionView, Laggard
{
  readonly database: Database
  readonly watcher: Watcher = this
  readonly connection: SessionConnection = this
  readonly identities: Identity[] = []
  readonly socket: Socket
  /** The client's; a socket that is closed may not know it any more. */
  readonly address: string | undefined
  readonly certificateSubject: string | null
  readonly established: number
  timeout = 0
  readonly tally: Tally
  readonly #host: ConnectionHost
  readonly #onClosed: () => void
  readonly #outbox: Outbox
  readonly #intake: Intake
  /** The intake's. */
  readonly #turn: Turn
  readonly #replies = new Replies()
  /** Null once the client has said what it wants, unless its session has moved since. */
  #deadline: Deadline | null
  #session: Session | null = null
  #sasl: DigestMd5Server | null = null
  #xid = 0
  #operation: Dispatch | null = null
  #flushScheduled = false
  #closing = false
  #closed = false

  /** @param onClosed - called once, when it is over */
  constructor(socket: Socket, host: ConnectionHost, onClosed: () => void) {
    const { settings } = host.database
    this.socket = socket
    this.database = host.database
    this.#host = host
    this.#onClosed = onClosed
    this.tally = new Tally(host.statistics)
    this.#outbox = new Outbox(socket, settings.runtime, host, this.tally.meter, () => this.#caughtUp())
    this.#intake = new Intake(socket, host, this)
    this.#turn = this.#intake.turn
    this.established = settings.runtime.wallClock()
    const { remoteAddress, peerCertificate } = socket
    this.certificateSubject = peerCertificate === undefined ? null : subjectName(peerCertificate)
    this.address = remoteAddress
    if (remoteAddress !== undefined) this.identities.push({ scheme: 'ip', id: javaAddress(remoteAddress) })
    this.identities.push(...certificateIdentities(this.certificateSubject, settings.x509SuperUser))
    if (host.faults.paused) socket.pause()
    this.#deadline = this.#endAfter(handshakePatience, () => this.#intake.isHeld)
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

  // ConnectionView

  get remote(): string {
    return javaPeer(this.socket)
  }

  get queued(): number {
    return this.#intake.size + this.#outbox.queued
  }

  get heardAt(): number {
    return this.#turn.began
  }

  // SocketHandler

  received(chunk: Buffer): void {
    if (this.#closing) {
      this.#outbox.discard(chunk.length)
      return
    }
    this.#host.statistics.bytesReceived += chunk.length
    this.#deadline?.heard()
    this.#intake.push(chunk)
  }

  drained(): void {
    this.#outbox.drained()
    this.#caughtUp()
  }

  /** The client sends no more. */
  ended(): void {
    if (!this.#closing) this.#host.statistics.dropped++
    this.#intake.end()
  }

  closed(): void {
    if (!this.#closing && !this.#intake.isOver) this.#host.statistics.dropped++
    this.#closed = true
    this.#closing = true
    this.#intake.stop()
    this.#introduced()
    this.#outbox.stop()
    this.#host.backlog.leave(this)
    this.database.watches.removeWatcher(this)
    this.#session?.connections.delete(this)
    this.#onClosed()
  }

  // SessionConnection

  movedAway(): void {
    this.#deadline ??= this.#endAfter({ silence: this.timeout, total: Infinity }, () => this.#host.faults.paused)
  }

  close(): void {
    if (this.#closed) return
    this.#send()
    this.giveUp()
  }

  // Laggard

  giveUp(): void {
    this.#closing = true
    this.#intake.stop()
    this.socket.destroy()
  }

  roomAgain(): void {
    this.#intake.release(obstacles.room)
  }

  // Watcher

  notify(event: WatchEvent, acl: Acl | null): void {
    if (this.#closing) return
    if (acl !== null && !this.#mayRead(acl)) return
    event.frame ??= eventFrame(event.type, event.path, event.zxid)
    this.#sendEvent(event.frame)
    this.#scheduleFlush()
    if (this.#outbox.pendingBytes > eventBacklogLimit) this.close()
  }

  /** Sends what was written since the last time. */
  flush(): void {
    this.#send()
  }

  // RequestContext

  readonly ok = (): Writer => this.#replies.ok(this.#answerZxid)

  may(node: DataNode, perms: number): boolean {
    const { acl } = node
    this.#turn.add((acl.length * this.identities.length) >> 5)
    return isPermitted(acl, perms, this.identities, this.database.schemes)
  }

  tell(type: number, path: string): void {
    this.#sendEvent(eventFrame(type, path, -1))
  }

  closeAfterAnswer(): void {
    this.#closing = true
  }

  spoilAnswer(fault: AnswerFault): void {
    this.#replies.spoil(fault)
    this.#closing = true
  }

  get sasl(): DigestMd5Server | null {
    const { saslUsers, runtime } = this.database.settings
    if (saslUsers.size > 0) this.#sasl ??= new DigestMd5Server(saslUsers, runtime.randomBytes(30))
    return this.#sasl
  }

  // The server

  /** Sends what a delay holds back. */
  hurry(): void {
    this.#outbox.hurry()
  }

  /** Stops handling input; the socket is not read from. */
  hold(): void {
    if (!this.#closing) this.socket.pause()
  }

  /** The leader may be there again. */
  leaderChanged(): void {
    this.#intake.release(obstacles.leader)
  }

  /** Handles what has waited, once nothing is in the way of it. */
  goOn(): void {
    this.#intake.goOn()
  }

  // IntakeOwner

  get isClosing(): boolean {
    return this.#closing
  }

  answerCommand(word: string, argument: Buffer): void {
    this.#closing = true
    this.#introduced()
    this.tally.received()
    const answer = this.#host.command(word, argument, this)
    if (typeof answer === 'string') this.#tellAndEnd(answer)
    else void answer.then((text) => this.#tellAndEnd(text))
  }

  handleFrame(reader: Reader): void {
    this.tally.received()
    if (this.#session === null) this.#shakeHands(ConnectRequest.read(reader))
    else this.#request(this.#session, reader)
  }

  endAfterAnswer(): void {
    this.#closing = true
    this.#intake.stop()
    this.#send()
    this.#outbox.end()
  }

  // Handshake and requests

  #tellAndEnd(text: string): void {
    if (this.#closed) return
    this.#host.statistics.sent++
    this.#outbox.write(Buffer.from(text))
    this.#outbox.end()
  }

  #endAfter(patience: Patience, isHeld: () => boolean): Deadline {
    return new Deadline(patience, this.database.settings.runtime, isHeld, () => this.close())
  }

  #introduced(): void {
    this.#deadline?.cancel()
    this.#deadline = null
  }

  #shakeHands(request: ConnectRequest): void {
    this.#introduced()
    const { database } = this
    const welcomed = welcome(request, database)
    if (welcomed === null) {
      this.close()
      return
    }
    writeWelcome(this.#replies.writer, welcomed, request, database)
    this.tally.sent()
    this.#scheduleFlush()
    const { session, timeout } = welcomed
    if (session === null) {
      this.endAfterAnswer()
      return
    }
    this.#session = session
    this.timeout = timeout
    session.connections.add(this)
    session.owner = database
    if (request.sessionId === 0n) this.tally.last.note('SESS', 0, database.lastZxid, this.#turn.began)
    // The leader itself was asked.
    database.sessions.touch(session, timeout, this.#turn.began)
  }

  #request(session: Session, reader: Reader): void {
    this.#xid = reader.int()
    const operation = dispatchOf(reader.int())
    if (operation !== undefined) this.#operation = operation
    if (operation?.needsLeader === true && !this.#reachLeader(operation, reader)) return
    if (operation?.isLarge === true && !this.#findRoom(operation, reader)) return
    if (session.owner !== this.database && operation !== undefined && hasMoved(this, operation)) {
      this.#endMoved(operation)
      return
    }
    this.#replies.expect(operation?.name === 'ping' ? xids.ping : this.#xid)
    if (!this.#turn.hasTouched && operation?.isAuthentication !== true) this.#touch(session)
    const code = operation === undefined ? this.#unknown() : execute(this, operation, reader, this.#host.faults)
    // What never was in the queue has no place in history.
    const isOutside = code === errorCodes.unimplemented && this.#closing
    const size = this.#replies.end(isOutside ? -1 : this.#answerZxid, code, operation?.name === 'sasl')
    this.tally.answer(size, operation, code)
    if (operation !== undefined) this.tally.note(operation, code, this.#xid, this.database.lastZxid)
    if (this.#closing) {
      this.endAfterAnswer()
      return
    }
    if (this.#replies.writer.length > flushThreshold) this.#send()
    else this.#scheduleFlush()
    if (operation !== undefined && this.#turn.spend(operation.weight)) this.#intake.yield()
  }

  /** Brings the server up to date for a write; where it cannot, the request waits, and all behind it. */
  #reachLeader(operation: Dispatch, reader: Reader): boolean {
    const { membership, readOnly } = this.database
    if (readOnly || membership.catchUp()) return true
    this.#intake.putBack(obstacles.leader, this.#xid, operation.opcode, reader)
    return false
  }

  /** What may have a large answer waits while too much of others' is unread. */
  #findRoom(operation: Dispatch, reader: Reader): boolean {
    const { backlog } = this.#host
    if (!backlog.isFull) return true
    this.#intake.putBack(obstacles.room, this.#xid, operation.opcode, reader)
    backlog.waitForRoom(this)
    return false
  }

  /** ZooKeeper answers nothing to this; the leader, who refused a write, has written that down. */
  #endMoved({ isWrite, name }: Dispatch): void {
    if (isWrite && name !== 'sync') {
      this.database.commit(this.session.id, this.#xid, { type: 'error', code: errorCodes.sessionMoved })
    }
    this.endAfterAnswer()
  }

  /** Once for all that arrived together. */
  #touch(session: Session): void {
    const { database } = this
    this.#turn.hasTouched = true
    this.tally.meter.since = this.#turn.began
    database.touch(session, this.timeout, this.#turn.began)
  }

  get #answerZxid(): number {
    if (this.#operation?.isAuthentication === true || lacksAuthentication(this)) return 0
    return this.database.lastZxid
  }

  /** ZooKeeper answers what it does not know, and closes. */
  #unknown(): ErrorCode {
    this.#closing = true
    return errorCodes.unimplemented
  }

  #mayRead(acl: Acl): boolean {
    return isPermitted(acl, permissions.read, this.identities, this.database.schemes)
  }

  #sendEvent(frame: Buffer): void {
    this.#replies.writer.raw(frame)
    this.tally.event(frame.length - 4)
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    this.#host.flushes.add(this)
  }

  #send(): void {
    this.#flushScheduled = false
    const { writer } = this.#replies
    if (this.#closed || writer.length === 0) return
    this.#outbox.write(writer.take())
    const { pendingBytes } = this.#outbox
    this.#host.backlog.note(this, pendingBytes)
    if (pendingBytes > highWater && !this.#closing) this.#intake.holdFor(obstacles.backlog)
  }

  /** Some of what waited was taken. */
  #caughtUp(): void {
    const { pendingBytes } = this.#outbox
    this.#host.backlog.note(this, pendingBytes)
    if (pendingBytes <= highWater && this.#intake.isHeldFor(obstacles.backlog)) this.#intake.release(obstacles.backlog)
  }
}
