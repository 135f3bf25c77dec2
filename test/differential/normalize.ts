import { operations, type OperationName } from '../../src/protocol/operations.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { ReplyHeader, WatcherEvent } from '../../src/protocol/records.ts'
import { Stat } from '../../src/protocol/stat.ts'

/** Answers whose order ZooKeeper leaves to a hash table. */
const unordered: ReadonlySet<string> = new Set(['children', 'ephemerals', 'clientInfo'])

/**
 * Writes down what a server says in words that do not depend on when it said so: zxids are counted from the program's
 * first, sessions have the program's names for them.
 */
export class Notation {
  readonly #base: bigint
  readonly #sessions = new Map<bigint, string>()
  readonly #times = new Map<bigint, number>()
  /** Paths of the znodes that were created. */
  readonly created = new Set<string>()

  /** @param base - the zxid that the program begins with */
  constructor(base: bigint) {
    this.#base = base
  }

  get base(): bigint {
    return this.#base
  }

  nameSession(id: bigint, name: string): void {
    this.#sessions.set(id, name)
  }

  session(id: bigint): string {
    return id === 0n ? '-' : (this.#sessions.get(id) ?? 'unknown')
  }

  zxid(zxid: bigint): string {
    if (zxid <= 0n) return String(zxid)
    return zxid < this.#base ? 'old' : `+${zxid - this.#base}`
  }

  event(frame: Buffer): { readonly line: string; readonly zxid: bigint } {
    const reader = Reader.over(frame)
    const { zxid, err } = ReplyHeader.read(reader)
    const { type, state, path } = WatcherEvent.read(reader)
    return { line: `event ${type} ${JSON.stringify(path)} state ${state} err ${err} @${this.zxid(zxid)}`, zxid }
  }

  /** @param op - what was asked; null for an opcode that the table does not have */
  reply(frame: Buffer, op: OperationName | null): { readonly line: string; readonly zxid: bigint } {
    const reader = Reader.over(frame)
    if (frame.length < 16) return { line: `short frame ${frame.toString('hex')}`, zxid: 0n }
    const { xid, zxid, err } = ReplyHeader.read(reader)
    const head = `reply ${xid} ${op ?? 'unknown'} err ${err} @${this.zxid(zxid)}`
    if (frame.length === 16) return { line: head, zxid }
    return { line: `${head} ${this.#body(frame, reader, op)}`, zxid }
  }

  #body(frame: Buffer, reader: Reader, op: OperationName | null): string {
    if (op === null) return frame.toString('hex', 16)
    try {
      const body: unknown = operations[op].response.read(reader)
      if (op.startsWith('create')) this.created.add((body as { path: string }).path)
      const text = JSON.stringify(this.#plain(body, ''))
      return reader.remaining === 0 ? text : `${text} and ${reader.remaining} bytes`
    } catch (error) {
      return `${String(error)}: ${frame.toString('hex', 16)}`
    }
  }

  #plain(value: unknown, key: string): unknown {
    if (value instanceof Stat) return this.#stat(value)
    if (Buffer.isBuffer(value)) return `bytes:${value.toString('latin1')}`
    if (typeof value === 'bigint') return String(value)
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#plain(item, ''))
      if (key === 'acl') return sortRuns(items)
      return unordered.has(key) ? items.map((item) => JSON.stringify(item)).toSorted() : items
    }
    if (typeof value !== 'object' || value === null) return value
    const { op, body } = value as { op?: string; body?: unknown }
    if (op === 'create' || op === 'create2') this.created.add((body as { path: string }).path)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#plain(item, name)]))
  }

  #stat(stat: Stat): string {
    const { version, cversion, aversion, dataLength, numChildren } = stat
    const clock = this.#sameTime(stat.czxid, stat.ctime) && this.#sameTime(stat.mzxid, stat.mtime)
    return [
      `c${this.zxid(stat.czxid)} m${this.zxid(stat.mzxid)} p${this.zxid(stat.pzxid)}`,
      `v${version} cv${cversion} av${aversion} owner ${this.session(stat.ephemeralOwner)} ${dataLength}B ${numChildren}#`,
      clock ? '' : `times ${stat.ctime} ${stat.mtime} are not those of the zxids`,
    ].join(' ')
  }

  /** A transaction has one time, in whichever Stat it is seen. */
  #sameTime(zxid: bigint, time: number): boolean {
    const known = this.#times.get(zxid)
    if (known === undefined) this.#times.set(zxid, time)
    return known === undefined || known === time
  }
}

/** What `auth` in an ACL stands for comes in the order of a hash table: entries of the same permissions, side by side. */
function sortRuns(items: readonly unknown[]): unknown[] {
  const runs: { readonly perms: unknown; readonly entries: string[] }[] = []
  for (const item of items) {
    const { perms } = item as { readonly perms: number }
    const last = runs.at(-1)
    if (last !== undefined && last.perms === perms) last.entries.push(JSON.stringify(item))
    else runs.push({ perms, entries: [JSON.stringify(item)] })
  }
  return runs.flatMap(({ entries }) => entries.toSorted())
}
