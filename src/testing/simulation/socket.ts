import type { Socket, SocketHandler } from '../../runtime/runtime.ts'
import type { Links, Stream } from './links.ts'
import type { SimulatedProcess } from './process.ts'

/** What a socket needs of the network. */
export interface SocketNetwork {
  readonly links: Links
  /** Where to cut `bytes` in two, as networks do; null to leave them whole. */
  fragment(bytes: Uint8Array): number | null
  /** Whether bytes that had come before a reset are still read. */
  readsBeforeReset(): boolean
  closed(socket: SimulatedSocket): void
}

export interface SocketName {
  readonly address: string
  readonly port: number
}

/** As much as one read gives. */
const readSize = 64 * 1024

/** What a receiver's and a sender's system take together before `write` says to wait. */
const windowSize = 256 * 1024

type Phase = 'connecting' | 'open' | 'closed'

/** A failure of a connection, with Node's `code`. */
export function socketError(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code })
}

/** One end of a simulated TCP connection. */
export class SimulatedSocket implements Socket {
  readonly process: SimulatedProcess
  readonly local: SocketName
  readonly remote: SocketName
  /** Node ends its own side of a dialled connection when the peer ends. */
  readonly dialled: boolean
  readonly #network: SocketNetwork
  readonly #outgoing: Stream = { lastArrival: 0, severed: false }
  #handler: SocketHandler | null = null
  #peer: SimulatedSocket | null = null
  #phase: Phase
  #unsent: (Uint8Array | 'end')[] = []
  #received: Buffer[] = []
  #peerEnded = false
  #endSeen = false
  #ended = false
  #paused = false
  #reading = false
  #told = false
  #outstanding = 0
  #full = false

  constructor(
    network: SocketNetwork,
    process: SimulatedProcess,
    names: { local: SocketName; remote: SocketName },
    dialled: boolean,
  ) {
    this.#network = network
    this.process = process
    this.local = names.local
    this.remote = names.remote
    this.dialled = dialled
    this.#phase = dialled ? 'connecting' : 'open'
  }

  get remoteAddress(): string | undefined {
    return this.#phase === 'open' ? this.remote.address : undefined
  }

  get remotePort(): number | undefined {
    return this.#phase === 'open' ? this.remote.port : undefined
  }

  get localAddress(): string | undefined {
    return this.#phase === 'connecting' ? undefined : this.local.address
  }

  get localPort(): number | undefined {
    return this.#phase === 'connecting' ? undefined : this.local.port
  }

