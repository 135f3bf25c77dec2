import { createHash } from 'node:crypto'
import { inspect } from 'node:util'

/** The ways in which a secret may be written down, hashed as ZooKeeper's digest scheme does included. */
export function formsOf(secret: string | Buffer): string[] {
  const bytes = Buffer.from(secret)
  const hex = bytes.toString('hex')
  const base64 = bytes.toString('base64')
  return [
    bytes.toString(),
    bytes.toString('latin1'),
    hex,
    hex.toUpperCase(),
    hex.replace(/(..)(?=.)/g, '$1 '),
    base64,
    base64.replace(/=+$/, ''),
    bytes.toString('base64url'),
    encodeURIComponent(bytes.toString('latin1')),
    [...bytes].join(','),
    [...bytes].join(', '),
    createHash('sha1').update(bytes).digest('base64'),
    createHash('md5').update(bytes).digest('hex'),
  ]
}

/** A value as whoever logs it may show it, hidden properties and getters included. */
export function shownIn(value: unknown): string {
  const ways = [
    inspect(value, { depth: Infinity, maxArrayLength: Infinity, getters: true, showHidden: true }),
    inspect(value, { depth: Infinity, maxArrayLength: Infinity, customInspect: false }),
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) ?? '',
  ]
  return ways.join('\n')
}
