import { type CallOptions, type KazooClient, OPEN_ACL_UNSAFE } from '../../../src/index.ts'
import type { Ground } from './ground.ts'

/**
 * Znodes for one attempt at an operation: `/node` (data `old`) with `/node/child`, and `/leaf`. Nothing is at `/new`.
 */
export class Site {
  readonly #ground: Ground
  readonly #name: string

  private constructor(ground: Ground, name: string) {
    this.#ground = ground
    this.#name = name
  }

  /** Names of the same length give replies of the same size. */
  static async make(ground: Ground, name = 'site'): Promise<Site> {
    const site = new Site(ground, name)
    const { admin } = ground
    await admin.create(site.full('/'))
    await Promise.all([
      admin.create(site.full('/node'), 'old'),
      admin.create(site.full('/node/child')),
      admin.create(site.full('/leaf')),
    ])
    return site
  }

  /** The path for the client under test. */
  at(path: string): string {
    return this.#ground.at(this.#join(path))
  }

  /** The path for the admin. */
  full(path: string): string {
    return this.#ground.full(this.#join(path))
  }

  #join(path: string): string {
    return path === '/' ? `/${this.#name}` : `/${this.#name}${path}`
  }
}

/** An operation as the tests of what can happen to any of them see it. */
export interface Operation {
  readonly name: string
  /** What its errors call it. */
  readonly op: string
  /** The path in its errors, as {@link Site.at} takes it. */
  readonly path?: string
  readonly run: (zk: KazooClient, site: Site, options?: CallOptions) => Promise<unknown>
  /** Whether it was applied, as another client sees it; a read has no such thing. */
  readonly applied?: (admin: KazooClient, site: Site) => Promise<boolean>
  /** Whether its first request only reads. */
  readonly looksFirst?: boolean
}

const isThere = async (admin: KazooClient, path: string): Promise<boolean> => (await admin.exists(path)) !== null

/** Those that are one request. */
export const operations: readonly Operation[] = [
  { name: 'exists', op: 'exists', path: '/node', run: (zk, site, options) => zk.exists(site.at('/node'), options) },
  { name: 'get', op: 'get', path: '/node', run: (zk, site, options) => zk.get(site.at('/node'), options) },
  {
    name: 'getChildren',
    op: 'getChildren',
    path: '/node',
    run: (zk, site, options) => zk.getChildren(site.at('/node'), options),
  },
  {
    name: 'getChildren with includeStat',
    op: 'getChildren',
    path: '/node',
    run: (zk, site, options) => zk.getChildren(site.at('/node'), { ...options, includeStat: true }),
  },
  { name: 'getAcls', op: 'getAcls', path: '/node', run: (zk, site, options) => zk.getAcls(site.at('/node'), options) },
  { name: 'sync', op: 'sync', path: '/node', run: (zk, site, options) => zk.sync(site.at('/node'), options) },
  {
    name: 'create',
    op: 'create',
    path: '/new',
    run: (zk, site, options) => zk.create(site.at('/new'), 'value', options),
    applied: (admin, site) => isThere(admin, site.full('/new')),
  },
  {
    name: 'create with includeStat',
    op: 'create',
    path: '/new',
    run: (zk, site, options) => zk.create(site.at('/new'), 'value', { ...options, includeStat: true }),
    applied: (admin, site) => isThere(admin, site.full('/new')),
  },
  {
    name: 'create of an ephemeral',
    op: 'create',
    path: '/new',
    run: (zk, site, options) => zk.create(site.at('/new'), 'value', { ...options, ephemeral: true }),
    applied: (admin, site) => isThere(admin, site.full('/new')),
  },
  {
    name: 'create in sequence',
    op: 'create',
    path: '/node/new-',
    run: (zk, site, options) => zk.create(site.at('/node/new-'), 'value', { ...options, sequence: true }),
    applied: async (admin, site) => (await admin.getChildren(site.full('/node'))).length > 1,
  },
  {
    name: 'set',
    op: 'set',
    path: '/node',
    run: (zk, site, options) => zk.set(site.at('/node'), 'new', options),
    applied: async (admin, site) => (await admin.get(site.full('/node'))).data.toString() === 'new',
  },
  {
    name: 'setAcls',
    op: 'setAcls',
    path: '/node',
    run: (zk, site, options) => zk.setAcls(site.at('/node'), OPEN_ACL_UNSAFE, options),
    applied: async (admin, site) => (await admin.get(site.full('/node'))).stat.aversion === 1,
  },
  {
    name: 'delete',
    op: 'delete',
    path: '/leaf',
    run: (zk, site, options) => zk.delete(site.at('/leaf'), options),
    applied: async (admin, site) => !(await isThere(admin, site.full('/leaf'))),
  },
  {
    name: 'a transaction',
    op: 'transaction',
    run: (zk, site, options) =>
      zk.transaction().set(site.at('/node'), 'new').create(site.at('/new')).delete(site.at('/leaf')).commit(options),
    applied: async (admin, site) => {
      const there = await Promise.all([
        admin.get(site.full('/node')).then(({ data }) => data.toString() === 'new'),
        isThere(admin, site.full('/new')),
        isThere(admin, site.full('/leaf')).then((leaf) => !leaf),
      ])
      if (there.includes(true) && there.includes(false)) throw new Error('the transaction was applied in part')
      return there.includes(true)
    },
  },
]

/** Those that take several requests. */
export const compositeOperations: readonly Operation[] = [
  {
    name: 'ensurePath',
    op: 'ensurePath',
    path: '/new/below',
    run: (zk, site, options) => zk.ensurePath(site.at('/new/below'), options),
    applied: (admin, site) => isThere(admin, site.full('/new')),
    looksFirst: true,
  },
  {
    name: 'create with makePath',
    op: 'create',
    path: '/new/below',
    run: (zk, site, options) => zk.create(site.at('/new/below'), 'value', { ...options, makePath: true }),
    applied: (admin, site) => isThere(admin, site.full('/new')),
  },
  {
    name: 'create with protect',
    op: 'create',
    path: '/new',
    run: (zk, site, options) => zk.create(site.at('/new'), 'value', { ...options, protect: true }),
    applied: async (admin, site) => (await admin.getChildren(site.full('/'))).length > 2,
  },
  {
    name: 'delete with recursive',
    op: 'delete',
    path: '/node',
    run: (zk, site, options) => zk.delete(site.at('/node'), { ...options, recursive: true }),
    applied: async (admin, site) => !(await isThere(admin, site.full('/node/child'))),
    looksFirst: true,
  },
  {
    name: 'setAcls with recursive',
    op: 'setAcls',
    path: '/node',
    run: (zk, site, options) => zk.setAcls(site.at('/node'), OPEN_ACL_UNSAFE, { ...options, recursive: true }),
    applied: async (admin, site) => (await admin.get(site.full('/node/child'))).stat.aversion === 1,
    looksFirst: true,
  },
]
