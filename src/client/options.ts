import { describeType } from '../common/paths.ts'
import { defaultMaxBuffer } from '../protocol/constants.ts'
import { nodeRuntime } from '../runtime/node-runtime.ts'
import type { TlsOptions } from '../runtime/node-tls-options.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { AuthInfo } from '../session/authentication/auth-request.ts'
import type { CredentialSource } from '../session/authentication/credentials.ts'
import type { HostProvider } from '../session/connecting/host-provider.ts'
import { parseHosts, type Hosts } from '../session/connecting/hosts.ts'
import type { SaslOptions, SaslSource } from '../session/authentication/sasl/options.ts'
import { checkAcl, copyAcl, OPEN_ACL_UNSAFE, type Acl } from './acl.ts'
import { checkBoolean, checkTimeout } from './arguments.ts'
import { toCredentialSource, toSaslSource } from './authentication.ts'
import type { EnsembleMember } from './ensemble-config.ts'
import { checkRetryOptions, KazooRetry, type KazooRetryOptions } from './kazoo-retry.ts'
import { toTlsSource, type TlsSource } from './tls-options.ts'

/** Where the client says what it does: pino and `console` are such. Each level is called with an object and a message. */
export interface Logger {
  /** Each attempt to connect, and what the client does by itself. */
  debug(details: object, message: string): void
  /** Sessions and connections that begin, and end as they should. */
  info(details: object, message: string): void
  /** What the client copes with: a connection or a session lost, an attempt that failed. */
  warn(details: object, message: string): void
  /** What it cannot cope with: authentication that failed, a client that gave up. */
  error(details: object, message: string): void
}

/** Options of {@link KazooClient}: all have defaults, and unknown ones are refused. Times are in milliseconds. */
export interface KazooClientOptions {
  /**
   * `'host:port,[v6]:port,…/chroot'`, or a list of servers whose last entry may be the chroot. The port is 2181 where
   * there is none. Or a function that gives the servers, without a chroot: it is asked anew for each round of connecting,
   * and has a third of the session timeout to answer. An answer that fails, or is no list of servers, is logged and counts
   * as a round that failed. @defaultValue '127.0.0.1:2181'
   */
  readonly hosts?: string | readonly string[] | HostProvider
  /**
   * The session timeout to ask for, in milliseconds; the server has the last word. Where it grants more than ten times
   * that, and more than a minute, the session lasts as long, but heartbeats, attempts to connect and `stop` keep to the
   * larger of these two. @defaultValue 10,000
   */
  readonly sessionTimeout?: number
  /**
   * Whether a server without a quorum will do, for reading, until there is another: `client.readOnly` tells.
   * @defaultValue false
   */
  readonly readOnly?: boolean
  /**
   * A session to resume, as `client.session` gave it; if it has expired, a new one is made. @defaultValue a new session
   */
  readonly session?: { readonly id: bigint; readonly password: Uint8Array }
  /**
   * Credentials to present on each connection, in this order, before it is CONNECTED; or a function that gives them anew
   * for each connection, so that they may change. @defaultValue none
   */
  readonly authData?: readonly AuthInfo[] | (() => readonly AuthInfo[] | PromiseLike<readonly AuthInfo[]>)
  /**
   * SASL, on each connection ahead of all else: `{ mechanism: 'DIGEST-MD5', username, password }`, or
   * `{ mechanism: 'GSSAPI' }` for Kerberos, which takes the package `kerberos`; or a function that gives them anew for
   * each connection, so that passwords may change. @defaultValue none
   */
  readonly saslOptions?: SaslOptions | (() => SaslOptions | PromiseLike<SaslOptions>)
  /** The ACL of what is created without one. @defaultValue {@link OPEN_ACL_UNSAFE} */
  readonly defaultAcl?: readonly Acl[]
  /** Whether to try the servers in random order. @defaultValue true */
  readonly randomizeHosts?: boolean
  /**
   * Whether to follow the ensemble as it changes: its configuration (`/zookeeper/config`) is read on each connection and
   * whenever it changes, and its members become the client's servers, as `setHosts` would have it. `hosts` stay to begin
   * with, and to fall back on when no member can be reached. Nothing changes where the configuration names no address for
   * clients, as that of a server that stands alone, or none that can be reached.
   *
   * A function gives the address of a member as this client has to use it, `'host:port'`, or null to leave the member out:
   * for addresses that are translated, and for TLS, as servers up to 3.9 name their ports without TLS alone. Without it a
   * client with TLS uses no other than `member.secureClient`. @defaultValue false
   */
  readonly trackEnsemble?: boolean | ((member: EnsembleMember) => string | null)
  /**
   * The pauses between rounds of connecting (`delay` 100 ms, `backoff` 2, `maxDelay` 5,000 ms), and how many rounds may
   * fail in a row (`maxTries`, by default without limit). While the session may still live they are at most a twentieth
   * of its timeout, or `delay` if that is longer.
   */
  readonly connectionRetry?: KazooRetry | KazooRetryOptions
  /** What `client.retry` does. @defaultValue `maxTries` −1 (without limit), `delay` 100 ms, `backoff` 2, `maxDelay` 5,000 ms */
  readonly commandRetry?: KazooRetry | KazooRetryOptions
  /**
   * TLS: `true`, or options of `tls.connect` (`ca`, `key`, `cert`, `servername`…), or a function that gives them anew for
   * each attempt to connect, so that certificates may change. Certificates and host names are verified unless the
   * options say otherwise. @defaultValue false
   */
  readonly tls?: boolean | TlsOptions | (() => TlsOptions | PromiseLike<TlsOptions>)
  /** Where the client says what it does. @defaultValue nowhere */
  readonly logger?: Logger
  /**
   * The largest request in bytes, which should be no more than the servers' `jute.maxbuffer`: larger ones reject with
   * `RangeError`. @defaultValue 1,048,575
   */
  readonly maxBuffer?: number
  /**
   * The largest reply in bytes: a larger one ends the connection, and what is in flight rejects with
   * `ConnectionLossError`.
   * @defaultValue 67,108,864 (64 MiB)
   */
  readonly maxReply?: number
  /**
   * How many requests may be queued and in flight, together: further ones reject with `QueueFullError`.
   * @defaultValue 100,000
   */
  readonly maxPending?: number
  /**
   * Milliseconds after which a request rejects with `OperationTimeoutError` that is given no `timeout` of its own; what
   * makes several requests has as long for each of them. It counts from the call, so that requests that wait for a
   * connection are among them; watches that last are set again without it. @defaultValue none
   */
  readonly requestTimeout?: number | undefined
  /** The outside world: clocks, timers, randomness, sockets. For simulations. @defaultValue that of Node */
  readonly runtime?: Runtime
}

