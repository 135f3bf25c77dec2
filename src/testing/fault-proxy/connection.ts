import type { ServerAddress } from '../../client/index.ts'
import type { Runtime, Socket, SocketHandler, Timer } from '../../runtime/runtime.ts'
import { closeHard, Lane, type LaneEvents, type LaneRules } from './lane.ts'

/** The way from the client to the server, or back. */
export type DirectionName = 'toServer' | 'toClient'

export interface ConnectionOwner {
  readonly runtime: Runtime
  rules(direction: DirectionName): LaneRules
  held(connection: ProxyConnection, direction: DirectionName, bytes: number): void
  passed(connection: ProxyConnection, direction: DirectionName, bytes: number): void
  closed(connection: ProxyConnection): void
}

/** Options of {@link ProxyConnection.cut} and `FaultProxy.cut`. */
export interface CutOptions {
  /** With a TCP reset, which also discards what is under way; else with an ordinary end. @defaultValue false */
  readonly reset?: boolean
}

/** How long the receiver of the last bytes before a cut may take to close its end, in ms. */
const lingerTime = 5_000

/** One client's connection through a {@link FaultProxy}. */
export class ProxyConnection {
  /** Counts from 1. */
  readonly id: number
  readonly #owner: ConnectionOwner
  readonly #client: Socket
  readonly #toServer: Lane
  #toClient: Lane | null = null
  #server: Socket | null = null
  #clientOpen = true
  #serverOpen = false
  #cut = false
  #linger: Timer | null = null

  /** @internal */
  constructor(id: number, client: Socket, owner: ConnectionOwner) {
    this.id = id
    this.#client = client
    this.#owner = owner
    this.#toServer = new Lane(owner.runtime, owner.rules('toServer'), client, this.#events('toServer'))
  }

  /** The client's own port, which tells its connections apart. */
  get port(): number | undefined {
    return this.#client.remotePort
  }

  /** Whether the client's side or the server's is open. */
  get open(): boolean {
    return this.#clientOpen || this.#serverOpen
  }

  /** Closes both sides now; what is held is dropped. */
  cut(options: CutOptions = {}): void {
    this.#shut()
    for (const socket of [this.#client, this.#server]) {
      if (options.reset === true && socket !== null) closeHard(socket)
      else socket?.destroy()
    }
  }

  /** @internal */
  connect(target: ServerAddress): void {
    const server = this.#owner.runtime.dial(
      { host: target.host, port: target.port },
      {
        opened: () => this.#toServer.open(server),
        received: (chunk) => this.#receive(toClient, chunk),
        drained: () => this.#toServer.drained(),
        ended: () => toClient.ended('end'),
        closed: (error) => {
          this.#serverOpen = false
          this.#toServer.close()
          toClient.ended(error === null ? 'end' : 'reset')
          this.#ended()
        },
      },
    )
    const toClient = new Lane(this.#owner.runtime, this.#owner.rules('toClient'), server, this.#events('toClient'))
    this.#server = server
    this.#serverOpen = true
    this.#toClient = toClient
    toClient.open(this.#client)
  }

  /** What the listener's socket calls. @internal */
  handler(): SocketHandler {
    return {
      received: (chunk) => this.#receive(this.#toServer, chunk),
      drained: () => this.#toClient?.drained(),
      ended: () => this.#toServer.ended('end'),
      closed: (error) => {
        this.#clientOpen = false
        this.#toClient?.close()
        this.#toServer.ended(error === null ? 'end' : 'reset')
        // A server that was never reached has nobody to tell.
        if (this.#server === null) this.#toServer.close()
        this.#ended()
      },
    }
  }

  /** The rules have changed. @internal */
  changed(direction: DirectionName): void {
    if (direction === 'toServer') this.#toServer.pump()
    else this.#toClient?.pump()
  }

  #events(direction: DirectionName): LaneEvents {
    return {
      held: (bytes) => this.#owner.held(this, direction, bytes),
      passed: (bytes) => this.#owner.passed(this, direction, bytes),
      exhausted: () => this.#cutBehind(direction),
    }
  }

  #receive(lane: Lane, chunk: Buffer): void {
    if (this.#cut) return
    if (lane.closed) {
      // As a system resets whoever writes to a connection that its peer has closed.
      closeHard(lane === this.#toServer ? this.#client : (this.#server ?? this.#client))
    } else lane.received(chunk)
  }

  /**
   * Ends the connection so that the bytes which have passed do arrive: closing a socket with unread input would reset
   * it, and the receiver's system may then drop what it has not read yet.
   */
  #cutBehind(direction: DirectionName): void {
    const [from, to] = direction === 'toServer' ? [this.#client, this.#server] : [this.#server, this.#client]
    this.#shut()
    from?.destroy()
    to?.end()
    this.#linger = this.#owner.runtime.setTimer(lingerTime, () => to?.destroy())
  }

  #shut(): void {
    this.#cut = true
    this.#toServer.close()
    this.#toClient?.close()
  }

  #ended(): void {
    if (this.open) return
    this.#linger?.cancel()
    this.#owner.closed(this)
  }
}
