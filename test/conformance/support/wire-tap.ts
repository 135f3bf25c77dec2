import { type Deferred, deferred } from '../../../src/common/deferred.ts'
import type { DialOptions, Runtime, Socket, SocketHandler } from '../../../src/index.ts'
import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'

/** A request as it left the client. */
export interface SentFrame {
  readonly xid: number
  readonly opcode: number
  /** Bytes, without the length prefix. */
  readonly size: number
}

/**
 * The client's end of the wire: shows what goes over it, and can hold what the server sends and hand it to the client
 * in one chunk. It follows one connection at a time.
 */
export class WireTap {
  /** For the client's options. */
  readonly runtime: Runtime = { ...nodeRuntime, dial: (options, handler) => this.#dial(options, handler) }
  /** Requests of all connections; the handshakes, which have no header, left out. */
  readonly sent: SentFrame[] = []
  /** Frames of the server's, without their length prefixes. */
  readonly received: Buffer[] = []
  #deliver: ((chunk: Buffer) => void) | null = null
  #held: Buffer | null = null
  #waiting: { readonly frames: number; readonly found: Deferred<void> }[] = []

  /** Holds what the server sends from now on. */
  hold(): void {
    this.#held = Buffer.alloc(0)
  }

  /** Resolves once so many frames are held. */
  held(frames: number): Promise<void> {
    const found = deferred<void>()
    this.#waiting.push({ frames, found })
    this.#look()
    return found.promise
  }

  /** Hands the client all that is held, in one chunk. */
  release(): void {
    const chunk = this.#held
    this.#held = null
    if (chunk !== null && chunk.length > 0) this.#deliver?.(chunk)
  }

  #dial(options: DialOptions, handler: SocketHandler): Socket {
    let handshake = true
    /** Null until it is known; a four-letter word has a connection of its own, which is let alone. */
    let isFollowed: boolean | null = null
    const outgoing = new Frames((frame) => {
      if (handshake) handshake = false
      else this.sent.push({ xid: frame.readInt32BE(0), opcode: frame.readInt32BE(4), size: frame.length })
    })
    const incoming = new Frames((frame) => void this.received.push(frame))
    const deliver = (chunk: Buffer): void => {
      incoming.push(chunk)
      handler.received(chunk)
    }
    const socket = nodeRuntime.dial(options, {
      ...handler,
      received: (chunk) => {
        if (isFollowed !== true) return handler.received(chunk)
        if (this.#held === null) return deliver(chunk)
        this.#held = Buffer.concat([this.#held, chunk])
        this.#look()
      },
    })
    return {
      write: (bytes) => {
        isFollowed ??= bytes.length > 4
        if (isFollowed) {
          this.#deliver = deliver
          outgoing.push(bytes)
        }
        return socket.write(bytes)
      },
      end: () => socket.end(),
      destroy: () => socket.destroy(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      get pendingBytes() {
        return socket.pendingBytes
      },
      get remoteAddress() {
        return socket.remoteAddress
      },
      get remotePort() {
        return socket.remotePort
      },
      get localAddress() {
        return socket.localAddress
      },
      get localPort() {
        return socket.localPort
      },
    }
  }

  #look(): void {
    let frames = 0
    if (this.#held !== null) new Frames(() => frames++).push(this.#held)
    this.#waiting = this.#waiting.filter((each) => {
      if (each.frames > frames) return true
      each.found.resolve()
      return false
    })
  }
}

/** Cuts a stream into frames, slowly and simply. */
class Frames {
  readonly #onFrame: (frame: Buffer) => void
  #rest: Buffer = Buffer.alloc(0)

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame
  }

  push(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    while (this.#rest.length >= 4) {
      const end = 4 + this.#rest.readInt32BE(0)
      if (this.#rest.length < end) return
      this.#onFrame(this.#rest.subarray(4, end))
      this.#rest = this.#rest.subarray(end)
    }
  }
}
