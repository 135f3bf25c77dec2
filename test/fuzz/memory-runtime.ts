import { nodeRuntime } from '../../src/runtime/node-runtime.ts'
import type { Runtime, Socket, SocketHandler } from '../../src/runtime/runtime.ts'

/** The server's end of a connection that exists in memory alone: a million of them take no ports. */
export class MemorySocket implements Socket {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 1
  readonly localAddress = '127.0.0.1'
  readonly localPort = 2
  readonly #reads: boolean
  handler!: SocketHandler
  /** What the server sent, for as long as somebody reads it. */
  sent: Uint8Array[] = []
  pendingBytes = 0
  isPaused = false
  isClosed = false

  constructor(reads: boolean) {
    this.#reads = reads
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return false
    if (this.#reads) this.sent.push(bytes)
    else this.pendingBytes += bytes.length
    return this.#reads
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    queueMicrotask(() => this.handler.closed(null))
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  /** Hands the server bytes as the operating system would. */
  deliver(chunk: Buffer): void {
    if (!this.isClosed && !this.isPaused) this.handler.received(chunk)
  }
}

export interface MemoryRuntime extends Runtime {
  /** @param reads - whether the client takes what the server sends; it does by default */
  connect(reads?: boolean): MemorySocket
}

/** Node's runtime, but clients come through `connect`. */
export function memoryRuntime(): MemoryRuntime {
  let acceptSocket: ((socket: Socket) => SocketHandler) | null = null
  return {
    ...nodeRuntime,
    listen: ({ host }, accept) => {
      acceptSocket = accept
      return Promise.resolve({ host, port: 1, close: () => Promise.resolve() })
    },
    connect: (reads = true) => {
      if (acceptSocket === null) throw new Error('nobody listens')
      const socket = new MemorySocket(reads)
      socket.handler = acceptSocket(socket)
      return socket
    },
  }
}
