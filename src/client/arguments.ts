import { describeType } from '../common/paths.ts'
import { anyVersion } from '../protocol/constants.ts'
import type { WatchListener } from '../session/watches/watch-registry.ts'

/** What a znode's data may be given as. Null is told apart from empty on the server. */
export type DataInput = string | Uint8Array | null

const emptyData = Buffer.alloc(0)

/**
 * A caller's data as bytes.
 *
 * @param maxBuffer - what more than this is refused for, before any of it is copied
 * @throws TypeError or RangeError that names `data`
 */
export function toBytes(data: unknown, maxBuffer: number): Uint8Array | null {
  if (data === null) return null
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw new TypeError(`data must be a string, a Uint8Array or null, not ${describeType(data)}`)
  }
  // A string takes at least a byte for each of its units.
  if (data.length > maxBuffer) throw new RangeError(`data has ${data.length} bytes, and maxBuffer allows ${maxBuffer}`)
  return typeof data === 'string' ? (data === '' ? emptyData : Buffer.from(data)) : data
}

/** A caller's version; −1, which is the default, is any. @throws TypeError or RangeError that names `version` */
export function toVersion(version: unknown): number {
  if (version === undefined) return anyVersion
  if (typeof version !== 'number') throw new TypeError(`version must be a number, not ${describeType(version)}`)
  if (!Number.isInteger(version) || version < -0x8000_0000 || version > 0x7fff_ffff) {
    throw new RangeError(`version must be a 32-bit integer, not ${version}`)
  }
  return version
}

/** Checks the options that every call shares, and that it is given no other than those named. */
export function checkOptions(options: unknown, allowed: ReadonlySet<string>): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`options must be an object, not ${describeType(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!allowed.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`)
  }
  const { signal, timeout } = options as { signal?: unknown; timeout?: unknown }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal must be an AbortSignal, not ${describeType(signal)}`)
  }
  if (timeout !== undefined) checkTimeout(timeout, 'timeout')
}

/** Timers beyond this fire at once in Node. */
const longestTimer = 0x7fff_ffff

export function checkTimeout(value: unknown, name: string): asserts value is number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number of milliseconds, not ${describeType(value)}`)
  }
  if (!(value >= 0 && value <= longestTimer)) {
    throw new RangeError(`${name} must be from 0 to ${longestTimer} milliseconds, not ${value}`)
  }
}

export function checkBoolean(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new TypeError(`${name} must be a boolean, not ${describeType(value)}`)
  }
}

/** A caller's watch function, or null. */
export function toListener(watch: unknown): WatchListener | null {
  if (watch === undefined) return null
  if (typeof watch !== 'function') throw new TypeError(`watch must be a function, not ${describeType(watch)}`)
  return watch as WatchListener
}

/** The names of the options that every call takes, and more. */
export function optionNames(...more: string[]): ReadonlySet<string> {
  return new Set(['signal', 'timeout', ...more])
}
