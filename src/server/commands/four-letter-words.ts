import type { Database } from '../database.ts'

/** What the words are answered from. */
export interface CommandSource {
  readonly database: Database
  readonly connectionCount: number
  readonly received: number
  readonly sent: number
  readonly port: number
}

/** The version of ZooKeeper that this server stands for. */
export const version = '3.9.4'

type Command = (source: CommandSource) => string

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['ruok', () => 'imok'],
  ['isro', () => 'rw'],
  ['srvr', (source) => summary(source)],
  ['stat', (source) => summary(source)],
  ['mntr', (source) => monitor(source)],
])

/** Answers a four-letter word; null for what is none. */
export function answerCommand(word: string, source: CommandSource): string | null {
  return commands.get(word)?.(source) ?? null
}

function summary({ database, connectionCount, received, sent }: CommandSource): string {
  return [
    `Zookeeper version: ${version}-kazoo-ts, an embedded server for development and tests`,
    'Latency min/avg/max: 0/0.0/0',
    `Received: ${received}`,
    `Sent: ${sent}`,
    `Connections: ${connectionCount}`,
    'Outstanding: 0',
    `Zxid: 0x${database.lastZxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${database.tree.size}`,
    '',
  ].join('\n')
}

function monitor({ database, connectionCount, received, sent }: CommandSource): string {
  const { tree, watches } = database
  const rows: [string, string | number][] = [
    ['zk_version', `${version}-kazoo-ts`],
    ['zk_server_state', 'standalone'],
    ['zk_packets_received', received],
    ['zk_packets_sent', sent],
    ['zk_num_alive_connections', connectionCount],
    ['zk_outstanding_requests', 0],
    ['zk_znode_count', tree.size],
    ['zk_watch_count', watches.size],
    ['zk_ephemerals_count', tree.ephemeralCount],
    ['zk_approximate_data_size', tree.dataSize],
  ]
  return rows.map(([name, value]) => `${name}\t${value}\n`).join('')
}
