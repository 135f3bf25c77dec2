import { createServer as createTcpServer, type Server, type Socket as NetSocket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

import { NodeSocket } from './node-sockets.ts'
import type { ListenOptions, Listener, Socket, SocketHandler } from './runtime.ts'

/** Node's listening sockets behind the {@link Listener} interface, plain, with TLS, or telling the two apart. */
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
