// @ts-check
/**
 * A server that answers at once, so that the client is what is measured: ready-made replies, into which the xid is
 * written. It keeps nothing: every `get`, `exists` and `set` finds the same znode, every `create` succeeds.
 *
 * Usage: stub-server.js [PORT]; prints `127.0.0.1:PORT` when it listens. Ends with its standard input, so that it never
 * outlives who started it.
 */
import { createServer } from 'node:net'

import { benchData, benchPath, buffer, frame, int, long, opcodes, statBytes } from './support/wire.js'

/** How many replies of a kind lie ready in one block. */
const replies = 512

/**
 * Blocks of replies of one kind, with the xids left open. A block is written into again once the operating system has
 * taken what it held.
 */
class Blocks {
  /** @param {Buffer} reply */
  constructor(reply) {
    this.size = reply.length
    this.reply = reply
    /** @type {Block[]} */
    this.free = []
  }

  take() {
    return this.free.pop() ?? new Block(this)
  }
}

class Block {
  /** @param {Blocks} owner */
  constructor(owner) {
    this.owner = owner
    this.bytes = Buffer.alloc(owner.size * replies, owner.reply)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length)
    this.used = 0
    this.done = () => {
      owner.free.push(this)
    }
  }

  /** @param {import('node:net').Socket} socket */
  send(socket) {
    const bytes = this.bytes.subarray(0, this.used * this.owner.size)
    this.used = 0
    socket.write(bytes, this.done)
  }
}

/** @param {readonly Buffer[]} body */
const reply = (...body) => new Blocks(frame(int(0), long(0x1_0000_0010n), int(0), ...body))

const empty = reply()
const stat = reply(statBytes)
const path = reply(buffer(benchPath))
const data = reply(buffer(benchData), statBytes)

/** @param {number} opcode */
function replyTo(opcode) {
  switch (opcode) {
    case opcodes.get:
      return data
    case opcodes.set:
    case opcodes.exists:
      return stat
    case opcodes.create:
      return path
    default:
      return empty
  }
}

const none = Buffer.alloc(0)

class Connection {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    this.greeted = false
    /** @type {Buffer} */
    this.rest = none
    /** @type {Block | null} */
    this.block = null
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.received(chunk))
    socket.on('error', () => {})
  }

  /** @param {Buffer} chunk */
  received(chunk) {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let offset = 0
    while (bytes.length - offset >= 4) {
      const end = offset + 4 + view.getInt32(offset)
      if (end > bytes.length) break
      if (this.greeted) this.answer(view.getInt32(offset + 4), view.getInt32(offset + 8))
      else this.greet(view.getInt32(offset + 16))
      offset = end
    }
    this.block?.send(this.socket)
    this.block = null
    this.rest = offset === bytes.length ? none : bytes.subarray(offset)
  }

  /** @param {number} timeout */
  greet(timeout) {
    this.greeted = true
    this.socket.write(frame(int(0), int(timeout), long(0x1234n), buffer(Buffer.alloc(16, 7)), Buffer.of(0)))
  }

  /**
   * @param {number} xid
   * @param {number} opcode
   */
  answer(xid, opcode) {
    const kind = replyTo(opcode)
    let block = this.block
    if (block === null || block.owner !== kind || block.used === replies) {
      block?.send(this.socket)
      this.block = block = kind.take()
    }
    block.view.setInt32(block.used++ * kind.size + 4, xid)
    if (opcode !== opcodes.closeSession) return
    block.send(this.socket)
    this.block = null
    this.socket.end()
  }
}

const server = createServer((socket) => new Connection(socket))
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`${address.address}:${address.port}`)
})
process.stdin.resume().on('end', () => process.exit())
