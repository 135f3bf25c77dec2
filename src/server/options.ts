import { reportUncaught } from '../common/report-uncaught.ts'
import { defaultMaxBuffer } from '../protocol/constants.ts'
import { nodeRuntime } from '../runtime/node-runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { checkDigest, checkFlag, checkFunction, checkNumber, checkString, checkWords } from './option-checks.ts'

/** Options of {@link EmbeddedServer}. Defaults suit development; `strict` gives ZooKeeper's own. */
export interface EmbeddedServerOptions {
  /** Address to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** Port to listen on; 0 picks a free one. @defaultValue 0 */
  readonly port?: number
  /**
   * ZooKeeper's own defaults for what is more generous here: `fourLetterWords`, `ttl`, `enforceQuota`, `maxClientCnxns` and
   * `reapInterval`. Each may still be given. @defaultValue false
   */
  readonly strict?: boolean
  /** ZooKeeper's unit of time in milliseconds. @defaultValue 2,000 */
  readonly tickTime?: number
  /** The shortest session timeout granted, in milliseconds. @defaultValue two ticks */
  readonly minSessionTimeout?: number
  /** The longest session timeout granted, in milliseconds. @defaultValue twenty ticks */
  readonly maxSessionTimeout?: number
  /** The largest request accepted, in bytes: ZooKeeper's `jute.maxbuffer`. @defaultValue 1,048,575 */
  readonly maxBuffer?: number
  /** The most connections from one address; 0 for any number. @defaultValue 0; strict: 60 */
  readonly maxClientCnxns?: number
  /**
   * Milliseconds between two looks for containers and TTL znodes that nobody uses any more.
   * @defaultValue 1,000; strict: 60,000
   */
  readonly reapInterval?: number
  /** Whether TTL znodes may be created: ZooKeeper's `extendedTypesEnabled`. @defaultValue true; strict: false */
  readonly ttl?: boolean
  /** Whether hard quotas refuse what exceeds them. @defaultValue true; strict: false */
  readonly enforceQuota?: boolean
  /** The four-letter words that are answered; `srvr` always is. @defaultValue all; strict: none */
  readonly fourLetterWords?: readonly string[]
  /**
   * ZooKeeper's `reconfigEnabled`: the members of an ensemble may be changed; a server that stands alone, which has none,
   * then answers −6 rather than −123. @defaultValue false
   */
  readonly reconfig?: boolean
  /** Serves nothing but reads, to clients that ask for it alone, as a member without a quorum. @defaultValue false */
  readonly readOnly?: boolean
  /** Who may do everything, as `user:BASE64(SHA1(user:password))`. @defaultValue nobody */
  readonly superDigest?: string
  /** Users of SASL DIGEST-MD5 and their passwords; with any, ACLs may name scheme `sasl`. @defaultValue none */
  readonly saslUsers?: Readonly<Record<string, string>>
  /** Closes sessions that ask for anything before SASL, by −124: `sessionRequireClientSASLAuth`. Needs `saslUsers`. @defaultValue false */
  readonly requireSasl?: boolean
  /**
   * TLS, with options of `node:tls`: `key`, `cert`, `ca`, `requestCert`…. The subject of a client's certificate that was
   * verified is its `x509` identity. @defaultValue none
   */
  readonly tls?: Readonly<Record<string, unknown>>
  /** Port for TLS alone; 0 picks a free one. Needs `tls`. @defaultValue none */
  readonly securePort?: number
  /** Serves TLS on `port`, too. @defaultValue true with `tls` and no `securePort` */
  readonly portUnification?: boolean
  /** Subject of the certificate whose owner may do everything, as `CN=…,O=…`. @defaultValue nobody */
  readonly x509SuperUser?: string
  /**
   * Where to keep what was acknowledged, in ZooKeeper's own format: a folder, which is made if there is none. One server
   * at a time. @defaultValue none: all is in memory, and gone with the server
   */
  readonly dataDir?: string
  /** Where to keep the logs, apart from the snapshots. Needs `dataDir`. @defaultValue `dataDir` */
  readonly dataLogDir?: string
  /** After so many transactions a snapshot is taken. @defaultValue 100,000 */
  readonly snapCount?: number
  /** How many snapshots, with the logs they need, are kept; 0 keeps all. @defaultValue 3; strict: 0 */
  readonly snapRetainCount?: number
  /**
   * Called when nothing can be written to `dataDir` any more: the disk is full, or broken. The server ends, and what it
   * had not acknowledged may be lost. @defaultValue the error is reported as an uncaught exception
   */
  readonly onFailure?: (error: Error) => void
  /**
   * Called with each of the server's `notices`, those of its start included: what was not as it should be in `dataDir`, and
   * could be mended without a loss. @defaultValue none
   */
  readonly onNotice?: (notice: string) => void
  /** The outside world. @defaultValue that of Node */
  readonly runtime?: Runtime
}

/** The options of a server, complete. */
export interface ServerSettings {
  readonly host: string
  readonly port: number
  readonly tickTime: number
  readonly minSessionTimeout: number
  readonly maxSessionTimeout: number
  readonly maxBuffer: number
  readonly maxClientCnxns: number
  readonly reapInterval: number
  readonly ttl: boolean
  readonly enforceQuota: boolean
  /** Null for all. */
  readonly fourLetterWords: ReadonlySet<string> | null
  readonly reconfig: boolean
  readonly readOnly: boolean
  readonly superDigest: string | null
  readonly saslUsers: ReadonlyMap<string, string>
  readonly requireSasl: boolean
  readonly tls: Readonly<Record<string, unknown>> | null
  readonly securePort: number | null
  readonly portUnification: boolean
  readonly x509SuperUser: string | null
  readonly dataDir: string | null
  readonly dataLogDir: string | null
  readonly snapCount: number
  readonly snapRetainCount: number
  readonly onFailure: (error: Error) => void
  readonly onNotice: ((notice: string) => void) | null
  readonly runtime: Runtime
}

