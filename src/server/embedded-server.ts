import { reportUncaught } from '../common/report-uncaught.ts'
import type { Listener, Socket, SocketHandler } from '../runtime/runtime.ts'
import { ClientConnection, type ConnectionHost } from './connection/client-connection.ts'
import { answerCommand } from './commands/four-letter-words.ts'
import type { CommandSource } from './commands/source.ts'
import { Database } from './database.ts'
import { Faults } from './faults.ts'
import { FlushQueue } from './connection/flush-queue.ts'
import { standalone } from './membership.ts'
import { checkServerOptions, type EmbeddedServerOptions, type ServerSettings } from './options.ts'
import { Reaper } from './reaper.ts'
import { Statistics } from './connection/statistics.ts'
import { DataDirectory } from './storage/data-directory.ts'

/**
 * A ZooKeeper server in this process, for development and tests: in memory, on loopback, ready at once. Production is
 * Apache ZooKeeper's. With `dataDir`, what it acknowledged outlives it, in files that a real ZooKeeper opens.
 *
 * ```ts
 * await using server = await new EmbeddedServer().start()
 * await using zk = await new KazooClient({ hosts: server.hosts }).start()
 * ```
 */
export class EmbeddedServer {
  /** Faults on demand, for tests of clients. They last until they are taken back. */
  readonly faults: Faults
  readonly #settings: ServerSettings
  readonly #connections = new Set<ClientConnection>()
  /** How many of them each address has. */
  readonly #addresses = new Map<string | undefined, number>()
  #statistics = new Statistics()
  #database: Database | null = null
  #reaper: Reaper | null = null
  #listener: Listener | null = null
  #secureListener: Listener | null = null
  #starting: Promise<this> | null = null
  #stopping: Promise<void> | null = null
  #startedAt = 0
  #notices: readonly string[] = []

