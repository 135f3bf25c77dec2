import { permissions, xids } from '../../protocol/constants.ts'
import { ConnectRequest } from '../../protocol/connect.ts'
import { FrameDecoder } from '../../protocol/framing.ts'
import { Reader } from '../../protocol/reader.ts'
import type { Writer } from '../../protocol/writer.ts'
import type { Socket, SocketHandler } from '../../runtime/runtime.ts'
import { isPermitted } from '../access/acl-check.ts'
import type { Acl } from '../access/acl-table.ts'
import { certificateIdentities, type Identity } from '../access/auth-schemes.ts'
import type { ConnectionView } from '../commands/source.ts'
import type { Database } from '../database.ts'
import type { DataNode } from '../tree/data-node.ts'
import { Deadline, handshakePatience, type Patience } from './deadline.ts'
import { dispatchOf, type Dispatch } from './dispatch.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import { execute, hasMoved, lacksAuthentication, type Execution } from './execute-request.ts'
import type { AnswerFault, Faults } from '../faults.ts'
import { FirstBytes } from './first-bytes.ts'
import type { FlushQueue } from './flush-queue.ts'
import { welcome, writeWelcome } from './handshake.ts'
import { HeldFrames, holds } from './held-frames.ts'
import { javaAddress, javaPeer } from '../access/ip-acl.ts'
import { type Latency, LatencyMeter } from './latency.ts'
import { Outbox } from './outbox.ts'
import { eventFrame, Replies } from './reply.ts'
import { DigestMd5Server } from '../access/digest-md5.ts'
import type { Session, SessionConnection } from '../session-table.ts'
import type { Statistics } from './statistics.ts'
import type { Storage } from '../storage/storage.ts'
import { Turn } from './turn.ts'
import type { WatchEvent, Watcher } from '../tree/watch-table.ts'

/** Above this many bytes that a client does not read, nothing more of what it asks is handled. */
const highWater = 1024 * 1024
/** Above this many, it is not worth keeping: events would pile up without end. */
const hopeless = 64 * highWater
/** So many bytes are sent at once, rather than when all input is handled. */
const enough = 64 * 1024

/** What a connection asks of the server it belongs to. */
export interface ConnectionHost {
  readonly database: Database
  readonly faults: Faults
  readonly statistics: Statistics
  readonly flushes: FlushQueue
  /** Answers a four-letter word. */
  command(word: string, argument: Buffer): string | Promise<string>
  closed(connection: ClientConnection): void
}

