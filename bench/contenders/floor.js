// @ts-check
/**
 * The floor: what no client can do without. Framing, one promise and one decoded Stat for each `get`, written as fast as
 * it can be, and nothing else: no data, no errors, no xids compared, no timeouts, no states, no reconnecting.
 */
import { connect } from 'node:net'

import { connectRequest, getRequest, statSize } from '../support/wire.js'

// Fields set in a fixed order are the fastest way to make an object.
// oxlint-disable-next-line typescript/no-extraneous-class
class Stat {
  /**
   * @param {DataView} view
   * @param {number} at
   */
  constructor(view, at) {
    this.czxid = view.getBigInt64(at)
    this.mzxid = view.getBigInt64(at + 8)
    this.ctime = view.getInt32(at + 16) * 0x1_0000_0000 + view.getUint32(at + 20)
    this.mtime = view.getInt32(at + 24) * 0x1_0000_0000 + view.getUint32(at + 28)
    this.version = view.getInt32(at + 32)
    this.cversion = view.getInt32(at + 36)
    this.aversion = view.getInt32(at + 40)
    this.ephemeralOwner = view.getBigInt64(at + 44)
    this.dataLength = view.getInt32(at + 52)
    this.numChildren = view.getInt32(at + 56)
    this.pzxid = view.getBigInt64(at + 60)
  }
}

const template = getRequest(0)
/** More than any window. */
const ring = 4096
const mask = ring - 1

class FloorClient {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    /** @type {((stat: Stat) => void)[]} */
    this.waiting = new Array(ring)
    this.head = 0
    this.tail = 0
    this.scheduled = false
    /** @type {Buffer} */
    this.rest = Buffer.alloc(0)
    /** The frames of the tick lie ready; only xids are written. */
    this.frames = Buffer.alloc(template.length * ring, template)
    this.view = new DataView(this.frames.buffer, this.frames.byteOffset, this.frames.length)
    this.batch = 0
    this.xid = 0
    /** @type {(resolve: (stat: Stat) => void) => void} */
    this.executor = (resolve) => {
      this.waiting[this.tail++ & mask] = resolve
    }
    this.flush = () => {
      this.scheduled = false
      const bytes = this.frames.subarray(0, this.batch * template.length)
      this.batch = 0
      this.socket.write(bytes)
      // What was not taken at once must stay as it is: the next batch needs memory of its own.
      if (this.socket.writableLength > 0) {
        this.frames = Buffer.alloc(template.length * ring, template)
        this.view = new DataView(this.frames.buffer, this.frames.byteOffset, this.frames.length)
      }
    }
    socket.on('data', (chunk) => this.received(chunk))
  }

  /** @returns {Promise<Stat>} */
  get() {
    this.view.setInt32(this.batch++ * template.length + 4, ++this.xid)
    if (!this.scheduled) {
      this.scheduled = true
      process.nextTick(this.flush)
    }
    return new Promise(this.executor)
  }

  /** @param {Buffer} chunk */
  received(chunk) {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const length = bytes.length
    let offset = 0
    while (length - offset >= 4) {
      const end = offset + 4 + view.getInt32(offset)
      if (end > length) break
      const resolve = /** @type {(stat: Stat) => void} */ (this.waiting[this.head++ & mask])
      resolve(new Stat(view, end - statSize))
      offset = end
    }
    this.rest = bytes.subarray(offset)
  }
}

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<import('../contender.js').Contender>}
 */
export async function open(host, port) {
  const socket = connect({ host, port, noDelay: true })
  await new Promise((resolve) => {
    socket.once('data', resolve)
    socket.write(connectRequest)
  })
  const client = new FloorClient(socket)
  return {
    name: 'floor',
    get: () => client.get(),
    close: async () => {
      socket.destroy()
    },
  }
}
