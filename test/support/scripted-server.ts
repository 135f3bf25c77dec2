import { deferred, type Deferred } from '../../src/common/deferred.ts'
import { ConnectRequest, ConnectResponse } from '../../src/protocol/connect.ts'
import { FrameDecoder } from '../../src/protocol/framing.ts'
import {
  operationOf,
  operations,
  type OperationName,
  type RequestOf,
  type ResponseOf,
} from '../../src/protocol/operations.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { ReplyHeader, RequestHeader, WatcherEvent } from '../../src/protocol/records.ts'
import { Stat } from '../../src/protocol/stat.ts'
import { Writer } from '../../src/protocol/writer.ts'
import type { Listener, Runtime, Socket } from '../../src/runtime/runtime.ts'

/** A request as the scripted server received it. */
export interface ReceivedRequest {
  readonly xid: number
  readonly op: OperationName | undefined
  readonly opcode: number
  readonly body: Reader
}

/** A stat to answer with where no test looks at it. */
export const someStat: Stat = new Stat(1n, 1n, 1_700_000_000_000, 1_700_000_000_000, 0, 0, 0, 0n, 0, 0, 1n)

/** A server that does nothing of itself: the test reads each request and writes each byte of the answers. */
export class ScriptedServer {
  readonly connections: ScriptedConnection[] = []
  /** What it answers to four-letter words; a connection counts as one only once it has sent something else. */
  readonly words = new Map<string, string>()
  /** The words it was sent. */
  readonly asked: string[] = []
  readonly #runtime: Runtime
  readonly #arrived: Deferred<ScriptedConnection>[] = []
  #handedOut = 0
  #listener: Listener | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  async listen(port = 0, host = '127.0.0.1'): Promise<this> {
    this.#listener = await this.#runtime.listen({ host, port }, (socket) => {
      const connection = new ScriptedConnection(socket)
      if (this.words.size > 0) return this.#sniff(connection)
      this.#take(connection)
      return connection.handler
    })
    return this
  }

  #take(connection: ScriptedConnection): void {
    this.connections.push(connection)
    this.#arrived.shift()?.resolve(this.connections[this.#handedOut++]!)
  }

  /** Answers a four-letter word, or leaves the connection to the test. */
  #sniff(connection: ScriptedConnection): ScriptedConnection['handler'] {
    let isSession = false
    return {
      received: (chunk) => {
        const word = chunk.toString('latin1')
        if (!isSession && /^[a-z]{4}$/.test(word)) {
          this.asked.push(word)
          const answer = this.words.get(word)
          if (answer === undefined) return
          connection.socket.write(Buffer.from(answer))
          connection.socket.end()
          return
        }
        if (!isSession) this.#take(connection)
        isSession = true
        connection.handler.received(chunk)
      },
      closed: () => connection.handler.closed(),
    }
  }

  get port(): number {
    return this.#listener!.port
  }

  get hosts(): string {
    return `127.0.0.1:${this.port}`
  }

  /** The next connection that no earlier call was given. */
  next(): Promise<ScriptedConnection> {
    const connection = this.connections[this.#handedOut]
    if (connection !== undefined && this.#arrived.length === 0) {
      this.#handedOut++
      return Promise.resolve(connection)
    }
    const arrived = deferred<ScriptedConnection>()
    this.#arrived.push(arrived)
    return arrived.promise
  }

  async stop(): Promise<void> {
    for (const connection of this.connections) connection.socket.destroy()
    await this.#listener?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

export class ScriptedConnection {
  readonly socket: Socket
  readonly closed: Promise<void>
  readonly #closed = deferred<void>()
  readonly #handshake = deferred<ConnectRequest>()
  readonly #received: ReceivedRequest[] = []
  readonly #waiting: Deferred<ReceivedRequest>[] = []
  readonly #decoder: FrameDecoder
  #shaken = false

  constructor(socket: Socket) {
    this.socket = socket
    this.closed = this.#closed.promise
    this.#decoder = new FrameDecoder(0x100_0000, (reader) => this.#frame(copyOf(reader)))
  }

  get handler() {
    return {
      received: (chunk: Buffer) => this.#decoder.push(chunk),
      closed: () => this.#closed.resolve(),
    }
  }

  /** What the client introduces itself with. */
  get handshake(): Promise<ConnectRequest> {
    return this.#handshake.promise
  }

  /** Grants a session. */
  async accept({
    timeout = 6_000,
    sessionId = 0x1_0000n,
    password = Buffer.alloc(16, 7),
    readOnly = false,
  } = {}): Promise<ConnectRequest> {
    const request = await this.handshake
    const writer = new Writer()
    const frame = writer.beginFrame()
    ConnectResponse.write(writer, { protocolVersion: 0, timeout, sessionId, password, readOnly })
    writer.endFrame(frame)
    this.socket.write(writer.take())
    return request
  }

  /** Says that the session has expired. */
  async refuse(): Promise<void> {
    await this.accept({ timeout: 0, sessionId: 0n, password: Buffer.alloc(16) })
    this.socket.end()
  }

  /** The next request, pings passed over. */
  async request(): Promise<ReceivedRequest> {
    for (;;) {
      const request = await this.next()
      if (request.op !== 'ping') return request
    }
  }

  /** The next request of any kind. */
  next(): Promise<ReceivedRequest> {
    const request = this.#received.shift()
    if (request !== undefined) return Promise.resolve(request)
    const waiting = deferred<ReceivedRequest>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /** The next request, which must be of that kind, and its body. */
  async expect<K extends OperationName>(op: K): Promise<ReceivedRequest & { readonly values: RequestOf<K> }> {
    const request = await this.request()
    if (request.op !== op) throw new Error(`expected ${op}, got ${request.op ?? request.opcode}`)
    return { ...request, values: operations[op].request.read(request.body) as RequestOf<K> }
  }

  answer<K extends OperationName>(request: { readonly xid: number }, op: K, body: ResponseOf<K>, zxid = 1n): void {
    this.socket.write(replyFrame(request.xid, op, body, zxid))
  }

  fail(request: { readonly xid: number }, err: number, zxid = 1n): void {
    this.socket.write(errorFrame(request.xid, err, zxid))
  }

  #frame(reader: Reader): void {
    if (!this.#shaken) {
      this.#shaken = true
      this.#handshake.resolve(ConnectRequest.read(reader))
      return
    }
    const { xid, type } = RequestHeader.read(reader)
    const request = { xid, opcode: type, op: operationOf(type), body: reader }
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#received.push(request)
    else waiting.resolve(request)
  }
}

export function replyFrame<K extends OperationName>(xid: number, op: K, body: ResponseOf<K>, zxid = 1n): Buffer {
  return frameOf((writer) => {
    ReplyHeader.write(writer, { xid, zxid, err: 0 })
    ;(operations[op].response as { write(writer: Writer, body: unknown): void }).write(writer, body)
  })
}

export function errorFrame(xid: number, err: number, zxid = 1n): Buffer {
  return frameOf((writer) => ReplyHeader.write(writer, { xid, zxid, err }))
}

export function eventFrame(type: number, path: string, zxid = -1n): Buffer {
  return frameOf((writer) => {
    ReplyHeader.write(writer, { xid: -1, zxid, err: 0 })
    WatcherEvent.write(writer, { type, state: 3, path })
  })
}

export function frameOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  const frame = writer.beginFrame()
  write(writer)
  writer.endFrame(frame)
  return writer.take()
}

function copyOf(reader: Reader): Reader {
  const size = reader.remaining
  const at = reader.take(size)
  const { buffer, byteOffset } = reader.view
  return Reader.over(Buffer.from(Buffer.from(buffer, byteOffset + at, size)))
}
