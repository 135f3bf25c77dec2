import { formatServer, type ConfiguredServer } from './server-line.ts'

/** The members of an ensemble, as `/zookeeper/config` says: who they are, and which of them vote. */
export class EnsembleConfig {
  /** The zxid of the transaction that made it. */
  readonly version: number
  readonly servers: ReadonlyMap<number, ConfiguredServer>

  constructor(version: number, servers: Iterable<ConfiguredServer>) {
    this.version = version
    // ZooKeeper's order is that of a Java hash table, which comes to this one for ids up to 15.
    const ordered = [...servers].toSorted((a, b) => a.id - b.id)
    this.servers = new Map(ordered.map((server) => [server.id, server]))
  }

  /** The ids of those that vote. */
  get voters(): readonly number[] {
    return [...this.servers.values()].filter(({ observer }) => !observer).map(({ id }) => id)
  }

  /** Whether these are more than half of those that vote. */
  isQuorum(ids: readonly number[]): boolean {
    const { voters } = this
    return voters.filter((id) => ids.includes(id)).length * 2 > voters.length
  }

  /** What `/zookeeper/config` holds. */
  toString(): string {
    const lines = Array.from(this.servers.values(), (server) => `server.${server.id}=${formatServer(server)}\n`)
    return `${lines.join('')}version=${this.version.toString(16)}`
  }
}
