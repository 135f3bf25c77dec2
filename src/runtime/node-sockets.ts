import { connect as connectTcp, createServer as createTcpServer, type Server, type Socket as NetSocket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type ConnectionOptions } from 'node:tls'

import type { DialOptions, ListenOptions, Listener, Socket, SocketHandler } from './runtime.ts'

/** Node's sockets behind the {@link Socket} interface. */
export function dialNode(options: DialOptions, handler: SocketHandler): Socket {
  const { host, port, tls } = options
  const socket =
    tls === undefined
      ? connectTcp({ host, port, noDelay: true })
      : connectTls({ ...(tls as ConnectionOptions), host, port })
  socket.setNoDelay(true)
  socket.once(tls === undefined ? 'connect' : 'secureConnect', () => handler.opened?.())
  return new NodeSocket(socket, handler)
}

export function listenNode(options: ListenOptions, accept: (socket: Socket) => SocketHandler): Promise<Listener> {
  const { host, port, tls } = options
  const onConnection = (socket: NetSocket): void => {
    // A peer may be gone before it is accepted; the handler then hears of the close alone.
    const accepted = new NodeSocket(socket)
    accepted.attach(accept(accepted))
  }
  const server: Server =
    tls === undefined
      ? createTcpServer({ noDelay: true, allowHalfOpen: true }, onConnection)
      : createTlsServer({ ...tls, allowHalfOpen: true }, onConnection)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      // After it listens, what `accept` may report (EMFILE) concerns one peer alone.
      server.on('error', () => {})
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('a TCP server has an address')
      resolve({
        host: address.address,
        port: address.port,
        close: async () => {
          // The port is free at once; the callback would wait for every accepted socket.
          server.close()
        },
      })
    })
  })
}

class NodeSocket implements Socket {
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
}