  readonly #makeDatabase: (settings: ServerSettings) => Database

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options?: EmbeddedServerOptions)
  /** @internal */
  constructor(options: EmbeddedServerOptions, makeDatabase: (settings: ServerSettings) => Database)
  constructor(
    options: EmbeddedServerOptions = {},
    makeDatabase: (settings: ServerSettings) => Database = (settings) => new Database(settings),
  ) {
    this.#settings = checkServerOptions(options)
    this.#makeDatabase = makeDatabase
    this.faults = new Faults({
      setPaused: (paused) => this.#setPaused(paused),
      setReadOnly: (readOnly) => this.#setReadOnly(readOnly),
      expireSession: (id) => this.expireSession(id),
      dropConnections: (id) => this.dropConnections(id),
    })
  }

  /**
   * Starts with an empty tree, or with what is in `dataDir`, and resolves when connections are accepted. While it stops,
   * it starts once that is done.
   *
   * @throws Error of the system if it cannot listen: with the code `EADDRINUSE` where the port is taken; DataDirectoryError
   * if `dataDir` is in use, or cannot be read without losing what was acknowledged
   */
  start(): Promise<this> {
    if (this.#starting !== null) return this.#starting
    const starting = this.#start(this.#stopping)
    this.#starting = starting
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = null
    })
    return starting
  }

  async #start(stopping: Promise<void> | null): Promise<this> {
    // Whether it stopped well is told to those who stopped it.
    await stopping?.catch(() => {})
    const { runtime, host, port, tls, portUnification, securePort } = this.#settings
    const database = this.#settings.dataDir === null ? this.#makeDatabase(this.#settings) : await this.#load()
    this.#statistics = new Statistics()
    this.#startedAt = runtime.now()
    const connectionHost: ConnectionHost = {
      database,
      faults: this.faults,
      statistics: this.#statistics,
      flushes: new FlushQueue(runtime),
      command: (word, argument) => answerCommand(word, argument, this.#source(database)),
      closed: (connection) => this.#forget(connection),
    }
    const accept = (socket: Socket): SocketHandler => this.#accept(socket, connectionHost)
    try {
      const unified = portUnification ? { tls: tls ?? undefined, tlsOptional: true } : {}
      this.#listener = await runtime.listen({ host, port, ...unified }, accept)
      if (securePort !== null) {
        this.#secureListener = await runtime.listen({ host, port: securePort, tls: tls ?? undefined }, accept)
      }
    } catch (error) {
      await this.#listener?.close()
      await database.storage?.close()
      this.#listener = null
      throw error
    }
    this.#database = database
    if (!this.faults.paused) database.startSessions()
    this.#reaper = new Reaper(database)
    this.#reaper.start()
    return this
  }

  /** Closes all connections, and resolves when the ports are free. May be called any number of times. */
  stop(): Promise<void> {
    const starting = this.#starting
    if (starting === null) return this.#stopping ?? Promise.resolve()
    this.#starting = null
    const stopping = this.#stop(starting).finally(() => {
      if (this.#stopping === stopping) this.#stopping = null
    })
    this.#stopping = stopping
    return stopping
  }

  async #stop(starting: Promise<this>): Promise<void> {
    const isStarted = await starting.then(
      () => true,
      () => false,
    )
    if (!isStarted) return
    const listeners = [this.#listener, this.#secureListener]
    this.#listener = this.#secureListener = null
    this.#reaper?.stop()
    this.#database?.stopSessions()
    for (const connection of this.#connections) connection.close()
    for (const listener of listeners) await listener?.close()
    await this.#database?.storage?.close()
  }

  /** {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** The port it listens on. @throws Error before it does */
  get port(): number {
    if (this.#listener === null) throw new Error('the server is not started')
    return this.#listener.port
  }

  /** The port for TLS alone; null without one. @throws Error before it listens */
  get securePort(): number | null {
    if (this.#listener === null) throw new Error('the server is not started')
    return this.#secureListener?.port ?? null
  }

  /** The connect string for clients, as `host:port`. @throws Error before it listens */
  get hosts(): string {
    const { host } = this.#settings
    return `${host.includes(':') ? `[${host}]` : host}:${this.port}`
  }

  /** What in `dataDir` was not as it should be, and could be mended without a loss; one sentence each. */
  get notices(): readonly string[] {
    return this.#notices
  }

  /** How many clients are connected. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /** Ends a session as if its time were over. False if there is no such session, or no quorum that could end it. */
  expireSession(id: bigint): boolean {
    const session = this.#database?.sessions.find(id)
    return session !== undefined && this.#database?.expire(session) === true
  }

  /** Closes connections and leaves their sessions alive: all, or the one of a session. How many there were. */
  dropConnections(sessionId?: bigint): number {
    const dropped = [...this.#connections].filter(
      (connection) => sessionId === undefined || connection.sessionId === sessionId,
    )
    for (const connection of dropped) connection.close()
    return dropped.length
  }

  /** Lets connections go on that waited for the leader. @internal */
  resumeConnections(): void {
    for (const connection of this.#connections) connection.leaderChanged()
  }

  async #load(): Promise<Database> {
    const { runtime, dataDir, dataLogDir, snapCount, snapRetainCount } = this.#settings
    const notices: string[] = []
    this.#notices = notices
    const storage = new DataDirectory({
      runtime,
      dataDir: dataDir ?? '',
      dataLogDir: dataLogDir ?? undefined,
      snapCount,
      retainSnapshots: snapRetainCount,
      onNotice: (notice) => notices.push(notice),
      onFailure: (error) => this.#fail(error),
    })
    const state = await storage.load()
    notices.push(...state.notices)
    return new Database(this.#settings, standalone, undefined, { storage, state })
  }

  /** Nobody may take for granted what is not on disk: as ZooKeeper does, the server ends. */
  #fail(cause: Error): void {
    this.stop().catch(reportUncaught)
    try {
      this.#settings.onFailure(cause)
    } catch (error) {
      reportUncaught(error)
    }
  }

  #accept(socket: Socket, host: ConnectionHost): SocketHandler {
    const { maxClientCnxns } = this.#settings
    const { remoteAddress } = socket
    const count = this.#addresses.get(remoteAddress) ?? 0
    if (maxClientCnxns > 0 && count >= maxClientCnxns) {
      this.#statistics.rejected++
      socket.destroy()
      return { received: () => {}, closed: () => {} }
    }
    const connection = new ClientConnection(socket, host)
    this.#connections.add(connection)
    this.#addresses.set(remoteAddress, count + 1)
    return connection
  }

  #forget(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return
    const { address } = connection
    const count = this.#addresses.get(address) ?? 0
    if (count > 1) this.#addresses.set(address, count - 1)
    else this.#addresses.delete(address)
  }

  #setPaused(paused: boolean): void {
    if (this.#database === null) return
    const database = this.#database
    if (paused) database.stopSessions()
    for (const connection of this.#connections) {
      if (paused) connection.hold()
      else connection.goOn()
    }
    if (!paused) database.startSessions()
  }

  #setReadOnly(readOnly: boolean): void {
    if (this.#database === null) throw new Error('the server is not started')
    this.#database.readOnly = readOnly
    // A member that loses its quorum, or finds it again, closes all connections.
    this.dropConnections()
  }

  #source(database: Database): CommandSource {
    return {
      settings: this.#settings,
      database,
      statistics: this.#statistics,
      connections: this.#connections,
      connectionCount: this.#connections.size,
      port: this.port,
      securePort: this.securePort,
      startedAt: this.#startedAt,
    }
  }
}
