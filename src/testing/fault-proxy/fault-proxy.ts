import { type Deferred, deferred } from '../../common/deferred.ts'
import type { ServerAddress } from '../../client/index.ts'
import { nodeRuntime } from '../../runtime/node-runtime.ts'
import type { Listener, Runtime, Socket, SocketHandler } from '../../runtime/runtime.ts'
import { checkProxyOptions, checkTarget } from './check-options.ts'
import { type ConnectionOwner, type CutOptions, type DirectionName, ProxyConnection } from './connection.ts'
import { Direction } from './direction.ts'
import type { LaneRules } from './lane.ts'

/** Options of {@link FaultProxy}. */
export interface FaultProxyOptions {
  /** The server that it stands before. */
  readonly target: ServerAddress
  /** The address that it listens on. @defaultValue '127.0.0.1' */
  readonly host?: string | undefined
  /** The port that it listens on; 0 picks a free one. @defaultValue 0 */
  readonly port?: number | undefined
  /** The outside world: sockets and timers. @defaultValue that of Node */
  readonly runtime?: Runtime | undefined
}

/**
 * What becomes of a new connection: it goes through; it is refused, because nobody listens; it is accepted and closed at
 * once; or it is accepted and nothing more ever happens.
 */
export type ProxyMode = 'forward' | 'refuse' | 'close' | 'hang'

/** What {@link FaultProxy.once} waits for. */
export interface FaultProxyEvents {
  /** A client was accepted. */
  connection: ProxyConnection
  /** Both sides of a connection are closed. */
  close: ProxyConnection
  /** Bytes are held back. */
  held: ProxyTraffic
  /** Bytes were handed on. */
  passed: ProxyTraffic
}

/** Bytes that were held back or handed on. */
export interface ProxyTraffic {
  readonly connection: ProxyConnection
  readonly direction: DirectionName
  /** Held back: how many there are by now. Handed on: how many at once. */
  readonly bytes: number
}

interface Waiter {
  readonly accepts: (event: never) => boolean
  readonly found: Deferred<never>
}

const noFaults: LaneRules = { paused: false, delay: 0, dribble: null, remaining: null }

/**
 * A TCP proxy that does to its connections what networks do: holds, delays, dribbles and cuts them, by direction.
 *
 * ```ts
 * await using proxy = await new FaultProxy({ target: { host: '127.0.0.1', port: 2181 } }).start()
 * const zk = await new KazooClient({ hosts: proxy.hosts }).start()
 * proxy.toClient.cutAfter(0)        // the next request is applied, and its reply lost
 * ```
 */
