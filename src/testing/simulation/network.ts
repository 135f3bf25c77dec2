import type { DialOptions, Listener, ListenOptions, Socket, SocketHandler } from '../../runtime/runtime.ts'
import { type Latency, Links } from './links.ts'
import type { Scheduler, SimulatedHost, SimulatedProcess } from './process.ts'
import type { SeededRandom } from './seeded-random.ts'
import { SimulatedSocket, socketError, type SocketNetwork } from './socket.ts'

export interface NetworkOptions {
  readonly latency: Latency
  /** How probable it is that what was written at once arrives in two parts. */
  readonly fragmentation: number
}

type Accept = (socket: Socket) => SocketHandler

interface Listening {
  readonly process: SimulatedProcess
  readonly address: string
  readonly port: number
  readonly accept: Accept
}

/** How long a system tries to connect before it gives up, in ms. */
const connectTimeout = 127_000

/** The simulated network: who listens, who is connected, and what is wrong with the ways between them. */
export class SimulatedNetwork {
  readonly #hosts: () => Iterable<SimulatedHost>
  readonly #links: Links
  readonly #listening = new Set<Listening>()
  readonly #sockets = new Set<SimulatedSocket>()
  readonly #blackHoles = new Set<string>()
  readonly #socketNetwork: SocketNetwork

