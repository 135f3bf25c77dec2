import { deferred } from '../../src/common/deferred.ts'
import type { Listener, ListenOptions, Runtime, Socket, SocketHandler } from '../../src/runtime/runtime.ts'

/** One end of a bare connection, for tests of what carries bytes: everything it hears can be awaited. */
export class RawPeer {
  readonly opened: Promise<void>
  /** Resolves with the error, or null, when the connection is over. */
  readonly closed: Promise<Error | null>
  readonly ended: Promise<void>
  readonly drained: Promise<void>
  /** As they came. */
  readonly chunks: Buffer[] = []
  readonly handler: SocketHandler
  socket!: Socket
  #waiting: { readonly size: number; readonly resolve: (bytes: Buffer) => void }[] = []

  constructor() {
    const opened = deferred<void>()
    const closed = deferred<Error | null>()
    const ended = deferred<void>()
    const drained = deferred<void>()
    this.opened = opened.promise
    this.closed = closed.promise
    this.ended = ended.promise
    this.drained = drained.promise
    this.handler = {
      opened: () => opened.resolve(),
      received: (chunk) => {
        this.chunks.push(chunk)
        this.#waiting = this.#waiting.filter(({ size, resolve }) => {
          if (this.bytes.length < size) return true
          resolve(this.bytes)
          return false
        })
      },
      drained: () => drained.resolve(),
      ended: () => {
        ended.resolve()
        this.socket.end()
      },
      closed: (error) => closed.resolve(error),
    }
  }

  static dial(runtime: Runtime, host: string, port: number): RawPeer {
    const peer = new RawPeer()
    peer.socket = runtime.dial({ host, port }, peer.handler)
    return peer
  }

  /** All that was received. */
  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  write(text: string): boolean {
    return this.socket.write(Buffer.from(text, 'latin1'))
  }

  /** Resolves with all that was received, once there are `size` bytes of it. */
  received(size: number): Promise<Buffer> {
    const bytes = this.bytes
    if (bytes.length >= size) return Promise.resolve(bytes)
    return new Promise((resolve) => void this.#waiting.push({ size, resolve }))
  }
}

/** A listener whose peers can be awaited. */
export class RawServer {
  readonly peers: RawPeer[] = []
  #listener: Listener | null = null
  #waiting: ((peer: RawPeer) => void)[] = []

  async listen(runtime: Runtime, options: Partial<ListenOptions> = {}): Promise<this> {
    this.#listener = await runtime.listen({ host: '127.0.0.1', port: 0, ...options }, (socket) => {
      const peer = new RawPeer()
      peer.socket = socket
      this.peers.push(peer)
      for (const waiting of this.#waiting.splice(0)) waiting(peer)
      return peer.handler
    })
    return this
  }

  get port(): number {
    return this.#listener?.port ?? 0
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port }
  }

  /** The next peer that is accepted. */
  next(): Promise<RawPeer> {
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy()
    await this.#listener?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
