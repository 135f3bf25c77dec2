import type { DataNode } from './data-node.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import { withoutEnd } from '../without-end.ts'

const quotaRoot = '/zookeeper/quota'
const limitName = 'zookeeper_limits'
export const statName = 'zookeeper_stats'

/** Limits or counts by their names, as the znodes below `/zookeeper/quota` hold them: all are Java's longs. */
type Track = Map<string, bigint>

/** Reads `count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=7`; null for what ZooKeeper cannot read. */
export function parseTrack(data: Uint8Array | null): Track | null {
  if (data === null) return null
  const track: Track = new Map()
  const text = Buffer.from(data).toString('utf8')
  if (text === '') return track
  const pairs = withoutEnd(text, ',;')
  if (pairs === '') return track
  for (const part of pairs.split(/[,;]+/)) {
    const [key = '', value] = withoutEnd(part, '=').split('=', 2)
    const number = value === undefined ? null : parseLong(value)
    if (number === null) return null
    track.set(key, number)
  }
  return track
}

/** A number that Java's long can hold, or nothing, which stands for −1; null for all else. */
function parseLong(text: string): bigint | null {
  if (text === '') return -1n
  const [, sign, digits = ''] = /^([+-]?)0*(\d{1,19})$/.exec(text) ?? []
  if (sign === undefined) return null
  const value = BigInt(sign === '-' ? `-${digits}` : digits)
  return value === asLong(value) ? value : null
}

/** As Java's long comes out, which goes on at the other end. */
function asLong(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

function formatTrack(track: Track): string {
  const text = `count=${numberOf(track, 'count')},bytes=${numberOf(track, 'bytes')}`
  const others = [...track].filter(([key]) => key !== 'count' && key !== 'bytes')
  if (others.length === 0) return text
  others.sort(([a], [b]) => (a < b ? -1 : 1))
  // The odd '=;' lets servers before 3.7 read what newer ones write (ZOOKEEPER-3301).
  return `${text}=${others.map(([key, value]) => `;${key}=${value}`).join('')}`
}

/** −1 for none. */
function numberOf(track: Track, name: string): bigint {
  return track.get(name) ?? -1n
}

/** The subtree that a limit is for: `'/a'` for `'/zookeeper/quota/a/zookeeper_limits'`; null for any other znode. */
export function parseQuotaSubject(path: string): string | null {
  if (!path.startsWith(`${quotaRoot}/`) || !path.endsWith(`/${limitName}`)) return null
  const subject = path.slice(quotaRoot.length, path.length - limitName.length - 1)
  return subject === '' ? null : subject
}

/** Which subtrees have a quota, and what they hold. Limits and counts live in znodes of their own. */
export class QuotaTable {
  readonly #find: (path: string) => DataNode | undefined
  readonly #limited = new Set<string>()

  constructor(find: (path: string) => DataNode | undefined) {
    this.#find = find
  }

  /** The deepest ancestor, or the path itself, that has a quota; null for none. */
  prefixOf(path: string): string | null {
    if (this.#limited.size === 0) return null
    for (let at = path; at.length > 1; at = at.slice(0, at.lastIndexOf('/'))) {
      if (this.#limited.has(at)) return at
    }
    return null
  }

  /** Checks whether a write of this size passes: only hard limits refuse one. Returns an error code, or 0. */
  check(path: string, bytes: number, count: number): ErrorCode {
    const prefix = this.prefixOf(path)
    const limitNode = prefix === null ? undefined : this.#find(`${quotaRoot}${prefix}/${limitName}`)
    if (limitNode === undefined) return errorCodes.ok
    const limits = parseTrack(limitNode.data)
    if (limits === null) return errorCodes.marshallingError
    const counts = count !== 0 && isLimited(limits, 'count', 'countHardLimit')
    const sizes = bytes !== 0 && isLimited(limits, 'bytes', 'byteHardLimit')
    const statNode = counts || sizes ? this.#find(`${quotaRoot}${prefix}/${statName}`) : undefined
    if (statNode === undefined) return errorCodes.ok
    const current = parseTrack(statNode.data)
    if (current === null) return errorCodes.marshallingError
    const most = numberOf(limits, 'countHardLimit')
    if (counts && most > -1n && raised(current, 'count', count) > most) return errorCodes.quotaExceeded
    const largest = numberOf(limits, 'byteHardLimit')
    if (sizes && largest > -1n && raised(current, 'bytes', bytes) > largest) return errorCodes.quotaExceeded
    return errorCodes.ok
  }

  created(path: string, name: string, bytes: number): void {
    if (path.startsWith(quotaRoot)) {
      const subject = path.slice(quotaRoot.length, path.length - name.length - 1)
      if (name === limitName && subject !== '') this.#limited.add(subject)
      if (name === statName) this.#recount(subject, path)
    }
    this.#update(path, bytes, 1)
  }

  /** Takes up a limit, whose znode at `path` came out of a snapshot, and counts what its subtree holds. */
  restored(path: string): void {
    const subject = parseQuotaSubject(path)
    if (subject === null) return
    this.#limited.add(subject)
    this.#recount(subject, `${quotaRoot}${subject}/${statName}`)
  }

  deleted(path: string, bytes: number): void {
    if (path.startsWith(quotaRoot) && path.endsWith(`/${limitName}`)) {
      this.#limited.delete(path.slice(quotaRoot.length, path.length - limitName.length - 1))
    }
    this.#update(path, -bytes, -1)
  }

  changed(path: string, bytes: number): void {
    this.#update(path, bytes, 0)
  }

  #update(path: string, bytes: number, count: number): void {
    const prefix = this.prefixOf(path)
    if (prefix === null) return
    const node = this.#find(`${quotaRoot}${prefix}/${statName}`)
    if (node === undefined) return
    // Counts that cannot be read stop ZooKeeper altogether; here they start anew.
    const track = parseTrack(node.data) ?? new Map<string, bigint>()
    track.set('count', raised(track, 'count', count)).set('bytes', raised(track, 'bytes', bytes))
    node.replaceData(Buffer.from(formatTrack(track)))
  }

  #recount(subject: string, statPath: string): void {
    let count = 0
    let bytes = 0
    const waiting = [subject]
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const node = this.#find(at)
      if (node === undefined) continue
      count++
      bytes += node.data?.length ?? 0
      for (const name of node.children ?? []) waiting.push(`${at}/${name}`)
    }
    this.#find(statPath)?.replaceData(Buffer.from(`count=${count},bytes=${bytes}`))
  }
}

function isLimited(limits: Track, soft: string, hard: string): boolean {
  return numberOf(limits, soft) > -1n || numberOf(limits, hard) > -1n
}

function raised(track: Track, name: string, difference: number): bigint {
  return asLong(numberOf(track, name) + BigInt(difference))
}
