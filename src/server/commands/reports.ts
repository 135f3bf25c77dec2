import { fullVersion, hex, type CommandSource, type ConnectionView } from './source.ts'

/** `srvr`, and `stat`, which lists the clients as well. */
export function summary(source: CommandSource, withClients: boolean): string {
  const { database, statistics, connectionCount } = source
  const clients = withClients
    ? ['Clients:', ...Array.from(source.connections, (connection) => describe(connection, true)), '']
    : []
  return [
    `Zookeeper version: ${fullVersion}`,
    ...(database.readOnly ? ['READ-ONLY mode; serving only read-only clients'] : []),
    ...clients,
    // Requests are answered as they are read, in less than a millisecond: the unit in which latencies are counted.
    'Latency min/avg/max: 0/0.0/0',
    `Received: ${statistics.received}`,
    `Sent: ${statistics.sent}`,
    `Connections: ${connectionCount}`,
    'Outstanding: 0',
    `Zxid: 0x${database.lastZxid.toString(16)}`,
    `Mode: ${mode(source)}`,
    `Node count: ${database.tree.size}`,
    '',
  ].join('\n')
}

/** `cons`: every connection in full. */
export function connections(source: CommandSource): string {
  return [...Array.from(source.connections, (connection) => describe(connection, false)), '', ''].join('\n')
}

/** `mntr`: for monitoring, a name and a value on each line. */
export function monitor(source: CommandSource): string {
  const { database, statistics, connectionCount, settings, startedAt } = source
  const { tree, watches, sessions } = database
  const rows: [string, string | number][] = [
    ['version', fullVersion],
    ['server_state', mode(source)],
    ['ephemerals_count', tree.ephemeralCount],
    ['num_alive_connections', connectionCount],
    ['avg_latency', '0.0'],
    ['outstanding_requests', 0],
    ['znode_count', tree.size],
    ['global_sessions', sessions.size],
    ['local_sessions', 0],
    ['packets_sent', statistics.sent],
    ['packets_received', statistics.received],
    ['connection_drop_probability', '0.0'],
    ['watch_count', watches.size],
    ['auth_failed_count', statistics.authFailed],
    ['min_latency', 0],
    ['max_latency', 0],
    ['approximate_data_size', tree.dataSize],
    ['uptime', Math.floor(settings.runtime.now() - startedAt)],
    ['connection_rejected', statistics.rejected],
  ]
  return rows.map(([name, value]) => `zk_${name}\t${value}\n`).join('')
}

function mode({ database }: CommandSource): string {
  return database.readOnly ? 'read-only' : database.membership.role
}

function describe(connection: ConnectionView, brief: boolean): string {
  const { remote, counts, sessionId, established, timeout, last } = connection
  const fields = [`queued=0,recved=${counts.received},sent=${counts.sent}`]
  if (!brief && sessionId !== null) {
    fields.push(`sid=${hex(sessionId)}`, `lop=${last?.op ?? 'SESS'}`, `est=${Math.floor(established)}`, `to=${timeout}`)
    if (last !== null && last.xid >= 0) fields.push(`lcxid=0x${last.xid.toString(16)}`)
    fields.push(`lzxid=0x${(last?.zxid ?? 0).toString(16)}`, `lresp=${Math.floor(last?.time ?? 0)}`)
    fields.push('llat=0', 'minlat=0', 'avglat=0', 'maxlat=0')
  }
  // The 1 says that the server reads from it.
  return ` ${remote}[${sessionId === null ? 0 : 1}](${fields.join(',')})`
}