  get pendingBytes(): number {
    return Math.max(0, this.#outstanding - windowSize)
  }

  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  /** The way to the peer; for the handshake, which the network does. */
  get outgoing(): Stream {
    return this.#outgoing
  }

  get peer(): SimulatedSocket | null {
    return this.#peer
  }

  attach(handler: SocketHandler): void {
    this.#handler = handler
    this.#read()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#phase === 'closed' || this.#ended) return true
    this.#outstanding += bytes.length
    if (this.#phase === 'connecting') this.#unsent.push(bytes)
    else this.#sendBytes(bytes)
    if (this.pendingBytes > 0) this.#full = true
    return !this.#full
  }

  end(): void {
    if (this.#phase === 'closed' || this.#ended) return
    this.#ended = true
    if (this.#phase === 'connecting') this.#unsent.push('end')
    else this.#sendEnd()
    this.#closeIfEnded()
  }

  destroy(): void {
    if (this.#phase === 'closed') return
    // A system resets a connection that is closed with unread input, and ends any other.
    if (this.#received.length > 0) this.#sendReset()
    else if (!this.#ended) this.#sendEnd()
    this.#close(null)
  }

  reset(): void {
    if (this.#phase === 'closed') return
    this.#sendReset()
    this.#close(null)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#read()
  }

  /** The handshake is done. */
  connected(peer: SimulatedSocket): void {
    this.#peer = peer
    if (!this.dialled) return
    if (this.#phase === 'closed') {
      // Given up in the meantime: the peer is told now.
      this.#sendEnd()
      return
    }
    this.#phase = 'open'
    for (const item of this.#unsent.splice(0)) {
      if (item === 'end') this.#sendEnd()
      else this.#sendBytes(item)
    }
    this.#happen('opened', () => this.#handler?.opened?.())
  }

  /** The connection is over, by no doing of its own process. */
  fail(error: Error): void {
    if (this.#phase !== 'closed') this.#close(error)
  }

  /** The process is gone; its system closes what it had open, or, without power, nobody does anything. */
  abandon(tellPeer: boolean): void {
    if (this.#phase === 'closed') return
    if (tellPeer && this.#received.length > 0) this.#sendReset()
    else if (tellPeer && !this.#ended) this.#sendEnd()
    this.#phase = 'closed'
    this.#told = true
    this.#network.closed(this)
  }

  #sendBytes(bytes: Uint8Array): void {
    const cut = this.#network.fragment(bytes)
    for (const part of cut === null ? [bytes] : [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      this.#send(`${part.length} bytes`, (peer) => peer.#arrived(part))
    }
  }

  #sendEnd(): void {
    this.#send('end', (peer) => peer.#arrivedEnd())
  }

  #sendReset(): void {
    this.#send('reset', (peer) => peer.#arrivedReset())
  }

  #send(what: string, arrive: (peer: SimulatedSocket) => void): void {
    const peer = this.#peer
    if (peer === null) return
    const { host } = this.process
    const label = `${host.name}:${this.local.port} > ${peer.process.host.name}:${peer.local.port} ${what}`
    this.#network.links.send(host, peer.process.host, this.#outgoing, label, () => {
      if (peer.process.host.powered) arrive(peer)
    })
  }

  #arrived(bytes: Uint8Array): void {
    if (this.#phase === 'closed') {
      this.#sendReset() // nobody has this connection any more
      return
    }
    this.#received.push(Buffer.from(bytes))
    this.#read()
  }

  #arrivedEnd(): void {
    this.#peerEnded = true
    this.#read()
  }

  #arrivedReset(): void {
    if (this.#phase === 'closed') return
    const error = socketError('ECONNRESET', 'read')
    if (this.#received.length > 0 && !this.#paused && this.#network.readsBeforeReset()) {
      this.#happen('readable', () => {
        while (this.#received.length > 0 && this.#phase === 'open') this.#readChunk()
        this.fail(error)
      })
    } else this.#close(error)
  }

  /** Has the process look at what came, once. */
  #read(): void {
    if (this.#reading || this.#paused || this.#phase !== 'open' || this.#handler === null) return
    if (this.#received.length === 0 && (!this.#peerEnded || this.#endSeen)) return
    this.#reading = true
    this.#happen('readable', () => {
      this.#reading = false
      if (this.#paused || this.#phase !== 'open') return
      if (this.#received.length > 0) this.#readChunk()
      else this.#readEnd()
      this.#read()
    })
  }

  #readChunk(): void {
    const all = this.#received.length === 1 ? (this.#received[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#received)
    const chunk = all.subarray(0, readSize)
    this.#received = all.length > readSize ? [all.subarray(readSize)] : []
    const peer = this.#peer
    if (peer !== null) peer.#consumed(chunk.length)
    this.#handler?.received(chunk)
  }

  #readEnd(): void {
    if (this.#endSeen) return
    this.#endSeen = true
    if (this.#handler?.ended === undefined) return this.destroy()
    this.#handler.ended()
    if (this.dialled) this.end()
    this.#closeIfEnded()
  }

  #closeIfEnded(): void {
    if (this.#phase === 'open' && this.#ended && this.#endSeen) this.#close(null)
  }

  #consumed(count: number): void {
    this.#outstanding -= count
    if (!this.#full || this.#outstanding > windowSize) return
    this.#full = false
    this.#happen('drain', () => {
      if (this.#phase === 'open') this.#handler?.drained?.()
    })
  }

  #close(error: Error | null): void {
    this.#phase = 'closed'
    this.#unsent = []
    this.#received = []
    this.#network.closed(this)
    this.#happen('close', () => {
      if (this.#told) return
      this.#told = true
      this.#handler?.closed(error)
    })
  }

  #happen(what: string, run: () => void): void {
    this.process.after(0, 'io', `${this.local.port}-${this.remote.port} ${what}`, run)
  }
}