/** One client's connection: frames in, handlers, frames out. Requests are answered in the order in which they came. */
export class ClientConnection implements SocketHandler, Watcher, SessionConnection, Execution, ConnectionView {
  readonly database: Database
  readonly watcher: Watcher = this
  readonly connection: SessionConnection = this
  readonly identities: Identity[] = []
  readonly socket: Socket
  /** The client's; a socket that is closed may not know it any more. */
  readonly address: string | undefined
  readonly established: number
  timeout = 0
  readonly counts = { received: 0, sent: 0, wereReset: false }
  readonly #host: ConnectionHost
  readonly #meter: LatencyMeter
  readonly #outbox: Outbox
  readonly #decoder: FrameDecoder
  readonly #replies = new Replies()
  readonly #nextTurn = (): void => {
    this.#held.release(holds.turn)
    this.goOn()
  }
  /** Null once the client has said what it wants, unless its session has moved since. */
  #deadline: Deadline | null
  #session: Session | null = null
  #sasl: DigestMd5Server | null = null
  #xid = 0
  #operation: Dispatch | null = null
  #lastTime = 0
  #flushScheduled = false
  #closing = false
  #closed = false
  /** Null once there were four of them. */
  #first: FirstBytes | null = new FirstBytes()
  readonly #held = new HeldFrames()
  readonly #turn: Turn
  /** No more is handled than what waits; the client may still read. */
  #inputOver = false
  #touched = false

  constructor(socket: Socket, host: ConnectionHost) {
    const { settings } = host.database
    this.socket = socket
    this.database = host.database
    this.#host = host
    this.#meter = new LatencyMeter(host.statistics)
    this.#outbox = new Outbox(socket, settings.runtime, host, this.#meter, () => this.drained())
    this.#decoder = new FrameDecoder(settings.maxBuffer, (reader) => this.#frame(reader))
    this.#turn = new Turn(settings.runtime)
    this.established = settings.runtime.wallClock()
    const { remoteAddress } = socket
    this.address = remoteAddress
    if (remoteAddress !== undefined) this.identities.push({ scheme: 'ip', id: javaAddress(remoteAddress) })
    this.identities.push(...certificateIdentities(this.certificateSubject, settings.x509SuperUser))
    if (host.faults.paused) socket.pause()
    this.#deadline = this.#endAfter(handshakePatience, () => this.#isHeld)
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
    return this.#held.size + this.#outbox.queued
  }

  get latency(): Latency {
    return this.#meter.latency
  }

  get last(): ConnectionView['last'] {
    if (this.#operation === null) return null
    return { op: this.#operation.shortName, xid: this.#xid, zxid: this.database.lastZxid, time: this.#lastTime }
  }

  resetCounts(): void {
    Object.assign(this.counts, { received: 0, sent: 0, wereReset: true })
    this.#operation = null
    this.latency.reset()
  }

  // SocketHandler

  received(chunk: Buffer): void {
    if (this.#closing) {
      this.#outbox.discard(chunk.length)
      return
    }
    this.#touched = false
    this.#turn.begin()
    this.#host.statistics.bytesReceived += chunk.length
    this.#deadline?.heard()
    const bytes = this.#first === null ? chunk : this.#open(this.#first, chunk)
    if (bytes === null) return
    try {
      this.#decoder.push(bytes)
    } catch {
      // Whatever it was, it is no ZooKeeper client: ZooKeeper, too, just closes. What was asked before is answered.
      if (this.#session === null && this.#held.isEmpty) this.close()
      else this.ended()
    }
  }

  drained(): void {
    if (this.#outbox.pendingBytes > highWater || !this.#held.release(holds.backlog)) return
    this.goOn()
  }

  /** The client sends no more, or nothing that could be read. */
  ended(): void {
    this.#inputOver = true
    this.#decoder.stop()
    if (!this.#closing && this.#held.isEmpty) this.#endAfterAnswer()
  }

  closed(): void {
    this.#closed = true
    this.#closing = true
    this.#held.clear()
    this.#introduced()
    this.#outbox.stop()
    this.database.watches.removeWatcher(this)
    this.#session?.connections.delete(this)
    this.#host.closed(this)
  }

  // SessionConnection

  movedAway(): void {
    this.#deadline ??= this.#endAfter({ silence: this.timeout, total: Infinity }, () => this.#host.faults.paused)
  }

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
    this.#countSent()
    this.#scheduleFlush()
    if (this.#outbox.pendingBytes > hopeless) this.close()
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
    this.#replies.writer.raw(eventFrame(type, path, -1))
    this.#countSent()
  }

  closeAfterAnswer(): void {
    this.#closing = true
  }

  spoilAnswer(fault: AnswerFault): void {
    this.#replies.spoil(fault)
    this.#closing = true
  }

  get certificateSubject(): string | null {
    return this.socket.peerSubject ?? null
  }

  get sasl(): DigestMd5Server | null {
    const { saslUsers, runtime } = this.database.settings
    if (saslUsers.size > 0) this.#sasl ??= new DigestMd5Server(saslUsers, runtime.randomBytes(30))
    return this.#sasl
  }

  // The server

  /** Stops handling input; the socket is not read from. */
  hold(): void {
    if (!this.#closing) this.socket.pause()
  }

  /** The leader may be there again. */
  leaderChanged(): void {
    this.#held.release(holds.leader)
    this.goOn()
  }

  /** Handles what has waited, once nothing is in the way of it. */
  goOn(): void {
    if (this.#closing || this.#isHeld) return
    this.#touched = false
    this.#turn.begin()
    try {
      while (!this.#held.isEmpty) {
        if (this.#mustWait()) return
        this.#handleFrame(Reader.over(this.#held.shift()))
        if (this.#closing) return
      }
    } catch {
      this.#endAfterAnswer()
      return
    }
    if (this.#isHeld) return
    if (this.#inputOver) this.#endAfterAnswer()
    else this.socket.resume()
  }

  // Frames

  get #isHeld(): boolean {
    return this.#held.isHeld || this.#host.faults.paused
  }

  /** Answers a four-letter word; returns what there is to read otherwise, null for nothing yet. */
  #open(first: FirstBytes, chunk: Buffer): Buffer | null {
    const opening = first.push(chunk)
    if (opening === null) return null
    this.#first = null
    if (opening.kind === 'frames') return opening.bytes
    this.#closing = true
    this.#introduced()
    this.#countReceived()
    const answer = this.#host.command(opening.word, opening.argument)
    if (typeof answer === 'string') this.#tellAndEnd(answer)
    else void answer.then((text) => this.#tellAndEnd(text))
    return null
  }

  #tellAndEnd(text: string): void {
    if (this.#closed) return
    this.#host.statistics.sent++
    this.#outbox.write(Buffer.from(text))
    this.#outbox.end()
  }

  #frame(reader: Reader): void {
    if (this.#mustWait()) this.#held.push(reader)
    else this.#handleFrame(reader)
  }

  /** Whether something is in the way of the next frame. */
  #mustWait(): boolean {
    const { storage } = this.database
    if (storage?.isFull === true && !this.#isHeld) this.#awaitDisk(storage)
    return this.#isHeld
  }

  /** Clients may ask faster than the disk writes, and all that waits for it is kept in memory. */
  #awaitDisk(storage: Storage): void {
    this.#held.holdFor(holds.disk)
    this.socket.pause()
    storage.whenDurable(() => {
      this.#held.release(holds.disk)
      this.goOn()
    })
  }

  #handleFrame(reader: Reader): void {
    this.#countReceived()
    if (this.#session === null) this.#shakeHands(ConnectRequest.read(reader))
    else this.#request(this.#session, reader)
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
    this.#countSent()
    this.#scheduleFlush()
    const { session, timeout } = welcomed
    if (session === null) {
      this.#endAfterAnswer()
      return
    }
    this.#session = session
    this.timeout = timeout
    session.connections.add(this)
    session.owner = database
    // The leader itself was asked.
    database.sessions.touch(session, timeout, this.#turn.began)
  }

  #request(session: Session, reader: Reader): void {
    this.#xid = reader.int()
    const operation = dispatchOf(reader.int())
    if (operation !== undefined) this.#operation = operation
    if (operation?.needsLeader === true && !this.#reachLeader(operation, reader)) return
    if (session.owner !== this.database && operation !== undefined && hasMoved(this, operation)) {
      this.#endMoved(operation)
      return
    }
    this.#replies.expect(operation?.name === 'ping' ? xids.ping : this.#xid)
    if (!this.#touched && operation?.isAuthentication !== true) this.#touch(session)
    const code = operation === undefined ? this.#unknown() : execute(this, operation, reader, this.#host.faults)
    if (code === errorCodes.authFailed) this.#host.statistics.authFailed++
    // What never was in the queue has no place in history.
    const isOutside = code === errorCodes.unimplemented && this.#closing
    this.#replies.end(isOutside ? -1 : this.#answerZxid, code, operation?.name === 'sasl')
    this.#countSent()
    if (operation?.isWrite === true) this.#meter.writes++
    else this.#meter.reads++
    if (this.#closing) {
      this.#endAfterAnswer()
      return
    }
    if (this.#replies.writer.length > enough) this.#send()
    else this.#scheduleFlush()
    if (operation !== undefined && this.#turn.spend(operation.weight)) this.#yield()
  }

  /** Brings the server up to date for a write; where it cannot, the request waits, and all behind it. */
  #reachLeader(operation: Dispatch, reader: Reader): boolean {
    const { membership, readOnly } = this.database
    if (readOnly || membership.catchUp()) return true
    this.#held.holdFor(holds.leader)
    this.socket.pause()
    this.#held.putBack(this.#xid, operation.opcode, reader)
    return false
  }

  /** ZooKeeper answers nothing to this; the leader, who refused a write, has written that down. */
  #endMoved({ isWrite, name }: Dispatch): void {
    if (isWrite && name !== 'sync') {
      this.database.commit(this.session.id, this.#xid, { type: 'error', code: errorCodes.sessionMoved })
    }
    this.#endAfterAnswer()
  }

  /** Once for all that arrived together. */
  #touch(session: Session): void {
    const { database } = this
    this.#touched = true
    this.#lastTime = this.#meter.since = this.#turn.began
    database.touch(session, this.timeout, this.#lastTime)
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

  #countReceived(): void {
    this.counts.received++
    this.#host.statistics.received++
  }

  #countSent(): void {
    this.counts.sent++
    this.#host.statistics.sent++
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    this.#host.flushes.add(this)
  }

  /** Lets the others have their turn. */
  #yield(): void {
    this.#held.holdFor(holds.turn)
    this.socket.pause()
    this.database.settings.runtime.setImmediate(this.#nextTurn)
  }

  #endAfterAnswer(): void {
    this.#closing = true
    this.#decoder.stop()
    this.#held.clear()
    this.#send()
    this.#outbox.end()
  }

  #send(): void {
    this.#flushScheduled = false
    const { writer } = this.#replies
    if (this.#closed || writer.length === 0) return
    this.#outbox.write(writer.take())
    if (this.#outbox.pendingBytes > highWater && !this.#closing) {
      this.#held.holdFor(holds.backlog)
      this.socket.pause()
    }
  }
}
