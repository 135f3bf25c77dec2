import { deferred } from '../common/deferred.ts'
import { ConnectionClosedError, ConnectionLossError, SessionExpiredError, ZooKeeperError } from '../common/errors.ts'
import type { DialOptions, Runtime, Timer } from '../runtime/runtime.ts'
import { formatServer, type ServerName } from '../session/connecting/hosts.ts'
import { lookUp } from '../session/connecting/server-round.ts'
import { shuffled } from '../session/connecting/shuffled.ts'
import type { ClientCore } from './client-core.ts'
import type { EnsembleMember } from './ensemble-config.ts'
import { GetConfigRequest } from './info-requests.ts'

/** A configuration that is larger, in bytes, is none. */
const largestConfig = 256 * 1024

/** Milliseconds until a read is tried again that failed for a reason that passes, while the connection stands. */
const retryAfter = 1_000

/**
 * Follows the ensemble's configuration: reads it on each connection and whenever it changes, and has the client use the
 * servers in it. Where it says nothing that helps, the servers stay as they are.
 */
export class EnsembleTracker {
  readonly #core: ClientCore
  readonly #choose: (member: EnsembleMember) => string | null
  /** What was read last, so that the same is not looked at again. */
  #text = ''
  /** Whether the servers in use are from the configuration. */
  #following = false
  #reading = false
  #again = false
  #timer: Timer | undefined
  readonly #changed = (): void => void this.#read()

  constructor(core: ClientCore, choose: ((member: EnsembleMember) => string | null) | null) {
    const secure = core.options.tls !== null
    this.#core = core
    this.#choose = choose ?? ((member) => (secure ? member.secureClient : member.client))
  }

  /** From the next connection on. */
  start(): void {
    this.#core.addListener((state) => {
      this.#timer?.cancel()
      if (state === 'CONNECTED') void this.#read()
    })
  }

  async #read(): Promise<void> {
    this.#again = true
    if (this.#reading) return
    this.#reading = true
    while (this.#again) {
      this.#again = false
      try {
        const { data } = await this.#core.submit(
          new GetConfigRequest(this.#changed, this.#core.session?.watches),
          undefined,
        )
        await this.#apply(data)
      } catch (error) {
        this.#failed(error)
      }
    }
    this.#reading = false
  }

  #failed(cause: unknown): void {
    // The next connection brings the next read.
    const lost = [ConnectionLossError, SessionExpiredError, ConnectionClosedError]
    if (lost.some((each) => cause instanceof each)) return
    this.#core.log('warn', { cause }, "the ensemble's configuration cannot be read")
    if (!(cause instanceof ZooKeeperError) || !cause.retryable) return
    this.#timer?.cancel()
    this.#timer = this.#core.options.runtime.setTimer(retryAfter, this.#changed)
  }

  async #apply(data: Buffer): Promise<void> {
    const ignore = (why: string, cause?: unknown): void =>
      this.#core.log('warn', { cause }, `the ensemble's configuration is ignored: ${why}`)
    const isLarge = data.length > largestConfig
    const text = isLarge ? `of ${data.length} bytes` : data.toString()
    if (text === this.#text) return
    this.#text = text
    if (isLarge) return ignore(`it has ${data.length} bytes`)
    // Loaded when wanted: most clients follow no ensemble.
    const { clientServers, parseEnsembleConfig } = await import('./ensemble-config.ts')
    let servers: ServerName[]
    try {
      const members = parseEnsembleConfig(text)
      // A server that stands alone has none.
      if (members.length === 0) return
      servers = clientServers(members, this.#choose)
    } catch (error) {
      return ignore('it is not understood', error)
    }
    if (servers.length === 0) {
      const kind = this.#core.options.tls === null ? 'clients' : 'clients with TLS'
      return ignore(`it names no address for ${kind} (a function as trackEnsemble can)`)
    }
    const places = await this.#resolve(servers)
    const current = this.#core.session?.address
    const here = places.find(({ host, port }) => host === current?.host && port === current.port)?.server
    // Behind a proxy or a translation of addresses the members may be out of reach: better to see before than after.
    if (here === undefined && !this.#following && !(await this.#reaches(places))) {
      return ignore('none of its members can be reached from here')
    }
    const following = this.#following
    this.#following = true
    this.#core.log('info', { servers: servers.map((server) => formatServer(server)) }, 'following the ensemble')
    this.#core.followServers(servers, here, !following)
  }

  /** All addresses of the servers, at the same time; those that have none are left out. */
  async #resolve(servers: readonly ServerName[]): Promise<Place[]> {
    const { runtime, sessionTimeout } = this.#core.options
    const found = await Promise.all(servers.map((server) => lookUp(runtime, server, sessionTimeout / 3)))
    return servers.flatMap((server, index) => {
      const addresses = found[index]!
      if (addresses instanceof Error) return []
      return addresses.map(({ address }) => ({ server, host: address, port: server.port }))
    })
  }

  /** Whether any of them accepts a connection. */
  async #reaches(places: readonly Place[]): Promise<boolean> {
    const { runtime, sessionTimeout } = this.#core.options
    for (const { host, port } of shuffled(runtime, places)) {
      if (await accepts(runtime, { host, port }, sessionTimeout / places.length)) return true
    }
    return false
  }
}

interface Place extends DialOptions {
  readonly server: ServerName
}

async function accepts(runtime: Runtime, address: DialOptions, timeout: number): Promise<boolean> {
  const outcome = deferred<boolean>()
  const timer = runtime.setTimer(timeout, () => outcome.resolve(false))
  const socket = runtime.dial(address, {
    opened: () => outcome.resolve(true),
    received: () => {},
    closed: () => outcome.resolve(false),
  })
  const accepted = await outcome.promise
  timer.cancel()
  socket.destroy()
  return accepted
}
