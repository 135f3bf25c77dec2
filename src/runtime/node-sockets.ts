import { connect as connectTcp, Socket as NetSocket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'

import type { DialOptions, Socket, SocketHandler } from './runtime.ts'

/** Node's sockets behind the {@link Socket} interface. */
export function dialNode(options: DialOptions, handler: SocketHandler): Socket {
  const { tls } = options
  const socket = open(options)
  socket.setNoDelay(true)
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => handler.opened?.())
  return new NodeSocket(socket, handler)
}

/** What TLS refuses about its options is told like any other failure to connect. */
function open({ host, port, tls }: DialOptions): NetSocket {
  if (tls === undefined) return connectTcp({ host, port, noDelay: true })
  try {
    return connectTls({ ...tls, host, port })
  } catch (error) {
    return new NetSocket().destroy(error as Error)
  }
}

export class NodeSocket implements Socket {
  readonly #socket: NetSocket
  #error: Error | null = null

  constructor(socket: NetSocket, handler?: SocketHandler) {
    this.#socket = socket
    socket.on('error', (error) => {
      this.#error ??= error
    })
    if (handler !== undefined) this.attach(handler)
  }

  attach(handler: SocketHandler): void {
    const socket = this.#socket
    socket.on('data', (chunk: Buffer) => handler.received(chunk))
    if (handler.drained !== undefined) socket.on('drain', () => handler.drained?.())
    socket.on('end', () => {
      if (handler.ended === undefined) socket.destroy()
      else handler.ended()
    })
    socket.once('close', () => handler.closed(this.#error))
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.writable ? this.#socket.write(bytes) : true
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  get pendingBytes(): number {
    return this.#socket.writableLength
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress
  }

  get localPort(): number | undefined {
    return this.#socket.localPort
  }

  get peerCertificate(): Uint8Array | undefined {
    const socket = this.#socket
    return socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined
  }
}
