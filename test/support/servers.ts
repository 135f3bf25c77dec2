import { EmbeddedServer } from '../../src/server/index.ts'
import type { RealServer } from './global-setup.ts'
import { conformanceServers, hostsOf } from './real-servers.ts'

/** A kind of server that a suite runs against. */
export interface TestServer {
  /** `'embedded'`, `'ZooKeeper 3.9.5'`: for the name of the suite. */
  readonly name: string
  readonly kind: 'embedded' | 'real'
  /** What it is, or, for the embedded server, what it stands for. */
  readonly version: string
  /**
   * A server for this file. Real ones are shared by all files of the run: use a chroot of your own, and leave the server
   * as it was. Its sessions' timeouts are between 1 and 10 s.
   */
  start(): Promise<RunningServer>
}

export interface RunningServer extends AsyncDisposable {
  /** The connect string. */
  readonly hosts: string
  /** Ends a server that is this file's own; a shared one goes on. */
  stop(): Promise<void>
}

const TICK_TIME = 500

/** All servers that the conformance suite is held against: `describe.each(servers())('$name', (server) => …)`. */
export function servers(): TestServer[] {
  return [embedded(), ...conformanceServers().map(real)]
}

function embedded(): TestServer {
  return {
    name: 'embedded',
    kind: 'embedded',
    version: '3.9.5',
    start: async () => {
      const server = await new EmbeddedServer({ tickTime: TICK_TIME }).start()
      return running(server.hosts, () => server.stop())
    },
  }
}

function real({ name, version }: RealServer): TestServer {
  return { name, kind: 'real', version, start: async () => running(await hostsOf(name), async () => {}) }
}

function running(hosts: string, stop: () => Promise<void>): RunningServer {
  return { hosts, stop, [Symbol.asyncDispose]: stop }
}
