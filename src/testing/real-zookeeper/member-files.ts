import { join } from 'node:path'

import type { Runtime } from '../../runtime/runtime.ts'

/** The ports of one member. */
export interface MemberPorts {
  /** Clients connect here, without TLS. */
  readonly client: number
  /** Followers connect to the leader here; 0 for a standalone server. */
  readonly quorum: number
  /** Members elect their leader here; 0 for a standalone server. */
  readonly election: number
  /** Clients connect here with TLS; null when there is no such port. */
  readonly secure: number | null
}

export interface MemberFiles {
  readonly id: number
  /** The member's own folder. */
  readonly folder: string
  readonly host: string
  /** The ports of all members, in the order of their ids from 1 on. */
  readonly ensemble: readonly MemberPorts[]
  /** ms */
  readonly tickTime: number
  readonly logLevel: LogLevel
  /** Lines of `zoo.cfg` that come on top of, or replace, the launcher's. */
  readonly config: Readonly<Record<string, string>>
  /** The JAAS configuration; undefined without SASL. */
  readonly jaas: string | undefined
}

/** How much a server says in its log. */
export type LogLevel = 'ERROR' | 'WARN' | 'INFO' | 'DEBUG'

export const logLevels: ReadonlySet<unknown> = new Set(['ERROR', 'WARN', 'INFO', 'DEBUG'] satisfies LogLevel[])

const jaasFile = 'jaas.conf'

/** The flags of Java without which a member does not read its JAAS configuration, or takes no DIGEST-MD5 (from 3.9 on). */
export function saslFlags(folder: string): string[] {
  return [`-Djava.security.auth.login.config=${join(folder, jaasFile)}`, '-Dzookeeper.fips-mode=false']
}

/** Writes what a member reads at its start: `zoo.cfg`, `myid`, and the settings of whichever logger it finds. */
export async function writeMemberFiles(runtime: Runtime, member: MemberFiles): Promise<void> {
  const { folder, id, logLevel, jaas } = member
  const files: Record<string, string> = {
    'data/myid': `${id}\n`,
    'zoo.cfg': configuration(member),
    'conf/simplelogger.properties': simpleLogger(logLevel),
    'conf/log4j.properties': log4j(logLevel),
    'conf/logback.xml': logback(logLevel),
    ...(jaas === undefined ? {} : { [jaasFile]: jaas }),
  }
  for (const directory of ['data', 'log', 'conf']) await runtime.files.makeDirectory(join(folder, directory))
  for (const [name, text] of Object.entries(files)) await runtime.files.writeFile(join(folder, name), text)
}

function configuration(member: MemberFiles): string {
  const { ensemble, folder, host, id } = member
  const ports = ensemble[id - 1]
  if (ports === undefined) throw new RangeError(`no member ${id}`)
  const lines: Record<string, string> = {
    tickTime: String(member.tickTime),
    initLimit: '20',
    syncLimit: '10',
    dataDir: join(folder, 'data'),
    dataLogDir: join(folder, 'log'),
    maxClientCnxns: '0',
    'admin.enableServer': 'false',
    '4lw.commands.whitelist': '*',
    reconfigEnabled: 'true',
  }
  if (ensemble.length === 1) {
    lines['clientPort'] = String(ports.client)
    lines['clientPortAddress'] = host
  } else {
    ensemble.forEach((peer, index) => {
      lines[`server.${index + 1}`] = `${host}:${peer.quorum}:${peer.election}:participant;${host}:${peer.client}`
    })
  }
  if (ports.secure !== null) {
    lines['secureClientPort'] = String(ports.secure)
    lines['secureClientPortAddress'] = host
    lines['serverCnxnFactory'] = 'org.apache.zookeeper.server.NettyServerCnxnFactory'
  }
  if (member.jaas !== undefined) {
    lines['authProvider.sasl'] = 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider'
  }
  const all = { ...lines, ...member.config }
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

function simpleLogger(level: LogLevel): string {
  return `org.slf4j.simpleLogger.defaultLogLevel=${level.toLowerCase()}\norg.slf4j.simpleLogger.showDateTime=true\n`
}

function log4j(level: LogLevel): string {
  return [
    `log4j.rootLogger=${level}, OUT`,
    'log4j.appender.OUT=org.apache.log4j.ConsoleAppender',
    'log4j.appender.OUT.layout=org.apache.log4j.PatternLayout',
    'log4j.appender.OUT.layout.ConversionPattern=%d %p [%t] %c: %m%n',
    '',
  ].join('\n')
}

function logback(level: LogLevel): string {
  return [
    '<configuration>',
    '  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">',
    '    <encoder><pattern>%d %p [%t] %c: %m%n</pattern></encoder>',
    '  </appender>',
    `  <root level="${level}"><appender-ref ref="OUT"/></root>`,
    '</configuration>',
    '',
  ].join('\n')
}
