import type { Latency, LatencyHistogram } from '../connection/latency.ts'
import { fullVersion, hex, type CommandSource, type ConnectionView } from './source.ts'

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
    '',
  ].join('\n')
}

/** `cons`: every connection in full. */
export function connections(source: CommandSource): string {
  return [...Array.from(source.connections, (connection) => describe(source, connection, false)), '', ''].join('\n')
}

/** `mntr`: for monitoring, a name and a value on each line. */
export function monitor(source: CommandSource): string {
  const { database, statistics, connectionCount, settings, startedAt } = source
  const { tree, watches, sessions } = database
  const { all } = statistics
  const rows: Row[] = [
    ['version', fullVersion],
    ['server_state', mode(source)],
    ['ephemerals_count', tree.ephemeralCount],
    ['num_alive_connections', connectionCount],
    ['avg_latency', average(all)],
    ['outstanding_requests', outstanding(source)],
    ['znode_count', tree.size],
    ['global_sessions', sessions.size],
    ['local_sessions', 0],
    ['packets_sent', statistics.sent],
    ['packets_received', statistics.received],
    ['connection_drop_probability', '0.0'],
    ['watch_count', watches.size],
    ['auth_failed_count', statistics.authFailed],
    ['min_latency', Math.floor(all.min)],
    ['max_latency', Math.floor(all.max)],
    ['approximate_data_size', tree.dataSize],
    ['uptime', Math.floor(settings.runtime.now() - startedAt)],
    ['connection_rejected', statistics.rejected],
    ['bytes_received_count', statistics.bytesReceived],
    ...latencyRows('readlatency', statistics.reads),
    ...latencyRows('updatelatency', statistics.writes),
  ]
  return rows.map(([name, value]) => `zk_${name}\t${value}\n`).join('')
}

type Row = readonly [name: string, value: string | number]

function latencyRows(name: string, latency: LatencyHistogram): Row[] {
  return [
    [`avg_${name}`, average(latency)],
    [`min_${name}`, Math.floor(latency.min)],
    [`max_${name}`, Math.floor(latency.max)],
    [`cnt_${name}`, latency.count],
    [`sum_${name}`, Math.floor(latency.total)],
    [`p50_${name}`, latency.percentile(0.5)],
    [`p95_${name}`, latency.percentile(0.95)],
    [`p99_${name}`, latency.percentile(0.99)],
    [`p999_${name}`, latency.percentile(0.999)],
  ]
}

/** As Java shows a number that is rounded to four digits. */
function average(latency: Latency): string {
  const rounded = Math.round(latency.average * 10_000) / 10_000
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
  const { remote, counts, sessionId, established, timeout, last, latency, queued } = connection
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
