import { baseName } from '../../common/paths.ts'
import { eventTypes } from '../../protocol/constants.ts'
import type { AclEntry } from '../../protocol/records.ts'
import { AclTable, type Acl } from '../access/acl-table.ts'
import { DataNode } from './data-node.ts'
import { ownerKind } from './owner.ts'
import { QuotaTable } from './quota.ts'
import { StatRows } from './stat-rows.ts'
import type { CreateTransaction, Transaction, TransactionHeader } from './transaction.ts'
import type { WatchTables } from './watch-table.ts'

const openAcl: readonly AclEntry[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const readAcl: readonly AclEntry[] = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]

export const configPath = '/zookeeper/config'

/** Paths that cannot be deleted. */
const specialPaths: ReadonlySet<string> = new Set(['/', '/zookeeper', '/zookeeper/quota', configPath])

/**
 * The znodes. It changes through {@link apply} alone, which triggers the watches in the order in which ZooKeeper does.
 */
export class DataTree {
  readonly acls = new AclTable()
  readonly quotas: QuotaTable
  /** Paths of the ephemerals by session. */
  readonly ephemerals = new Map<bigint, Set<string>>()
  readonly containers = new Set<string>()
  readonly ttls = new Set<string>()
  readonly #nodes = new Map<string, DataNode>()
  /** The znodes that have children, by path; null until somebody counts descendants. */
  #parents: Map<string, DataNode> | null = null
  readonly #rows = new StatRows()
  readonly #watches: WatchTables
  #dataSize = 0
  #lastParentPath = ''
  #lastParent: DataNode | undefined

