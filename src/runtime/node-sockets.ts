import { connect as connectTcp, createServer as createTcpServer, Socket as NetSocket, type Server } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls'

import type { DialOptions, ListenOptions, Listener, Socket, SocketHandler } from './runtime.ts'

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

export function listenNode(options: ListenOptions, accept: (socket: Socket) => SocketHandler): Promise<Listener> {
  const { host, port } = options
  const onConnection = (socket: NetSocket): void => {
    // A peer may be gone before it is accepted; the handler then hears of the close alone.
    const accepted = new NodeSocket(socket)
    accepted.attach(accept(accepted))
  }
  const pending: Pending = new Map()
  const server = makeServer(options, pending, onConnection)
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
          for (const socket of pending.values()) socket.destroy()
        },
      })
    })
  })
}

/**
 * Sockets, by their peers, of which nobody was told yet: their first byte or their TLS handshake is awaited. TLS hands
 * over another object than it was given, for the same peer.
 */
type Pending = Map<string, NetSocket>

function makeServer(
  { tls, tlsOptional = false }: ListenOptions,
  pending: Pending,
  onConnection: (socket: NetSocket) => void,
): Server {
  const plainOptions = { noDelay: true, allowHalfOpen: true }
  if (tls === undefined) return createTcpServer(plainOptions, onConnection)
  const { handshakeTimeout = patience } = tls as { readonly handshakeTimeout?: number }
  const handOver = (socket: NetSocket): void => {
    pending.delete(peerOf(socket))
    onConnection(socket)
  }
  const tlsServer = createTlsServer({ ...tls, handshakeTimeout, allowHalfOpen: true }, handOver)
  // A peer that fails the handshake concerns nobody else. One that is late, Node reports and leaves connected.
  tlsServer.on('tlsClientError', (_error, socket) => socket.destroy())
  if (!tlsOptional) {
    tlsServer.on('connection', (socket: NetSocket) => hold(socket, pending))
    return tlsServer
  }
  return createTcpServer(plainOptions, (socket) => {
    hold(socket, pending)
    const onError = (): void => void socket.destroy()
    socket.on('error', onError)
    socket.once('end', onError)
    socket.setTimeout(handshakeTimeout, onError)
    socket.once('data', (chunk: Buffer) => {
      socket.off('error', onError)
      socket.off('end', onError)
      socket.setTimeout(0, onError)
      socket.pause()
      socket.unshift(chunk)
      if (chunk[0] === tlsHandshake) {
        // TLS takes the socket over, with what was put back into it.
        tlsServer.emit('connection', socket)
        return
      }
      handOver(socket)
      socket.resume()
    })
  })
}

function hold(socket: NetSocket, pending: Pending): void {
  const peer = peerOf(socket)
  pending.set(peer, socket)
  socket.once('close', () => {
    if (pending.get(peer) === socket) pending.delete(peer)
  })
}

function peerOf({ remoteAddress, remotePort }: NetSocket): string {
  return `${remoteAddress} ${remotePort}`
}

/** So long may a peer take for its first byte, and for the TLS handshake, in ms; `handshakeTimeout` overrides it. */
const patience = 10_000

/** The first byte of a TLS connection: a record of the handshake. */
const tlsHandshake = 0x16

/** The subject of a verified certificate in the order of RFC 2253, the most specific part first, as Java names it. */
function subjectOf(socket: NetSocket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  return socket.getPeerX509Certificate()?.subject?.split('\n').toReversed().join(',')
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

  get peerSubject(): string | undefined {
    return subjectOf(this.#socket)
  }
}