/** The option `hosts`, checked. */
export interface HostsOption extends Hosts {
  readonly provider: HostProvider | null
}

/** The options of a client, checked and complete. */
export interface CheckedOptions {
  readonly hosts: HostsOption
  readonly sessionTimeout: number
  readonly readOnly: boolean
  readonly session: { readonly id: bigint; readonly password: Buffer } | null
  readonly authData: CredentialSource
  readonly saslOptions: SaslSource | null
  readonly defaultAcl: readonly Acl[]
  readonly randomizeHosts: boolean
  readonly trackEnsemble: { readonly choose: ((member: EnsembleMember) => string | null) | null } | null
  readonly connectionRetry: KazooRetry
  readonly commandRetry: KazooRetry
  readonly tls: TlsSource
  readonly logger: Logger | undefined
  readonly maxBuffer: number
  readonly maxReply: number
  readonly maxPending: number
  readonly requestTimeout: number | undefined
  readonly runtime: Runtime
}

/** What the options are when nobody says otherwise. */
export const defaultOptions = {
  hosts: '127.0.0.1:2181',
  sessionTimeout: 10_000,
  readOnly: false,
  randomizeHosts: true,
  maxBuffer: defaultMaxBuffer,
  maxReply: 64 * 1024 * 1024,
  maxPending: 100_000,
  retry: { maxTries: -1, delay: 100, backoff: 2, maxDelay: 5_000 },
} as const

const names: ReadonlySet<string> = new Set([
  'hosts',
  'sessionTimeout',
  'readOnly',
  'session',
  'authData',
  'saslOptions',
  'defaultAcl',
  'randomizeHosts',
  'trackEnsemble',
  'connectionRetry',
  'commandRetry',
  'tls',
  'logger',
  'maxBuffer',
  'maxReply',
  'maxPending',
  'requestTimeout',
  'runtime',
])

