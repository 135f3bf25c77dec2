import { ConnectRequest, ConnectResponse } from '../../src/protocol/connect.ts'
import type { OperationName } from '../../src/protocol/operations.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { encodeRequest, type Names } from './encode.ts'
import type { Notation } from './normalize.ts'
import { endsConnection, type Handshake, type Op } from './program.ts'
import { WireConnection } from './wire.ts'

const fence: Op = { op: 'ping', body: null }

/** One session slot of a program on one server: its connection, and what was heard on it. */
export class Slot {
  readonly lines: string[] = []
  readonly #name: string
  readonly #port: number
  readonly #notation: Notation
  readonly #names: Names
  #connection: WireConnection | null = null
  #asked: (OperationName | null)[] = []
  #generation = 0
  #xid = 1
  #ended = false
  /** Where the events of one closeSession stand: their order is a hash table's. */
  #events: { readonly at: number; readonly zxid: bigint }[] = []
  id = 0n
  password: Uint8Array = Buffer.alloc(16)
  lastZxid = 0n
  /** Sessions that were left behind alive, to be closed at the end. */
  readonly orphans: { readonly id: bigint; readonly password: Uint8Array }[] = []

  constructor(index: number, port: number, notation: Notation, root: string) {
    this.#name = `S${index}`
    this.#port = port
    this.#notation = notation
    this.#names = { root, zxid: (name) => this.#zxid(name) }
  }

  get isOpen(): boolean {
    return this.#connection !== null && !this.#connection.closed
  }

  get hasSession(): boolean {
    return this.id !== 0n
  }

