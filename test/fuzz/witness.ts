import { strict as assert } from 'node:assert'

import { FrameDecoder } from '../../src/protocol/framing.ts'
import { operations, type OperationName, type RequestOf, type ResponseOf } from '../../src/protocol/operations.ts'
import { Reader } from '../../src/protocol/reader.ts'
import type { RecordType } from '../../src/protocol/record.ts'
import { ReplyHeader } from '../../src/protocol/records.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { connectRequest } from './inputs.ts'
import type { MemoryRuntime, MemorySocket } from './memory-runtime.ts'

const home = '/witness'
const secret = 'what nobody else may change'
const mine = [{ perms: 31, id: { scheme: 'digest', id: 'witness:nobody knows' } }]
const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const noNode = -101
const kept: ReadonlySet<string> = new Set(['/zookeeper', '/zookeeper/quota', '/zookeeper/config', home])

/** A session that notices whatever inputs do to others; it cleans up after them, too. */
export class Witness {
  /** Of `super:of its own`. */
  static readonly superDigest = 'super:nfEKrW3K8cTnngW9qzL6RbCGABY='

  readonly #socket: MemorySocket
  readonly #ground: string
  readonly #waiting: ((frame: Buffer) => void)[] = []
  readonly #decoder = new FrameDecoder(16 * 1024 * 1024, (reader) => this.#frame(reader))
  #events = 0
  #xid = 0

  private constructor(socket: MemorySocket, ground: string) {
    this.#socket = socket
    this.#ground = ground
  }

  /** @param ground - the znode below which the inputs may do what they like */
  static async start(runtime: MemoryRuntime, ground: string): Promise<Witness> {
    const witness = new Witness(runtime.connect(), ground)
    await witness.#exchange(connectRequest())
    await witness.#ask('auth', { type: 0, scheme: 'digest', auth: Buffer.from('super:of its own') })
    await witness.#ask('create', { path: home, data: Buffer.from(secret), acl: mine, flags: 0 })
    await witness.#ask('addWatch', { path: home, mode: 1 })
    await witness.#ask('create', { path: `${home}/alive`, data: null, acl: mine, flags: 1 })
    assert.equal(witness.#events, 1)
    await witness.#ask('create', { path: ground, data: null, acl: open, flags: 0 })
    return witness
  }

  /** Makes sure that nothing happened to it, and deletes what the inputs have made. */
  async look(): Promise<void> {
    const { data, stat } = await this.#ask('getData', { path: home, watch: false })
    assert.equal(Buffer.from(data ?? []).toString(), secret)
    assert.deepEqual([stat.version, stat.cversion, stat.aversion, stat.numChildren], [0, 1, 0, 1])
    assert.deepEqual((await this.#ask('getEphemerals', { prefix: null })).ephemerals, [`${home}/alive`])
    await this.#clear('/')
    await this.#ask('create', { path: this.#ground, data: null, acl: open, flags: 0 })
    assert.equal(this.#events, 1, 'an event that concerns nobody')
  }

  async #clear(path: string): Promise<void> {
    // What a session left behind may go with it at any time.
    const listed = await this.#ask('getChildren', { path, watch: false }, noNode)
    for (const name of listed?.children ?? []) {
      const child = path === '/' ? `/${name}` : `${path}/${name}`
      if (child === home || child === '/zookeeper/config') continue
      await this.#clear(child)
      if (!kept.has(child)) await this.#ask('delete', { path: child, version: -1 }, noNode)
    }
  }

  /** Null for the error that is allowed. */
  async #ask<K extends OperationName>(name: K, request: RequestOf<K>): Promise<ResponseOf<K>>
  async #ask<K extends OperationName>(name: K, request: RequestOf<K>, allowed: number): Promise<ResponseOf<K> | null>
  async #ask<K extends OperationName>(name: K, request: RequestOf<K>, allowed = 0): Promise<ResponseOf<K> | null> {
    const { opcode, request: type, response } = operations[name]
    const writer = new Writer(128)
    const frame = writer.beginFrame()
    const xid = ++this.#xid
    writer.int(xid)
    writer.int(opcode)
    ;(type as RecordType<unknown>).write(writer, request)
    writer.endFrame(frame)
    const reader = Reader.over(await this.#exchange(writer.take()))
    const header = ReplyHeader.read(reader)
    assert.equal(header.xid, xid)
    if (allowed !== 0 && header.err === allowed) return null
    assert.equal(header.err, 0, `${name} ${JSON.stringify(request)}`)
    return response.read(reader) as ResponseOf<K>
  }

  async #exchange(bytes: Buffer): Promise<Buffer> {
    assert.equal(this.#socket.isClosed, false, 'the server closed the connection of a bystander')
    const answer = new Promise<Buffer>((resolve) => void this.#waiting.push(resolve))
    this.#socket.deliver(bytes)
    await new Promise<void>((resolve) => void setImmediate(resolve))
    for (const chunk of this.#socket.sent.splice(0)) this.#decoder.push(Buffer.from(chunk))
    assert.equal(this.#waiting.length, 0, 'the server did not answer')
    return await answer
  }

  #frame(reader: Reader): void {
    const size = reader.remaining
    const { buffer, byteOffset } = reader.view
    const frame = Buffer.from(new Uint8Array(buffer, byteOffset + reader.take(size), size))
    if (size >= 4 && frame.readInt32BE(0) === -1) this.#events++
    else this.#waiting.shift()?.(frame)
  }
}