const names: ReadonlySet<string> = new Set([
  'host',
  'port',
  'strict',
  'tickTime',
  'minSessionTimeout',
  'maxSessionTimeout',
  'maxBuffer',
  'maxClientCnxns',
  'reapInterval',
  'ttl',
  'enforceQuota',
  'fourLetterWords',
  'reconfig',
  'readOnly',
  'superDigest',
  'saslUsers',
  'requireSasl',
  'tls',
  'securePort',
  'portUnification',
  'x509SuperUser',
  'dataDir',
  'dataLogDir',
  'snapCount',
  'snapRetainCount',
  'onFailure',
  'onNotice',
  'runtime',
])

/** @throws TypeError or RangeError that names the option */
export function checkServerOptions(options: EmbeddedServerOptions): ServerSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('the options must be an object')
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`)
  }
  const strict = checkFlag(options.strict, 'strict', false)
  const tls = options.tls ?? null
  if (tls !== null && typeof tls !== 'object') throw new TypeError('tls must be an object of options of node:tls')
  const securePort =
    options.securePort === undefined ? null : checkNumber(options.securePort, 'securePort', 0, 0, 65_535)
  const portUnification = checkFlag(options.portUnification, 'portUnification', tls !== null && securePort === null)
  if (tls === null && (securePort !== null || portUnification)) {
    throw new TypeError(`${securePort === null ? 'portUnification' : 'securePort'} needs tls`)
  }
  const saslUsers = checkUsers(options.saslUsers)
  const requireSasl = checkFlag(options.requireSasl, 'requireSasl', false)
  if (requireSasl && saslUsers.size === 0) throw new TypeError('requireSasl needs saslUsers')
  const dataDir = checkString(options.dataDir, 'dataDir')
  const dataLogDir = checkString(options.dataLogDir, 'dataLogDir')
  if (dataLogDir !== null && dataDir === null) throw new TypeError('dataLogDir needs dataDir')
  return {
    host: checkString(options.host, 'host') ?? '127.0.0.1',
    port: checkNumber(options.port, 'port', 0, 0, 65_535),
    ...checkTimes(options),
    maxBuffer: checkNumber(options.maxBuffer, 'maxBuffer', 1, defaultMaxBuffer),
    maxClientCnxns: checkNumber(options.maxClientCnxns, 'maxClientCnxns', 0, strict ? 60 : 0),
    reapInterval: checkNumber(options.reapInterval, 'reapInterval', 1, strict ? 60_000 : 1_000),
    ttl: checkFlag(options.ttl, 'ttl', !strict),
    enforceQuota: checkFlag(options.enforceQuota, 'enforceQuota', !strict),
    fourLetterWords: checkWords(options.fourLetterWords, strict ? [] : null),
    reconfig: checkFlag(options.reconfig, 'reconfig', false),
    readOnly: checkFlag(options.readOnly, 'readOnly', false),
    superDigest: checkDigest(options.superDigest, 'superDigest'),
    saslUsers,
    requireSasl,
    tls,
    securePort,
    portUnification,
    x509SuperUser: checkString(options.x509SuperUser, 'x509SuperUser'),
    dataDir,
    dataLogDir,
    snapCount: checkNumber(options.snapCount, 'snapCount', 2, 100_000),
    snapRetainCount: checkNumber(options.snapRetainCount, 'snapRetainCount', 0, strict ? 0 : 3),
    onFailure: checkFunction(options.onFailure, 'onFailure') ?? reportUncaught,
    onNotice: checkFunction(options.onNotice, 'onNotice'),
    runtime: options.runtime ?? nodeRuntime,
  }
}

function checkTimes(
  options: EmbeddedServerOptions,
): Pick<ServerSettings, 'tickTime' | 'minSessionTimeout' | 'maxSessionTimeout'> {
  const tickTime = checkNumber(options.tickTime, 'tickTime', 1, 2_000)
  const minSessionTimeout = checkNumber(options.minSessionTimeout, 'minSessionTimeout', 1, tickTime * 2)
  const maxSessionTimeout = checkNumber(options.maxSessionTimeout, 'maxSessionTimeout', 1, tickTime * 20)
  if (minSessionTimeout > maxSessionTimeout) {
    throw new RangeError(
      `minSessionTimeout (${minSessionTimeout}) must not exceed maxSessionTimeout (${maxSessionTimeout})`,
    )
  }
  return { tickTime, minSessionTimeout, maxSessionTimeout }
}

function checkUsers(users: unknown): ReadonlyMap<string, string> {
  if (users === undefined) return new Map()
  if (typeof users !== 'object' || users === null)
    throw new TypeError('saslUsers must be an object of passwords by user')
  const entries = Object.entries(users)
  // The message names no value: it may be a password.
  if (!entries.every(([, password]) => typeof password === 'string')) {
    throw new TypeError('saslUsers must be an object of passwords by user')
  }
  return new Map(entries as [string, string][])
}