  #zxid(name: string): bigint {
    if (name === 'zero') return 0n
    if (name === 'ahead') return 0x7fff_ffff_0000n
    if (name === 'start') return this.#notation.base
    return this.lastZxid
  }

  /** Shakes hands on a new connection, while the old one, if there is one, is still open. */
  async connect(how: Handshake): Promise<void> {
    const { session, password = 'right', seen = 'nothing', timeout = 10_000, readOnly = false } = how
    const old = this.#connection
    const oldAsked = this.#asked
    // A client leaves its session for a new one by closing the connection.
    if (session === 'new' && old !== null) {
      await old.end()
      this.#drain()
    }
    if (session === 'new') this.abandon()
    const writer = new Writer(64)
    const frame = writer.beginFrame()
    ConnectRequest.write(writer, {
      protocolVersion: 0,
      lastZxidSeen: seen === 'nothing' ? 0n : this.#zxid(seen),
      timeout,
      sessionId: session === 'new' ? 0n : session === 'own' ? this.id : 0x1234_5678_9abcn,
      password: passwordOf(password, this.password),
      readOnly,
    })
    writer.endFrame(frame)
    const connection = new WireConnection(this.#port)
    const inTime = await connection.exchange(writer.take(), 1)
    const [answer] = connection.take()
    if (old !== null && session !== 'new') await this.#probe(old, oldAsked)
    this.lines.push(inTime ? `connect ${session}` : 'TIMEOUT connecting')
    if (answer === undefined) {
      this.lines.push('closed without an answer')
      if (!this.isOpen) this.#adopt(connection)
      return
    }
    const accepted = this.#accept(answer, session === 'new' || this.id === 0n)
    if (accepted) this.#adopt(connection)
    else {
      // Refused: the server closes.
      await connection.exchange(Buffer.alloc(0), 1)
      this.lines.push(`closed ${connection.closed}`)
      if (!this.isOpen) this.#adopt(connection)
    }
  }

  #adopt(connection: WireConnection): void {
    this.#connection = connection
    this.#asked = []
    this.#ended = false
  }

  #accept(frame: Buffer, fresh: boolean): boolean {
    const reader = Reader.over(frame)
    const { protocolVersion, timeout, sessionId, password, readOnly } = ConnectResponse.read(reader)
    if (fresh && sessionId !== 0n) {
      this.#notation.nameSession(sessionId, `${this.#name}.${++this.#generation}`)
      this.id = sessionId
      this.password = password ?? Buffer.alloc(0)
    }
    const secret =
      password === null
        ? 'null'
        : Buffer.compare(password, this.password) === 0
          ? 'same'
          : Buffer.from(password).toString('hex')
    this.lines.push(
      `session ${this.#notation.session(sessionId)} timeout ${timeout} version ${protocolVersion} ` +
        `password ${secret} readOnly ${readOnly} rest ${reader.remaining}`,
    )
    return timeout > 0
  }

  /** Whether a connection still serves, after another one was made for its session. */
  async #probe(connection: WireConnection, asked: (OperationName | null)[]): Promise<void> {
    if (!connection.closed) {
      asked.push('ping')
      await connection.exchange(encodeRequest(fence, 0, this.#names), 1)
    }
    this.#drain()
  }

  /** Sends operations in one go and waits for all answers. */
  async send(ops: readonly Op[], probe: boolean): Promise<void> {
    const connection = this.#connection
    if (connection === null || connection.closed) {
      this.lines.push('not connected')
      return
    }
    const frames = ops.map((op) => encodeRequest(op, op.xid ?? this.#xid++, this.#names))
    for (const { op } of ops) this.#asked.push(typeof op === 'number' ? null : op)
    if (!(await connection.exchange(Buffer.concat(frames), ops.length))) this.lines.push('TIMEOUT')
    // A server that closes a connection may still answer on it for a moment.
    if (probe && ops.some((op) => endsConnection(op, connection.lastError))) await connection.over()
    // Whether it closes it where it should not shows when it is asked once more.
    if (probe && !connection.closed) {
      this.#asked.push('ping')
      await connection.exchange(encodeRequest(fence, 0, this.#names), 1)
    }
    this.#drain()
  }

  /** Hears what is on its way. */
  async settle(): Promise<void> {
    if (this.isOpen) await this.send([fence], false)
    else this.#drain()
  }

  async drop(): Promise<void> {
    await this.#connection?.end()
    this.#drain()
  }

  /** The session will be closed at the end of the program. */
  abandon(): void {
    if (this.id !== 0n) this.orphans.push({ id: this.id, password: this.password })
    this.id = 0n
  }

  /** Puts the events of a closeSession in an order of their own. */
  sortEvents(zxids: ReadonlySet<bigint>): void {
    for (let start = 0; start < this.#events.length;) {
      const first = this.#events[start]!
      let end = start + 1
      while (this.#events[end]?.zxid === first.zxid && this.#events[end]?.at === first.at + end - start) end++
      if (zxids.has(first.zxid)) {
        const sorted = this.lines.slice(first.at, first.at + end - start).toSorted()
        this.lines.splice(first.at, end - start, ...sorted)
      }
      start = end
    }
  }

  #drain(): void {
    const connection = this.#connection
    if (connection === null) return
    for (const frame of connection.take()) {
      if (frame.length >= 4 && frame.readInt32BE(0) === -1) {
        const { line, zxid } = this.#notation.event(frame)
        this.#events.push({ at: this.lines.length, zxid })
        this.lines.push(line)
        continue
      }
      const { line, zxid } = this.#notation.reply(frame, this.#asked.shift() ?? null)
      if (zxid > 0n) this.lastZxid = zxid
      this.lines.push(line)
    }
    if (connection.closed && !this.#ended) {
      this.#ended = true
      this.lines.push('closed')
    }
  }
}

function passwordOf(kind: NonNullable<Handshake['password']>, right: Uint8Array): Uint8Array | null {
  switch (kind) {
    case 'right':
      return right
    case 'wrong':
      return Buffer.alloc(16, 7)
    case 'short':
      return right.subarray(0, 5)
    case 'empty':
      return Buffer.alloc(0)
    case 'null':
      return null
  }
}
