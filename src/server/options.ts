import { defaultMaxBuffer } from '../protocol/constants.ts'
import { nodeRuntime } from '../runtime/node-runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'

export interface EmbeddedServerOptions {
  /** Address to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** Port to listen on; 0 picks a free one. @defaultValue 0 */
  readonly port?: number
  /** ZooKeeper's unit of time in milliseconds. @defaultValue 2,000 */
  readonly tickTime?: number
  /** The shortest session timeout granted, in milliseconds. @defaultValue two ticks */
  readonly minSessionTimeout?: number
  /** The longest session timeout granted, in milliseconds. @defaultValue twenty ticks */
  readonly maxSessionTimeout?: number
  /** The largest request accepted, in bytes: ZooKeeper's `jute.maxbuffer`. @defaultValue 1,048,575 */
  readonly maxBuffer?: number
  /** Milliseconds between two looks for containers and TTL znodes that nobody uses any more. @defaultValue 1,000 */
  readonly reapInterval?: number
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
  readonly reapInterval: number
  readonly runtime: Runtime
}

const names: ReadonlySet<string> = new Set([
  'host',
  'port',
  'tickTime',
  'minSessionTimeout',
  'maxSessionTimeout',
  'maxBuffer',
  'reapInterval',
  'runtime',
])

/** @throws TypeError or RangeError that names the option */
export function checkServerOptions(options: EmbeddedServerOptions): ServerSettings {
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`)
  }
  const { host = '127.0.0.1', runtime = nodeRuntime } = options
  if (typeof host !== 'string') throw new TypeError('host must be a string')
  const tickTime = checkNumber(options.tickTime, 'tickTime', 1, 2_000)
  const minSessionTimeout = checkNumber(options.minSessionTimeout, 'minSessionTimeout', 1, tickTime * 2)
  const maxSessionTimeout = checkNumber(options.maxSessionTimeout, 'maxSessionTimeout', 1, tickTime * 20)
  if (minSessionTimeout > maxSessionTimeout) {
    throw new RangeError(
      `minSessionTimeout (${minSessionTimeout}) must not exceed maxSessionTimeout (${maxSessionTimeout})`,
    )
  }
  return {
    host,
    port: checkNumber(options.port, 'port', 0, 0, 65_535),
    tickTime,
    minSessionTimeout,
    maxSessionTimeout,
    maxBuffer: checkNumber(options.maxBuffer, 'maxBuffer', 1, defaultMaxBuffer),
    reapInterval: checkNumber(options.reapInterval, 'reapInterval', 1, 1_000),
    runtime,
  }
}

function checkNumber(value: unknown, name: string, least: number, standard: number, most = 0x7fff_ffff): number {
  if (value === undefined) return standard
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
  }
  return value
}
