import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { TestProject } from 'vitest/node'

import { nodeRuntime } from '../../src/runtime/node-runtime.ts'
import { versionIn } from '../../src/testing/real-zookeeper/member.ts'
import { findZooKeepers, type FoundZooKeeper, RealZooKeeper, sendFourLetterWord } from '../../src/testing/index.ts'

/** A real ZooKeeper that the tests run against. */
export interface RealServer {
  /** As the tests name it: `'ZooKeeper 3.9.5'`. */
  readonly name: string
  /** `'3.9.5'` */
  readonly version: string
  /** What Java's `-cp` takes; null for a server that runs elsewhere. */
  readonly classpath: string | null
  /** The connect string of a server that runs elsewhere. */
  readonly hosts: string | null
  /** Whether every suite runs against it, or the conformance suite alone. */
  readonly forAllSuites: boolean
}

/** What {@link setup} answers to a test that asks for a server. */
export type ServerAnswer = { readonly hosts: string } | { readonly error: string }

declare module 'vitest' {
  export interface ProvidedContext {
    /** The newest first. */
    realServers: RealServer[]
    /** The loopback port where a test asks for one of them to be started. */
    realServersPort: number
  }
}

/**
 * Says which real ZooKeepers the run is held against, before the first test and again after the last, and starts each
 * of them once, when the first test asks for it.
 *
 * Without one the tests that need it are named as not run; with `KAZOO_TEST_REQUIRE_REAL=1` that is a failure.
 * `KAZOO_TEST_HOSTS` names a server that runs elsewhere, instead of those found here. `KAZOO_TEST_VERSIONS` chooses
 * among those found: `all`, or versions with commas between. Default: the newest, and the system's own. The conformance
 * suite runs against all that were chosen, the others, which start many servers, against the newest and the system's.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await chooseServers()
  const message =
    servers.length > 0
      ? `real ZooKeeper: ${servers.map(({ name }) => name).join(', ')}`
      : 'real ZooKeeper: not run (no Java, or no ZooKeeper jars; set ZOOKEEPER_CLASSPATH or KAZOO_TEST_HOSTS)'
  if (servers.length === 0 && process.env['KAZOO_TEST_REQUIRE_REAL'] === '1') throw new Error(message)
  console.log(message)

  const desk = new ServerDesk(servers)
  project.provide('realServers', servers)
  project.provide('realServersPort', await desk.open())
  return async () => {
    await desk.close()
    console.log(message)
  }
}

async function chooseServers(): Promise<RealServer[]> {
  const { KAZOO_TEST_HOSTS: hosts, KAZOO_TEST_VERSIONS: wanted } = process.env
  if (hosts !== undefined && hosts !== '') {
    const version = await versionAt(hosts)
    return [{ name: `ZooKeeper ${version} at ${hosts}`, version, classpath: null, hosts, forAllSuites: true }]
  }
  const found = await findZooKeepers()
  const chosen = found.filter((each, index) => isWanted(each, index, wanted))
  return chosen.map(({ version, classpath, source }, index) => ({
    name: `ZooKeeper ${version}`,
    version,
    classpath,
    hosts: null,
    forAllSuites: index === 0 || source === 'system',
  }))
}

/** A server that was named but does not answer is a failure of the run, not a reason to run less. */
async function versionAt(hosts: string): Promise<string> {
  const [, host, port] = /^\[?([^,/]+?)\]?(?::(\d+))?(?:[,/]|$)/.exec(hosts) ?? []
  if (host === undefined) throw new Error(`KAZOO_TEST_HOSTS is no connect string: ${hosts}`)
  const answer = await sendFourLetterWord(nodeRuntime, { host, port: Number(port ?? 2181) }, 'srvr')
  return versionIn(answer) ?? 'of unknown version'
}

function isWanted(found: FoundZooKeeper, index: number, wanted: string | undefined): boolean {
  if (wanted === undefined || wanted === '') return index === 0 || found.source === 'system'
  return wanted === 'all' || wanted.split(',').some((version) => `${found.version}.`.startsWith(`${version.trim()}.`))
}

/**
 * Tests run in processes of their own, and only this one lives as long as the run: they ask here for a server by its
 * name, and get its connect string. Nobody waits for a server that no test needs.
 */
class ServerDesk {
  readonly #servers: readonly RealServer[]
  readonly #running = new Map<string, Promise<RealZooKeeper>>()
  readonly #listener = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket))

  constructor(servers: readonly RealServer[]) {
    this.#servers = servers
  }

  open(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen(0, '127.0.0.1', () => {
        const address = this.#listener.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  }

  async close(): Promise<void> {
    this.#listener.close()
    for (const server of await Promise.allSettled(this.#running.values())) {
      if (server.status === 'fulfilled') await server.value.stop()
    }
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => {}) // a test that was ended while it waited
    let name = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (name += chunk))
    await once(socket, 'end')
    const answer = await this.#find(name).catch((error: unknown): ServerAnswer => ({ error: String(error) }))
    socket.end(JSON.stringify(answer))
  }

  async #find(name: string): Promise<ServerAnswer> {
    const server = this.#servers.find((each) => each.name === name)
    if (server === undefined) return { error: `no real server is called ${name}` }
    if (server.hosts !== null) return { hosts: server.hosts }
    let running = this.#running.get(name)
    if (running === undefined) {
      running = new RealZooKeeper({ classpath: server.classpath ?? '', version: server.version }).start()
      this.#running.set(name, running)
    }
    return { hosts: (await running).hosts }
  }
}
