import { Command, InvalidArgumentError } from 'commander'

import type { EmbeddedServerOptions } from '../server/index.ts'
import { explainFailure } from './explain-failure.ts'
import { formatAddress } from './format-address.ts'
import { readTlsFiles, type TlsFlags } from './tls-files.ts'

interface ServerFlags extends TlsFlags {
  readonly host: string
  readonly port: number
  readonly strict: boolean
  readonly tickTime: number
  readonly minSessionTimeout?: number
  readonly maxSessionTimeout?: number
  readonly maxClientCnxns?: number
  readonly maxBuffer?: number
  readonly reapInterval?: number
  readonly ttl?: boolean
  readonly quota?: boolean
  readonly fourLetterWords?: readonly string[]
  readonly reconfig: boolean
  readonly readOnly: boolean
  readonly superDigest?: string
  readonly saslUser?: Readonly<Record<string, string>>
  readonly requireSasl: boolean
  readonly securePort?: number
  readonly dataDir?: string
  readonly dataLogDir?: string
  readonly snapCount?: number
  readonly snapRetainCount?: number
  readonly x509SuperUser?: string
}

const milliseconds = wholeNumber(1, 0x7fff_ffff)

/** `kazoo server`: the embedded server as a process of its own, until SIGINT or SIGTERM. */
export function serverCommand(): Command {
  return new Command('server')
    .description(
      'Runs an embedded ZooKeeper server, for development and tests: one process, in memory unless --data-dir is given.',
    )
    .option('-p, --port <number>', 'port to listen on; 0 picks a free one', wholeNumber(0, 65_535), 2181)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--strict', "ZooKeeper's own defaults: srvr alone, no TTL, 60 connections an address…", false)
    .option('--tick-time <ms>', "ZooKeeper's unit of time", milliseconds, 2_000)
    .option('--min-session-timeout <ms>', 'the shortest one granted (default: two ticks)', milliseconds)
    .option('--max-session-timeout <ms>', 'the longest one granted (default: twenty ticks)', milliseconds)
    .option('--max-client-cnxns <count>', 'connections from one address; 0 for any', wholeNumber(0, 0x7fff_ffff))
    .option('--max-buffer <bytes>', 'the largest request: jute.maxbuffer', wholeNumber(1, 0x7fff_ffff))
    .option('--reap-interval <ms>', 'between two looks for unused containers and TTL znodes', milliseconds)
    .option('--ttl', 'allow TTL znodes (default, unless strict)')
    .option('--no-ttl', 'refuse TTL znodes')
    .option('--quota', 'enforce hard quotas (default, unless strict)')
    .option('--no-quota', 'enforce no quotas')
    .option('--four-letter-words <list>', 'those to answer, with commas between; * for all', list)
    .option('--data-dir <folder>', "keeps what was acknowledged there, in ZooKeeper's own format")
    .option('--data-log-dir <folder>', 'keeps the logs there, apart from the snapshots')
    .option('--snap-count <count>', 'transactions between two snapshots', wholeNumber(2, 0x7fff_ffff))
    .option('--snap-retain-count <count>', 'snapshots to keep; 0 keeps all', wholeNumber(0, 0x7fff_ffff))
    .option('--reconfig', "ZooKeeper's reconfigEnabled", false)
    .option('--read-only', 'serve reads alone, to clients that ask for it', false)
    .option('--super-digest <digest>', 'who may do everything: user:BASE64(SHA1(user:password))')
    .option('--sasl-user <user:password>', 'a user of SASL DIGEST-MD5; may be repeated', collectUser)
    .option('--require-sasl', 'end sessions that do not authenticate by SASL', false)
    .option('--tls-cert <file>', 'certificate, PEM; TLS is then served on the same port, or on --secure-port')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--tls-ca <file>', 'authorities of client certificates, PEM; their subjects are x509 identities')
    .option('--secure-port <number>', 'port for TLS alone', wholeNumber(0, 65_535))
    .option('--x509-super-user <subject>', 'subject of the certificate whose owner may do everything')
    .action(serve)
}

async function serve(flags: ServerFlags): Promise<void> {
  // Loaded here, so that other commands start without it.
  const { EmbeddedServer } = await import('../server/index.ts')
  try {
    const server = new EmbeddedServer(await optionsOf(flags))
    await server.start()
    const { securePort } = server
    const secure = securePort === null ? '' : `, TLS at ${formatAddress(flags.host, securePort)}`
    const stop = (): void => {
      // Nothing is left running then, so the process ends by itself.
      void server.stop()
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    console.log(`kazoo server is ready at ${formatAddress(flags.host, server.port)}${secure}`)
  } catch (error) {
    console.error(`kazoo server: ${explainFailure(error as NodeJS.ErrnoException, flags)}`)
    process.exitCode = 1
  }
}

async function optionsOf(flags: ServerFlags): Promise<EmbeddedServerOptions> {
  const { quota, saslUser, tlsCert, tlsKey, tlsCa, ...rest } = flags
  const tls = await readTlsFiles({ tlsCert, tlsKey, tlsCa })
  return {
    ...rest,
    onNotice: (notice) => console.error(`kazoo server: ${notice}`),
    onFailure: (error) => {
      // The server ends by itself then, and with it the process.
      console.error(`kazoo server: ${error.message}`)
      process.exitCode = 1
    },
    ...(quota === undefined ? {} : { enforceQuota: quota }),
    ...(saslUser === undefined ? {} : { saslUsers: saslUser }),
    ...(tls === null ? {} : { tls }),
  }
}

function list(text: string): readonly string[] {
  return text.split(',').map((word) => word.trim())
}

function collectUser(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const colon = text.indexOf(':')
  if (colon < 1) throw new InvalidArgumentError('It must be a user and a password, with a colon between.')
  return { ...before, [text.slice(0, colon)]: text.slice(colon + 1) }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    }
    return value
  }
}
