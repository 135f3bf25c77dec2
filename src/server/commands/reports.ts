import { eventTypes } from '../../protocol/constants.ts'
import type { LatencyHistogram } from '../connection/latency.ts'
import type { Sizes } from '../sizes.ts'
import { Summary } from '../summary.ts'
import { fullVersion } from '../version.ts'
import { descriptors } from './descriptors.ts'
import { hex, type CommandSource, type ConnectionView } from './source.ts'

/** `srvr`, and `stat`, which lists the clients as well. */
export function summary(source: CommandSource, withClients: boolean): string {
  const { database, statistics, connectionCount } = source
  const { all } = statistics
  const clients = withClients
    ? ['Clients:', ...Array.from(source.connections, (connection) => describe(source, connection, true)), '']
    : []
  return [
    `Zookeeper version: ${fullVersion}`,
    ...(database.readOnly ? ['READ-ONLY mode; serving only read-only clients'] : []),
    ...clients,
    `Latency min/avg/max: ${Math.floor(all.min)}/${average(all)}/${Math.floor(all.max)}`,
    `Received: ${statistics.received}`,
    `Sent: ${statistics.sent}`,
    `Connections: ${connectionCount}`,
    `Outstanding: ${outstanding(source)}`,
    `Zxid: 0x${database.lastZxid.toString(16)}`,
    `Mode: ${mode(source)}`,
    `Node count: ${database.tree.size}`,
    ...(mode(source) === 'leader' ? [`Proposal sizes last/min/max: ${sizesOf(database.proposals)}`] : []),
    '',
  ].join('\n')
}

/** `cons`: every connection in full. */
export function connections(source: CommandSource): string {
  return [...Array.from(source.connections, (connection) => describe(source, connection, false)), '', ''].join('\n')
}

/** `mntr`: for monitoring, a name and a value on each line. */
export async function monitor(source: CommandSource): Promise<string> {
  const { database, statistics, connectionCount, settings, startedAt } = source
  const { tree, watches, sessions, storage } = database
  const { all, responses } = statistics
  const { open, most } = await descriptors(settings.runtime)
  const rows: Row[] = [
    ['version', fullVersion],
    ['server_state', mode(source)],
    ...memberRows(source),
    ['ephemerals_count', tree.ephemeralCount],
    ['num_alive_connections', connectionCount],
    ['avg_latency', average(all)],
    ['outstanding_requests', outstanding(source)],
    ['znode_count', tree.size],
    ['global_sessions', sessions.size],
    ['local_sessions', 0],
    ['last_client_response_size', responses.last],
    ['max_client_response_size', responses.max],
    ['min_client_response_size', responses.min],
    ['packets_sent', statistics.sent],
    ['packets_received', statistics.received],
    ['connection_drop_probability', '0.0'],
    ['watch_count', watches.size],
    ['auth_failed_count', statistics.authFailed],
    ['min_latency', Math.floor(all.min)],
    ['max_latency', Math.floor(all.max)],
    ['open_file_descriptor_count', open],
    ['max_file_descriptor_count', most],
    ['approximate_data_size', tree.dataSize],
    ['uptime', Math.floor(settings.runtime.now() - startedAt)],
    ['connection_rejected', statistics.rejected],
    ['connection_drop_count', statistics.dropped],
    ['bytes_received_count', statistics.bytesReceived],
    ['watch_bytes', statistics.watchBytes],
    // A member expires none: its leader does.
    ['stale_sessions_expired', isMember(source) && mode(source) !== 'leader' ? 0 : sessions.expired],
    // Requests are neither throttled nor refused for the sum of their sizes, and no member is sent a snapshot.
    ['throttled_ops', 0],
    ['large_requests_rejected', 0],
    ['snap_count', 0],
    ...latencyRows('readlatency', statistics.reads),
    ...latencyRows('updatelatency', statistics.writes),
    ...summaryRows('fsynctime', storage?.times.syncs ?? none),
    ...summaryRows('snapshottime', storage?.times.snapshots ?? none),
    ...watchNames.flatMap(([name, type]) => summaryRows(`node_${name}_watch_count`, watches.fired.get(type) ?? none)),
  ]
  return rows.map(([name, value]) => `zk_${name}\t${value}\n`).join('')
}

type Row = readonly [name: string, value: string | number]

const none = new Summary()

const watchNames = [
  ['created', eventTypes.created],
  ['deleted', eventTypes.deleted],
  ['changed', eventTypes.dataChanged],
  ['children', eventTypes.childrenChanged],
] as const

const peerStates = { leader: 'leading', follower: 'following', observer: 'observing' } as const

function isMember({ database }: CommandSource): boolean {
  return !database.readOnly && database.membership.role !== 'standalone'
}

function memberRows(source: CommandSource): Row[] {
  const { membership, proposals } = source.database
  if (!isMember(source) || membership.role === 'standalone') return []
  const rows: Row[] = [['peer_state', `${peerStates[membership.role]} - broadcast`]]
  if (membership.role !== 'leader') return rows
  return [
    ...rows,
    ['last_proposal_size', proposals.last],
    ['max_proposal_size', proposals.max],
    ['min_proposal_size', proposals.min],
  ]
}

function sizesOf({ last, min, max }: Sizes): string {
  return `${last}/${min}/${max}`
}

function summaryRows(name: string, summary: Summary): Row[] {
  return [
    [`avg_${name}`, average(summary)],
    [`min_${name}`, Math.floor(summary.min)],
    [`max_${name}`, Math.floor(summary.max)],
    [`cnt_${name}`, summary.count],
    [`sum_${name}`, Math.floor(summary.total)],
  ]
}

function latencyRows(name: string, latency: LatencyHistogram): Row[] {
  return [
    ...summaryRows(name, latency),
    [`p50_${name}`, latency.percentile(0.5)],
    [`p95_${name}`, latency.percentile(0.95)],
    [`p99_${name}`, latency.percentile(0.99)],
    [`p999_${name}`, latency.percentile(0.999)],
  ]
}

/** As Java shows a number that is rounded to four digits. */
function average(summary: Summary): string {
  const rounded = Math.round(summary.average * 10_000) / 10_000
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded)
}

function outstanding({ connections }: CommandSource): number {
  let sum = 0
  for (const { queued } of connections) sum += queued
  return sum
}

function mode({ database }: CommandSource): string {
  return database.readOnly ? 'read-only' : database.membership.role
}

function describe({ asker }: CommandSource, connection: ConnectionView, brief: boolean): string {
  const { remote, sessionId, established, timeout, queued, tally } = connection
  const { counts, last } = tally
  const { latency } = tally.meter
  const fields = [`queued=${queued},recved=${counts.received},sent=${counts.sent}`]
  if (!brief && sessionId !== null) {
    fields.push(`sid=${hex(sessionId)}`, `lop=${last.op}`, `est=${Math.floor(established)}`, `to=${timeout}`)
    if (last.xid >= 0) fields.push(`lcxid=0x${last.xid.toString(16)}`)
    fields.push(`lzxid=${hex(BigInt(last.zxid))}`, `lresp=${Math.floor(last.time)}`)
    fields.push(`llat=${Math.floor(latency.last)}`, `minlat=${Math.floor(latency.min)}`)
    fields.push(`avglat=${Math.floor(latency.average)}`, `maxlat=${Math.floor(latency.max)}`)
  }
  // The 1 says that the server reads from it: not from the one that asks, any more.
  return ` ${remote}[${connection === asker ? 0 : 1}](${fields.join(',')})`
}