  /** @internal */
  constructor(
    scheduler: Scheduler,
    random: SeededRandom,
    options: NetworkOptions,
    hosts: () => Iterable<SimulatedHost>,
  ) {
    this.#hosts = hosts
    this.#links = new Links(scheduler.schedule, random, () => scheduler.now, options.latency)
    this.#socketNetwork = {
      links: this.#links,
      fragment: ({ length }) =>
        length > 1 && random.chance(options.fragmentation) ? random.integer(1, length - 1) : null,
      readsBeforeReset: () => random.chance(0.5),
      closed: (socket) => void this.#sockets.delete(socket),
    }
  }

  /** Nothing gets from a host of one group to one of the other until it is healed; nobody is told. */
  partition(left: readonly string[], right: readonly string[]): void {
    for (const a of left) {
      for (const b of right) {
        this.#links.block(a, b)
        this.#links.block(b, a)
      }
    }
  }

  /** Nothing gets from `from` to `to`, while the other way stays open. */
  block(from: string, to: string): void {
    this.#links.block(from, to)
  }

  /** Opens the ways between two hosts, or all of them. What was sent in the meantime arrives after all. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) {
      this.#links.unblockAll()
      this.#blackHoles.clear()
    } else {
      this.#links.unblock(a, b)
      this.#links.unblock(b, a)
    }
  }

  /** Whoever dials this address, or name of a host, hears nothing, until `heal()`. */
  blackHole(address: string): void {
    this.#blackHoles.add(address)
  }

  /** Closes the connections between two hosts, or all of one; both sides see a reset. How many there were. */
  cut(a: string, b?: string): number {
    const pairs = this.#connections(a, b)
    for (const socket of pairs) {
      socket.fail(socketError('ECONNRESET', 'read'))
      socket.peer?.fail(socketError('ECONNRESET', 'read'))
    }
    return pairs.length
  }

  /**
   * Makes the connections between two hosts, or all of one, half-open: nothing passes any more and nobody is told. How many
   * there were.
   */
  sever(a: string, b?: string): number {
    const pairs = this.#connections(a, b)
    for (const socket of pairs) {
      socket.outgoing.severed = true
      if (socket.peer !== null) socket.peer.outgoing.severed = true
    }
    return pairs.length
  }

  /** How many connections are open between two hosts, or in all of one. */
  connections(a: string, b?: string): number {
    return this.#connections(a, b).length
  }

  /** @internal */
  dial(process: SimulatedProcess, options: DialOptions, handler: SocketHandler): Socket {
    const { host } = process
    const target = this.#hostAt(host, options.host)
    const names = {
      local: { address: target === host ? '127.0.0.1' : host.address, port: host.nextPort++ },
      remote: { address: options.host, port: options.port },
    }
    const socket = new SimulatedSocket(this.#socketNetwork, process, names, true)
    socket.attach(handler)
    if (!process.alive) return socket
    this.#sockets.add(socket)
    if (options.tls !== undefined) {
      socket.fail(new Error('the simulated network has no TLS'))
      return socket
    }
    process.after(connectTimeout, 'io', 'connect timeout', () => {
      if (socket.peer === null) socket.fail(socketError('ETIMEDOUT', `connect ${options.host}:${options.port}`))
    })
    if (target === null || this.#blackHoles.has(options.host) || this.#blackHoles.has(target.name)) return socket
    this.#links.send(host, target, socket.outgoing, `${host.name} > ${target.name}:${options.port} connect`, () => {
      if (target.powered) this.#answer(socket, target, options)
    })
    return socket
  }

  /** @internal */
  async listen(process: SimulatedProcess, options: ListenOptions, accept: Accept): Promise<Listener> {
    const { host } = process
    const where = `listen ${options.host}:${options.port}`
    const address = options.host === 'localhost' ? '127.0.0.1' : options.host
    const any = isAny(address)
    if (!any && !isLoopback(address) && address !== host.address) throw socketError('EADDRNOTAVAIL', where)
    if (options.tls !== undefined) throw new Error('the simulated network has no TLS')
    const port = options.port === 0 ? host.nextPort++ : options.port
    for (const other of this.#listening) {
      const clash = any || isAny(other.address) || other.address === address
      if (clash && other.process.host === host && other.port === port) throw socketError('EADDRINUSE', where)
    }
    const listening = { process, address, port, accept }
    if (process.alive) this.#listening.add(listening)
    // Elsewhere, too, nobody is told before the event loop has turned.
    await new Promise<void>((resolve) => void process.after(0, 'io', where, resolve))
    return {
      host: address,
      port,
      close: async () => void this.#listening.delete(listening),
    }
  }

  /** The process is gone. @internal */
  abandon(process: SimulatedProcess, tellPeers: boolean): void {
    for (const listening of this.#listening) if (listening.process === process) this.#listening.delete(listening)
    for (const socket of this.#sockets) if (socket.process === process) socket.abandon(tellPeers)
  }

  /** What the target's system does about a request to connect, whether or not its process is frozen. */
  #answer(client: SimulatedSocket, target: SimulatedHost, { host, port }: DialOptions): void {
    const origin = client.process.host
    const reply = (label: string, arrive: () => void, stream = { lastArrival: 0, severed: false }): void => {
      this.#links.send(target, origin, stream, `${target.name}:${port} > ${origin.name} ${label}`, arrive)
    }
    const listening = this.#listenerAt(target, host, port)
    if (listening === undefined) {
      reply('refuse', () => client.fail(socketError('ECONNREFUSED', `connect ${host}:${port}`)))
      return
    }
    const { process, accept } = listening
    const names = { local: { address: host, port }, remote: client.local }
    const server = new SimulatedSocket(this.#socketNetwork, process, names, false)
    this.#sockets.add(server)
    server.connected(client)
    reply('accept', () => client.connected(server), server.outgoing)
    process.after(0, 'io', `${port}-${client.local.port} accept`, () => server.attach(accept(server)))
  }

  #listenerAt(host: SimulatedHost, address: string, port: number): Listening | undefined {
    for (const each of this.#listening) {
      if (each.process.host !== host || each.port !== port) continue
      if (isAny(each.address) || each.address === address || (isLoopback(each.address) && isLoopback(address)))
        return each
    }
    return undefined
  }

  #hostAt(from: SimulatedHost, address: string): SimulatedHost | null {
    if (isLoopback(address)) return from
    for (const host of this.#hosts()) if (host.address === address) return host
    return null
  }

  #connections(a: string, b?: string): SimulatedSocket[] {
    return [...this.#sockets].filter((socket) => {
      const { peer } = socket
      if (peer === null || !socket.dialled) return false
      const ends = [socket.process.host.name, peer.process.host.name]
      return b === undefined
        ? ends.includes(a)
        : ends.includes(a) && ends.includes(b) && (a !== b || ends[0] === ends[1])
    })
  }
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || address.startsWith('127.')
}