export class FaultProxy {
  /** From the clients to the server. */
  readonly toServer: Direction
  /** From the server to the clients. */
  readonly toClient: Direction
  readonly #runtime: Runtime
  readonly #host: string
  readonly #owner: ConnectionOwner
  readonly #rules: Record<DirectionName, LaneRules> = { toServer: { ...noFaults }, toClient: { ...noFaults } }
  readonly #connections = new Set<ProxyConnection>()
  readonly #hanging = new Set<Socket>()
  readonly #waiters = new Map<keyof FaultProxyEvents, Set<Waiter>>()
  #target: ServerAddress
  #port: number
  #mode: ProxyMode = 'forward'
  #listener: Listener | null = null
  #started = false
  #accepted = 0

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options: FaultProxyOptions) {
    checkProxyOptions(options)
    this.#target = options.target
    this.#host = options.host ?? '127.0.0.1'
    this.#port = options.port ?? 0
    this.#runtime = options.runtime ?? nodeRuntime
    this.#owner = {
      runtime: this.#runtime,
      rules: (direction) => this.#rules[direction],
      held: (connection, direction, bytes) => this.#emit('held', { connection, direction, bytes }),
      passed: (connection, direction, bytes) => {
        this[direction].count(bytes)
        this.#emit('passed', { connection, direction, bytes })
      },
      closed: (connection) => {
        this.#connections.delete(connection)
        this.#emit('close', connection)
      },
    }
    this.toServer = this.#direction('toServer')
    this.toClient = this.#direction('toClient')
  }

  /** The address that it listens on. */
  get host(): string {
    return this.#host
  }

  /** The port that it listens on: as given, or, for a free one, 0 before the first `start` and the same ever after. */
  get port(): number {
    return this.#port
  }

  /** The connect string for clients, as `host:port`. */
  get hosts(): string {
    return `${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`
  }

  /** Where new connections go; those there are stay. Setting it throws TypeError or RangeError for what is no address. */
  get target(): ServerAddress {
    return this.#target
  }

  set target(target: ServerAddress) {
    checkTarget(target)
    this.#target = target
  }

  /** Those open now, the oldest first. */
  get connections(): readonly ProxyConnection[] {
    return [...this.#connections]
  }

  /** How many connections were accepted so far, whatever became of them. */
  get accepted(): number {
    return this.#accepted
  }

  /** What becomes of new connections. @defaultValue 'forward' */
  get mode(): ProxyMode {
    return this.#mode
  }

  /** Listens, and resolves once it does. @throws Error if it cannot: the port is taken (`EADDRINUSE`)… */
  async start(): Promise<this> {
    this.#started = true
    if (this.#mode !== 'refuse') await this.#listen()
    return this
  }

  /** Cuts all connections, and resolves when the port is free. May be called any number of times. */
  async stop(): Promise<void> {
    this.#started = false
    const listener = this.#listener
    this.#listener = null
    this.cut()
    for (const socket of this.#hanging) socket.destroy()
    await listener?.close()
  }

  /** {@link stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /**
   * Sets what becomes of new connections; those there are go on. Leaving `'hang'` closes those that hang. Resolves when
   * it holds. @throws Error if it cannot listen again after `'refuse'`, as another process has taken the port
   */
  async setMode(mode: ProxyMode): Promise<void> {
    this.#mode = mode
    if (mode !== 'hang') for (const socket of this.#hanging) socket.destroy()
    if (!this.#started) return
    if (mode !== 'refuse') return await this.#listen()
    const listener = this.#listener
    this.#listener = null
    await listener?.close()
  }

  /** Closes both sides of all connections there are. */
  cut(options: CutOptions = {}): void {
    for (const connection of this.#connections) connection.cut(options)
  }

  /** Takes all faults back, except for connections already lost; the mode becomes `'forward'`. */
  async heal(): Promise<void> {
    this.toServer.heal()
    this.toClient.heal()
    await this.setMode('forward')
  }

  /**
   * Resolves with the next event of that kind that `accepts` takes. Ask before you cause it: what has happened is not told
   * again. It never rejects, and waits for as long as it takes.
   */
  once<E extends keyof FaultProxyEvents>(
    event: E,
    accepts: (event: FaultProxyEvents[E]) => boolean = () => true,
  ): Promise<FaultProxyEvents[E]> {
    const found = deferred<FaultProxyEvents[E]>()
    const waiters = this.#waiters.get(event) ?? new Set()
    this.#waiters.set(event, waiters.add({ accepts, found } as unknown as Waiter))
    return found.promise
  }

  #emit<E extends keyof FaultProxyEvents>(event: E, value: FaultProxyEvents[E]): void {
    const waiters = this.#waiters.get(event)
    if (waiters === undefined) return
    for (const waiter of waiters) {
      if (!waiter.accepts(value as never)) continue
      waiters.delete(waiter)
      waiter.found.resolve(value as never)
    }
  }

  #direction(name: DirectionName): Direction {
    return new Direction({
      rules: this.#rules[name],
      changed: () => {
        for (const connection of this.#connections) connection.changed(name)
      },
    })
  }

  async #listen(): Promise<void> {
    if (this.#listener !== null) return
    const listener = await this.#runtime.listen({ host: this.#host, port: this.#port }, (socket) =>
      this.#accept(socket),
    )
    this.#listener = listener
    this.#port = listener.port
  }

  #accept(socket: Socket): SocketHandler {
    this.#accepted++
    if (this.#mode === 'hang') {
      socket.pause()
      this.#hanging.add(socket)
      return { received() {}, ended() {}, closed: () => void this.#hanging.delete(socket) }
    }
    if (this.#mode !== 'forward' || !this.#started) {
      socket.destroy()
      return { received() {}, closed() {} }
    }
    const connection = new ProxyConnection(this.#accepted, socket, this.#owner)
    this.#connections.add(connection)
    connection.connect(this.#target)
    this.#emit('connection', connection)
    return connection.handler()
  }
}
