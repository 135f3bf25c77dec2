import { createHash } from 'node:crypto'

import type { Runtime } from '../../../../src/runtime/runtime.ts'
import type { DataTree } from '../../../../src/server/tree/data-tree.ts'
import { rowSize } from '../../../../src/server/tree/stat-rows.ts'
import { containerOwner, ownerKind, ttlOwner } from '../../../../src/server/tree/owner.ts'
import { DataDirectory, type DataDirectoryOptions } from '../../../../src/server/storage/data-directory.ts'
import type { StoredState } from '../../../../src/server/storage/storage.ts'
import type { Transaction } from '../../../../src/server/tree/transaction.ts'
import type { SeededRandom } from '../../../../src/testing/index.ts'

/** A data directory in use, as a server uses it. */
export class History {
  readonly directory: DataDirectory
  readonly state: StoredState
  readonly sessions: Map<bigint, number>
  zxid: number
  /** Zxid of the last transaction that was acknowledged. */
  acknowledged: number

  constructor(directory: DataDirectory, state: StoredState) {
    this.directory = directory
    this.state = state
    this.sessions = new Map(state.sessions)
    this.zxid = this.acknowledged = state.lastZxid
    directory.watchSessions(() => Array.from(this.sessions, ([id, timeout]) => ({ id, timeout })))
  }

  static async open(runtime: Runtime, options: Partial<DataDirectoryOptions> = {}): Promise<History> {
    const directory = new DataDirectory({
      runtime,
      dataDir: '/data',
      preallocate: 65_536,
      snapshotChunk: 100,
      onFailure: (error) => {
        throw error
      },
      ...options,
    })
    return new History(directory, await directory.load())
  }

  get tree(): DataTree {
    return this.state.tree
  }

  /** The tree and the sessions, down to the last bit. */
  describe(): string {
    return describe(this.tree, this.sessions)
  }

  commit(transaction: Transaction, sessionId = 1n): void {
    const zxid = ++this.zxid
    if (transaction.type === 'createSession') this.sessions.set(sessionId, transaction.timeout)
    if (transaction.type === 'closeSession') this.sessions.delete(sessionId)
    this.directory.commit({ sessionId, xid: 1, zxid, time: 1000 + zxid }, transaction)
    this.directory.whenDurable(() => (this.acknowledged = Math.max(this.acknowledged, zxid)))
  }

  create(path: string, data = 'data'): void {
    const parent = this.tree.find(path.slice(0, path.lastIndexOf('/')))
    const parentCreates = (parent?.creates ?? 0) + 1
    this.commit({ type: 'create', path, data: Buffer.from(data), acl: open, owner: 0n, parentCreates })
  }

  /** Resolves once all is acknowledged. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => this.directory.whenDurable(resolve))
  }

  /** One of the transactions that a server could come to now. */
  commitRandom(random: SeededRandom): void {
    const session = random.pick([1n, 2n, 3n])
    if (!this.sessions.has(session)) this.commit({ type: 'createSession', timeout: 4000 }, session)
    else if (random.chance(0.02)) {
      const paths = [...(this.tree.ephemerals.get(session) ?? [])]
      this.commit({ type: 'closeSession', paths }, session)
    } else if (random.chance(0.03)) this.commit({ type: 'error', code: -101 }, session)
    else this.commit(this.#change(random, session), session)
  }

  #change(random: SeededRandom, session: bigint): Transaction {
    const path = random.pick(paths)
    const node = this.tree.find(path)
    const parent = this.tree.find(path.slice(0, path.lastIndexOf('/')))
    const data = Buffer.alloc(random.pick([0, 10, 3000]), `${this.zxid}`)
    if (parent === undefined || ownerKind(parent.owner) === 'session') return { type: 'error', code: -101 }
    if (node === undefined) {
      const owner = random.pick([0n, 0n, session, containerOwner, ttlOwner(5000)])
      const parentCreates = parent.creates + 1
      const acl = random.pick([open, readOnly])
      const create: Transaction = { type: 'create', path, data, acl, owner, parentCreates }
      if (!random.chance(0.2)) return create
      return { type: 'multi', transactions: [create, { type: 'setData', path: '/', data, version: 1 }] }
    }
    if (node.numChildren === 0 && random.chance(0.5)) return { type: 'delete', path }
    if (random.chance(0.3)) {
      return { type: 'setAcl', path, acl: random.pick([open, readOnly, digest]), aversion: node.aversion + 1 }
    }
    return { type: 'setData', path, data: random.pick([data, null]), version: node.version + 1 }
  }
}

const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const readOnly = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]
const digest = [{ perms: 31, id: { scheme: 'digest', id: 'user:hash' } }]

const paths = ['/a', '/b', '/c'].flatMap((path) => [
  path,
  ...Array.from({ length: 12 }, (_, index) => `${path}/${index}`),
  `${path}/1/x`,
  `${path}/1/y`,
])

export function describe(tree: DataTree, sessions: ReadonlyMap<bigint, number>): string {
  const znodes = Array.from(tree.entries(), ([path, { data, acl, page, row, children }]) => {
    const stat = Buffer.from(page.buffer, page.byteOffset + row, rowSize).toString('hex')
    const bytes = data === null ? 'null' : createHash('sha1').update(data).digest('hex')
    return JSON.stringify([path, bytes, acl.entries, stat, [...(children ?? [])].toSorted()])
  })
  const owners = Array.from(tree.ephemerals, ([id, owned]) => `${id}: ${[...owned].toSorted().join()}`)
  const ids = Array.from(sessions, ([id, timeout]) => `${id}: ${timeout}`)
  const marked = [...tree.containers, ...tree.ttls]
  return [znodes, owners, ids, marked, [`${tree.dataSize}`]].map((part) => part.toSorted().join('\n')).join('\n\n')
}