/** @throws TypeError or RangeError that names the option */
export function checkClientOptions(options: KazooClientOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object, not ${describeType(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`)
  }
  const { sessionTimeout, readOnly, randomizeHosts, defaultAcl, logger, runtime = nodeRuntime } = options
  if (sessionTimeout !== undefined) {
    checkTimeout(sessionTimeout, 'sessionTimeout')
    if (sessionTimeout < 1) throw new RangeError(`sessionTimeout must be at least 1 ms, not ${sessionTimeout}`)
  }
  if (options.requestTimeout !== undefined) checkTimeout(options.requestTimeout, 'requestTimeout')
  checkBoolean(readOnly, 'readOnly')
  checkBoolean(randomizeHosts, 'randomizeHosts')
  if (defaultAcl !== undefined) checkAcl(defaultAcl, 'defaultAcl')
  if (logger !== undefined) checkLogger(logger)
  return {
    hosts: checkHosts(options.hosts === undefined ? defaultOptions.hosts : options.hosts),
    sessionTimeout: Math.round(sessionTimeout ?? defaultOptions.sessionTimeout),
    readOnly: readOnly ?? defaultOptions.readOnly,
    session: checkSession(options.session),
    authData: toCredentialSource(options.authData),
    saslOptions: toSaslSource(options.saslOptions),
    defaultAcl: defaultAcl === undefined ? OPEN_ACL_UNSAFE : copyAcl(defaultAcl),
    randomizeHosts: randomizeHosts ?? defaultOptions.randomizeHosts,
    trackEnsemble: checkTrackEnsemble(options),
    connectionRetry: toRetry(options.connectionRetry, 'connectionRetry', runtime),
    commandRetry: toRetry(options.commandRetry, 'commandRetry', runtime),
    tls: toTlsSource(options.tls),
    logger,
    maxBuffer: checkSize(options.maxBuffer, 'maxBuffer', defaultOptions.maxBuffer),
    maxReply: checkSize(options.maxReply, 'maxReply', defaultOptions.maxReply),
    maxPending: checkSize(options.maxPending, 'maxPending', defaultOptions.maxPending),
    requestTimeout: options.requestTimeout,
    runtime,
  }
}

/** @throws TypeError or RangeError that names `hosts` */
export function checkHosts(hosts: unknown): HostsOption {
  if (typeof hosts === 'function') return { servers: [], chroot: '', provider: hosts as HostProvider }
  return { ...parseHosts(hosts), provider: null }
}

function checkTrackEnsemble({ trackEnsemble, hosts }: KazooClientOptions): CheckedOptions['trackEnsemble'] {
  if (trackEnsemble === undefined || trackEnsemble === false) return null
  if (trackEnsemble !== true && typeof trackEnsemble !== 'function') {
    throw new TypeError(`trackEnsemble must be a boolean or a function, not ${describeType(trackEnsemble)}`)
  }
  if (typeof hosts === 'function') throw new RangeError('trackEnsemble and a function as hosts exclude each other')
  return { choose: trackEnsemble === true ? null : trackEnsemble }
}

function checkSession(session: KazooClientOptions['session']): CheckedOptions['session'] {
  if (session === undefined || session === null) return null
  if (typeof session !== 'object') {
    throw new TypeError(`session must be { id, password }, not ${describeType(session)}`)
  }
  const { id, password } = session
  if (typeof id !== 'bigint') throw new TypeError(`session.id must be a bigint, not ${describeType(id)}`)
  if (!(password instanceof Uint8Array)) throw new TypeError('session.password must be a Uint8Array')
  return { id: BigInt.asIntN(64, id), password: Buffer.from(password) }
}

function checkSize(value: unknown, name: string, standard: number): number {
  if (value === undefined) return standard
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${describeType(value)}`)
  if (!Number.isInteger(value) || value < 1 || value > 0x7fff_ffff) {
    throw new RangeError(`${name} must be a whole number from 1 to 2147483647, not ${value}`)
  }
  return value
}

function checkLogger(logger: unknown): void {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof (logger as Partial<Logger> | null)?.[level] !== 'function') {
      throw new TypeError(`logger must have a function ${level}(details, message)`)
    }
  }
}

function toRetry(retry: KazooRetry | KazooRetryOptions | undefined, name: string, runtime: Runtime): KazooRetry {
  if (retry instanceof KazooRetry) return retry
  if (retry !== undefined) checkRetryOptions(retry, name)
  return new KazooRetry({ ...defaultOptions.retry, runtime, ...retry })
}
