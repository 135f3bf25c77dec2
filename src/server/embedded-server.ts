import type { Listener } from '../runtime/runtime.ts'
import { ClientConnection, type ConnectionHost } from './client-connection.ts'
import { answerCommand } from './commands/four-letter-words.ts'
import { Database } from './database.ts'
import { checkServerOptions, type EmbeddedServerOptions, type ServerSettings } from './options.ts'
import { Reaper } from './reaper.ts'

/**
 * A ZooKeeper server in this process, for development and tests: in memory, on loopback, ready at once. Production is
 * Apache ZooKeeper's.
 *
 * ```ts
 * await using server = await new EmbeddedServer().start()
 * await using zk = await new KazooClient({ hosts: server.hosts }).start()
 * ```
 */
export class EmbeddedServer {
  readonly #settings: ServerSettings
  readonly #connections = new Set<ClientConnection>()
  #database: Database | null = null
  #reaper: Reaper | null = null
  #listener: Listener | null = null
  #starting: Promise<this> | null = null
  #receivedBefore = 0
  #sentBefore = 0

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options: EmbeddedServerOptions = {}) {
    this.#settings = checkServerOptions(options)
  }

  /** Starts with an empty tree, and resolves when connections are accepted. */
  start(): Promise<this> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<this> {
    const { runtime, host, port } = this.#settings
    const database = new Database(this.#settings)
    const connectionHost: ConnectionHost = {
      database,
      command: (word) => this.#answer(database, word),
      closed: (connection) => this.#forget(connection),
    }
    try {
      this.#listener = await runtime.listen({ host, port }, (socket) => {
        const connection = new ClientConnection(socket, connectionHost)
        this.#connections.add(connection)
        return connection
      })
    } catch (error) {
      this.#starting = null
      throw error
    }
    this.#database = database
    database.sessions.start()
    this.#reaper = new Reaper(database)
    this.#reaper.start()
    return this
  }

  /** Closes all connections, and resolves when the port is free. May be called any number of times. */
  async stop(): Promise<void> {
    if (this.#starting === null) return
    await this.#starting.catch(() => {})
    const listener = this.#listener
    this.#starting = this.#listener = null
    this.#reaper?.stop()
    this.#database?.sessions.stop()
    for (const connection of this.#connections) connection.close()
    await listener?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** The port it listens on. @throws Error before it does */
  get port(): number {
    if (this.#listener === null) throw new Error('the server is not started')
    return this.#listener.port
  }

  /** The connect string for clients, as `host:port`. @throws Error before it listens */
  get hosts(): string {
    const { host } = this.#settings
    return `${host.includes(':') ? `[${host}]` : host}:${this.port}`
  }

  /** How many clients are connected. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /** Ends a session as if its time were over. False if there is no such session. */
  expireSession(id: bigint): boolean {
    const session = this.#database?.sessions.find(id)
    if (session === undefined) return false
    this.#database?.expire(session)
    return true
  }

  /** Closes connections and leaves their sessions alive: all, or the one of a session. How many there were. */
  dropConnections(sessionId?: bigint): number {
    const dropped = [...this.#connections].filter(
      (connection) => sessionId === undefined || connection.sessionId === sessionId,
    )
    for (const connection of dropped) connection.close()
    return dropped.length
  }

  #answer(database: Database, word: string): string | null {
    let received = this.#receivedBefore
    let sent = this.#sentBefore
    for (const { counts } of this.#connections) {
      received += counts.received
      sent += counts.sent
    }
    return answerCommand(word, {
      database,
      connectionCount: this.#connections.size,
      received,
      sent,
      port: this.port,
    })
  }

  #forget(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return
    this.#receivedBefore += connection.counts.received
    this.#sentBefore += connection.counts.sent
  }
}
