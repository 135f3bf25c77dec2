import type { DataNode } from './data-node.ts'

const quotaRoot = '/zookeeper/quota'
const limitName = 'zookeeper_limits'
const statName = 'zookeeper_stats'

/** A limit or a count, as the znodes below `/zookeeper/quota` hold it; −1 for none. */
interface Track {
  readonly count: number
  readonly bytes: number
  readonly countHardLimit: number
  readonly byteHardLimit: number
}

/** Reads `count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=7`; what is missing or odd is no limit. */
export function parseTrack(data: Uint8Array | null): Track {
  const values = new Map<string, number>()
  for (const part of Buffer.from(data ?? [])
    .toString('utf8')
    .split(/[,;]+/)) {
    const [key, value] = part.split('=')
    if (key !== undefined && value !== undefined && /^[+-]?\d+$/.test(value)) values.set(key, Number(value))
  }
  return {
    count: values.get('count') ?? -1,
    bytes: values.get('bytes') ?? -1,
    countHardLimit: values.get('countHardLimit') ?? -1,
    byteHardLimit: values.get('byteHardLimit') ?? -1,
  }
}

function formatTrack({ count, bytes, countHardLimit, byteHardLimit }: Track): string {
  const text = `count=${count},bytes=${bytes}`
  if (countHardLimit === -1 && byteHardLimit === -1) return text
  // The odd '=;' lets servers before 3.7 read what newer ones write (ZOOKEEPER-3301).
  return `${text}=;byteHardLimit=${byteHardLimit};countHardLimit=${countHardLimit}`
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

  /** Whether a write of this size passes: only hard limits refuse one. */
  allows(path: string, bytes: number, count: number): boolean {
    const prefix = this.prefixOf(path)
    if (prefix === null) return true
    const limitNode = this.#find(`${quotaRoot}${prefix}/${limitName}`)
    const statNode = this.#find(`${quotaRoot}${prefix}/${statName}`)
    if (limitNode === undefined || statNode === undefined) return true
    const limits = parseTrack(limitNode.data)
    const current = parseTrack(statNode.data)
    if (count !== 0 && limits.countHardLimit > -1 && current.count + count > limits.countHardLimit) return false
    return !(bytes !== 0 && limits.byteHardLimit > -1 && current.bytes + bytes > limits.byteHardLimit)
  }

  created(path: string, name: string, bytes: number): void {
    if (path.startsWith(quotaRoot)) {
      const subject = path.slice(quotaRoot.length, path.length - name.length - 1)
      if (name === limitName && subject !== '') this.#limited.add(subject)
      if (name === statName) this.#recount(subject, path)
    }
    this.#update(path, bytes, 1)
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
    const track = parseTrack(node.data)
    node.replaceData(Buffer.from(formatTrack({ ...track, count: track.count + count, bytes: track.bytes + bytes })))
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
    this.#find(statPath)?.replaceData(Buffer.from(formatTrack({ ...parseTrack(null), count, bytes })))
  }
}