  constructor(watches: WatchTables) {
    this.#watches = watches
    this.quotas = new QuotaTable((path) => this.#nodes.get(path))
    const root = this.#make(empty, openAcl)
    // The root has two keys, as in ZooKeeper, where a read of '' is a read of '/' and counts say one more znode.
    this.#nodes.set('', root).set('/', root)
    this.#lastParent = root
    root.addChild('zookeeper')
    const system = this.#make(empty, openAcl)
    this.#nodes.set('/zookeeper', system)
    system.addChild('quota')
    system.addChild('config')
    this.#nodes.set('/zookeeper/quota', this.#make(empty, openAcl))
    const config = this.#make(empty, readAcl)
    // Its ACL was set (ZOOKEEPER-2014), to version −1.
    config.aversion = -1
    this.#nodes.set(configPath, config)
    for (const path of this.#nodes.keys()) this.#dataSize += path.length
  }

  /** As ZooKeeper counts: the root twice. */
  get size(): number {
    return this.#nodes.size
  }

  /** Bytes of all paths and data. */
  get dataSize(): number {
    return this.#dataSize
  }

  get ephemeralCount(): number {
    let count = 0
    for (const paths of this.ephemerals.values()) count += paths.size
    return count
  }

  find(path: string): DataNode | undefined {
    return this.#nodes.get(path)
  }

  isSpecial(path: string): boolean {
    return specialPaths.has(path)
  }

  /** How many descendants a znode has. */
  countDescendants(path: string): number {
    if (path === '/') return this.#nodes.size - 2
    // ZooKeeper counts the keys that begin with '/': the root's second one, too.
    if (path === '') return this.#nodes.size - 1
    if (this.#nodes.get(path)?.children == null) return 0
    const start = `${path}/`
    let count = 0
    for (const [parent, node] of this.#findParents()) {
      if (parent === path || parent.startsWith(start)) count += node.numChildren
    }
    return count
  }

  /** Most znodes of a large tree have no children. They are told apart when somebody asks, and from then on. */
  #findParents(): ReadonlyMap<string, DataNode> {
    if (this.#parents === null) {
      this.#parents = new Map()
      for (const [path, node] of this.#nodes) if (node.numChildren > 0) this.#parents.set(path, node)
    }
    return this.#parents
  }

  /** All paths and znodes, the root once, as `'/'`; parents before their children. */
  *entries(): IterableIterator<[path: string, node: DataNode]> {
    for (const entry of this.#nodes) if (entry[0] !== '') yield entry
  }

  /**
   * All paths and znodes, the root as `''`: each with all that is below it before the next, children in the order in which
   * they were made. The tree may change meanwhile: what is made behind the place that was reached may come or not.
   *
   * @param includes - a znode for which this is false is left out, with all that is below it
   */
  *descend(includes: (node: DataNode) => boolean): IterableIterator<[path: string, node: DataNode]> {
    const root = this.#nodes.get('')!
    yield ['', root]
    const open = [{ path: '', names: root.children?.values() }]
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const next = last.names?.next()
      if (next === undefined || next.done === true) {
        open.pop()
        continue
      }
      const path = `${last.path}/${next.value}`
      const node = this.#nodes.get(path)
      if (node === undefined || !includes(node)) continue
      yield [path, node]
      if (node.children !== null) open.push({ path, names: node.children.values() })
    }
  }

  /** @param applied - called after each part of a multi, as its result is what the tree is then */
  apply(header: TransactionHeader, transaction: Transaction, applied?: (part: Transaction) => void): void {
    switch (transaction.type) {
      case 'create':
        this.#create(header, transaction)
        break
      case 'delete':
        this.#delete(header, transaction.path)
        break
      case 'setData':
        this.#setData(header, transaction.path, transaction.data, transaction.version)
        break
      case 'setAcl':
        this.#setAcl(transaction.path, transaction.acl, transaction.aversion)
        break
      case 'multi':
        for (const part of transaction.transactions) {
          this.apply(header, part)
          applied?.(part)
        }
        break
      case 'closeSession':
        for (const path of transaction.paths) this.#delete(header, path)
        this.ephemerals.delete(header.sessionId)
        break
      case 'check':
      case 'createSession':
      case 'error':
        break
    }
  }

  /**
   * Puts a znode there as a snapshot has it; quotas are counted by nobody. Those that every tree has take the data, ACL and
   * `Stat`. Null if it has no parent.
   *
   * @param stat - holds its `Stat`, from `start` on
   */
  restore(path: string, data: Uint8Array | null, acl: Acl, stat: DataView, start: number): DataNode | null {
    const slash = path.lastIndexOf('/')
    const parent = this.#parentToRestore(path, slash)
    if (parent === undefined) return null
    let node = path === '' || specialPaths.has(path) ? this.#nodes.get(path) : undefined
    acl.uses++
    if (node === undefined) {
      const row = this.#rows.take()
      node = new DataNode(data, acl, this.#rows.page, row)
      node.restore(stat, start)
      this.#nodes.set(path, node)
      parent.addChild(path.slice(slash + 1))
      this.#dataSize += path.length
      if (!node.isOrdinary) this.#index(path, node.owner)
    } else {
      this.#dataSize -= node.data?.length ?? 0
      node.replaceData(data)
      this.acls.release(node.acl)
      node.acl = acl
      node.restore(stat, start)
    }
    this.#dataSize += data?.length ?? 0
    return node
  }

  /** Siblings come one after the other: most of a million look-ups are the one before. */
  #parentToRestore(path: string, slash: number): DataNode | undefined {
    if (slash !== this.#lastParentPath.length || !path.startsWith(this.#lastParentPath)) {
      this.#lastParentPath = path.slice(0, Math.max(0, slash))
      this.#lastParent = this.#nodes.get(this.#lastParentPath)
    }
    return this.#lastParent
  }

  #make(data: Uint8Array | null, acl: readonly AclEntry[]): DataNode {
    const row = this.#rows.take()
    return new DataNode(data, this.acls.acquire(acl), this.#rows.page, row)
  }

  #create(header: TransactionHeader, { path, data, acl, owner, parentCreates }: CreateTransaction): void {
    const parentKey = path.slice(0, path.lastIndexOf('/'))
    const parent = this.#nodes.get(parentKey)
    if (parent === undefined || this.#nodes.has(path)) return
    const name = path.slice(parentKey.length + 1)
    const node = this.#make(data, acl)
    node.initialize(header.zxid, header.time, owner)
    if (parentCreates > parent.creates) {
      parent.creates = parentCreates
      parent.pzxid = header.zxid
    }
    parent.addChild(name)
    this.#parents?.set(parentKey, parent)
    this.#nodes.set(path, node)
    const size = data === null ? 0 : data.length
    this.#dataSize += path.length + size
    this.#index(path, owner)
    this.quotas.created(path, name, size)

    this.#watches.data.trigger(path, eventTypes.created, header.zxid, node.acl)
    this.#watches.child.trigger(parentKey === '' ? '/' : parentKey, eventTypes.childrenChanged, header.zxid, parent.acl)
  }

  #index(path: string, owner: bigint): void {
    switch (ownerKind(owner)) {
      case 'none':
        break
      case 'container':
        this.containers.add(path)
        break
      case 'ttl':
        this.ttls.add(path)
        break
      case 'session': {
        const paths = this.ephemerals.get(owner)
        if (paths === undefined) this.ephemerals.set(owner, new Set([path]))
        else paths.add(path)
        break
      }
    }
  }

  #delete(header: TransactionHeader, path: string): void {
    const parentKey = path.slice(0, path.lastIndexOf('/'))
    const parent = this.#nodes.get(parentKey)
    const node = this.#nodes.get(path)
    if (parent === undefined || node === undefined) return
    const { zxid } = header
    parent.removeChild(baseName(path))
    if (zxid > parent.pzxid) parent.pzxid = zxid
    if (parent.numChildren === 0) this.#parents?.delete(parentKey)
    this.#nodes.delete(path)
    const size = node.data === null ? 0 : node.data.length
    this.#dataSize -= path.length + size
    const { owner, acl } = node
    if (owner !== 0n) this.#unindex(path, owner)
    this.quotas.deleted(path, size)
    this.#rows.release(node.page, node.row)

    const { data, child } = this.#watches
    const told = data.trigger(path, eventTypes.deleted, zxid, acl)
    child.trigger(path, eventTypes.deleted, zxid, acl, told)
    child.trigger(parentKey === '' ? '/' : parentKey, eventTypes.childrenChanged, zxid, parent.acl)
    this.acls.release(acl)
  }

  #unindex(path: string, owner: bigint): void {
    if (this.containers.delete(path) || this.ttls.delete(path)) return
    const paths = this.ephemerals.get(owner)
    if (paths?.delete(path) === true && paths.size === 0) this.ephemerals.delete(owner)
  }

  #setData(header: TransactionHeader, path: string, data: Uint8Array | null, version: number): void {
    const node = this.#nodes.get(path)
    if (node === undefined) return
    const difference = (data === null ? 0 : data.length) - (node.data === null ? 0 : node.data.length)
    node.setData(data, version, header.zxid, header.time)
    this.#dataSize += difference
    this.quotas.changed(path, difference)
    this.#watches.data.trigger(path, eventTypes.dataChanged, header.zxid, node.acl)
  }

  #setAcl(path: string, entries: readonly AclEntry[], aversion: number): void {
    const node = this.#nodes.get(path)
    if (node === undefined) return
    const old: Acl = node.acl
    node.acl = this.acls.acquire(entries)
    node.aversion = aversion
    this.acls.release(old)
  }
}

const empty = new Uint8Array(0)
