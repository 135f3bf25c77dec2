import { deferred, type Deferred } from '../../src/common/deferred.ts'
import { ConnectRequest, ConnectResponse } from '../../src/protocol/connect.ts'
import { xids } from '../../src/protocol/constants.ts'
import { FrameDecoder } from '../../src/protocol/framing.ts'
import { operations, type OperationName, type RequestOf, type ResponseOf } from '../../src/protocol/operations.ts'
import type { Reader } from '../../src/protocol/reader.ts'
import { WatcherEvent } from '../../src/protocol/records.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { nodeRuntime } from '../../src/runtime/node-runtime.ts'
import type { Runtime, Socket, TlsOptions } from '../../src/runtime/runtime.ts'

export interface RawReply<K extends OperationName = OperationName> {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  /** Null where there is none: after an error, and for operations without a body. */
  readonly body: ResponseOf<K> | null
}

export interface RawEvent extends WatcherEvent {
  readonly zxid: bigint
}

export interface RawHandshake {
  readonly timeout?: number
  readonly lastZxidSeen?: bigint
  readonly sessionId?: bigint
  readonly password?: Buffer | null
  /** Null leaves the byte out, as clients before 3.4 do. */
  readonly readOnly?: boolean | null
}

interface Address {
  readonly port: number
  readonly host?: string
  readonly tls?: TlsOptions
  /** @defaultValue that of Node */
  readonly runtime?: Runtime
}

/** A client with no logic of its own: it says what it is told to, and keeps what it hears, frame by frame. */
export class RawClient implements AsyncDisposable {
  socket!: Socket
  /** What was heard and not yet asked for. */
  readonly events: RawEvent[] = []
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>
  /** Everything that came, in the order in which it came: xids of replies, and −1 for events. */
  readonly order: number[] = []
  response: ConnectResponse | null = null
  /** How many bytes came. */
  received = 0
  readonly #closed: Deferred<void> = deferred()
  readonly #opened: Deferred<void> = deferred()
  readonly #shaken: Deferred<ConnectResponse | null> = deferred()
  readonly #replies = new Map<number, { op: OperationName; answer: Deferred<RawReply | null> }[]>()
  readonly #eventWaiters: Deferred<RawEvent>[] = []
  #handshaken = false
  #xid = 0

  private constructor() {
    this.closed = this.#closed.promise
  }

  /** Resolves when connected; no byte is sent yet. */
  static async dial({ port, host = '127.0.0.1', tls, runtime = nodeRuntime }: Address): Promise<RawClient> {
    const client = new RawClient()
    const decoder = new FrameDecoder(64 << 20, (reader) => client.#frame(reader))
    client.socket = runtime.dial(
      { host, port, tls },
      {
        opened: () => client.#opened.resolve(),
        received: (chunk) => {
          client.received += chunk.length
          decoder.push(chunk)
        },
        closed: () => client.#end(),
      },
    )
    await Promise.race([client.#opened.promise, client.closed])
    return client
  }

  /** Resolves after the handshake; `response` is null if the server closed the connection instead. */
  static async connect(address: Address, handshake: RawHandshake = {}): Promise<RawClient> {
    const client = await RawClient.dial(address)
    await client.shakeHands(handshake)
    return client
  }

  get sessionId(): bigint {
    return this.response!.sessionId
  }

  get password(): Buffer {
    return this.response!.password as Buffer
  }

  /** The server's answer to a handshake; null if it closes the connection instead. */
  get handshake(): Promise<ConnectResponse | null> {
    return Promise.race([this.#shaken.promise, this.closed.then(() => null)])
  }

  async shakeHands(handshake: RawHandshake = {}): Promise<ConnectResponse | null> {
    this.socket.write(handshakeFrame(handshake))
    this.response = await this.handshake
    return this.response
  }

  /** Sends a request. Resolves to null if the connection ends before the answer. */
  request<K extends OperationName>(op: K, body: RequestOf<K>, xid?: number): Promise<RawReply<K> | null> {
    const number = xid ?? ++this.#xid
    const answer = this.expect(op, number)
    this.socket.write(requestFrame(op, body, number))
    return answer
  }

  /** What `request` resolves to, for a request that is sent by hand. */
  expect(op: OperationName, xid: number): Promise<RawReply | null> {
    const answer = deferred<RawReply | null>()
    const waiting = this.#replies.get(xid) ?? []
    waiting.push({ op, answer })
    this.#replies.set(xid, waiting)
    return answer.promise
  }

  nextEvent(): Promise<RawEvent> {
    const event = this.events.shift()
    if (event !== undefined) return Promise.resolve(event)
    const waiter = deferred<RawEvent>()
    this.#eventWaiters.push(waiter)
    return waiter.promise
  }

  /** Resolves once everything that the server had sent before is here. */
  async settle(): Promise<void> {
    await this.request('ping', undefined, xids.ping)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #frame(reader: Reader): void {
    if (!this.#handshaken) {
      this.#handshaken = true
      this.#shaken.resolve(ConnectResponse.read(reader))
      return
    }
    const xid = reader.int()
    const zxid = reader.long()
    const err = reader.int()
    this.order.push(xid)
    if (xid === xids.notification) {
      const event = { ...WatcherEvent.read(reader), zxid }
      const waiter = this.#eventWaiters.shift()
      if (waiter === undefined) this.events.push(event)
      else waiter.resolve(event)
      return
    }
    const pending = this.#replies.get(xid)?.shift()
    if (pending === undefined) throw new Error(`nobody asked with xid ${xid}`)
    const body = err === 0 && reader.remaining > 0 ? operations[pending.op].response.read(reader) : null
    pending.answer.resolve({ xid, zxid, err, body: body })
  }

  #end(): void {
    for (const waiting of this.#replies.values()) for (const { answer } of waiting) answer.resolve(null)
    this.#closed.resolve()
  }
}

export function handshakeFrame(handshake: RawHandshake = {}): Buffer {
  const {
    timeout = 10_000,
    lastZxidSeen = 0n,
    sessionId = 0n,
    password = Buffer.alloc(16),
    readOnly = false,
  } = handshake
  const writer = new Writer()
  const start = writer.beginFrame()
  ConnectRequest.write(writer, { protocolVersion: 0, lastZxidSeen, timeout, sessionId, password, readOnly })
  writer.endFrame(start)
  return writer.take()
}

export function requestFrame<K extends OperationName>(op: K, body: RequestOf<K>, xid: number): Buffer {
  const writer = new Writer()
  const start = writer.beginFrame()
  writer.int(xid)
  writer.int(operations[op].opcode)
  ;(operations[op].request.write as (writer: Writer, body: RequestOf<K>) => void)(writer, body)
  writer.endFrame(start)
  return writer.take()
}

/** A frame of any content. */
export function frameOf(...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

export function ints(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, index * 4)
  return bytes
}

export const openAcl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
