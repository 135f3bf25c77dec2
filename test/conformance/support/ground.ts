import { randomUUID } from 'node:crypto'

import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'

import { KazooClient, type KazooClientOptions, type Runtime } from '../../../src/index.ts'
import { FaultProxy } from '../../../src/testing/index.ts'
import { type RunningServer, servers, type TestServer } from '../../support/servers.ts'

/** Where the tests' znodes are: under a path of the client's own choice, or under its chroot. */
type Place = 'plain' | 'chroot'

/** The digest user that the clean-up authenticates as: an ACL that shuts others out must let it in. */
export const owner = { scheme: 'digest', credential: 'owner:secret' } as const

/** What a test needs: a server, znodes of its own, and clients and proxies that end with it. */
export class Ground {
  readonly server: TestServer
  readonly place: Place
  readonly #release: (() => Promise<unknown>)[] = []
  #running: RunningServer | null = null
  #admin: KazooClient | null = null
  #root = ''

  constructor(server: TestServer, place: Place) {
    this.server = server
    this.place = place
  }

  /** A client without chroot that sees to what the one under test must not: it has no faults, and no chroot. */
  get admin(): KazooClient {
    if (this.#admin === null) throw new Error('the server is not started')
    return this.#admin
  }

  get chroot(): string {
    return this.place === 'chroot' ? this.#root : ''
  }

  /** Whether the server is, or stands for, that release or a later one. */
  isSince(release: string): boolean {
    return compare(this.server.version, release) >= 0
  }

  /** The path that a test's client calls `path` by. */
  at(path: string): string {
    if (this.place === 'chroot') return path
    return path === '/' ? this.#root : this.#root + path
  }

  /** The path that the server calls `path` by. */
  full(path: string): string {
    return path === '/' ? this.#root : this.#root + path
  }

  /** A client of the test, not yet started. */
  client({ hosts = this.#server.hosts, ...options }: KazooClientOptions & { hosts?: string } = {}): KazooClient {
    const client = new KazooClient({
      hosts: hosts + this.chroot,
      connectionRetry: { delay: 1, backoff: 1, maxDelay: 1 },
      ...options,
    })
    this.#release.push(() => client.stop())
    return client
  }

  connect(options: KazooClientOptions & { hosts?: string } = {}): Promise<KazooClient> {
    return this.client(options).start()
  }

  /** A proxy before the server, without faults as yet. */
  async proxy(): Promise<FaultProxy> {
    const [, host = '', port] = /^\[?([^,]+?)\]?:(\d+)/.exec(this.#server.hosts) ?? []
    const proxy = await new FaultProxy({ target: { host, port: Number(port) } }).start()
    this.#release.push(() => proxy.stop())
    return proxy
  }

  async connectThroughProxy(
    options: KazooClientOptions & { runtime?: Runtime } = {},
  ): Promise<{ zk: KazooClient; proxy: FaultProxy }> {
    const proxy = await this.proxy()
    return { zk: await this.connect({ ...options, hosts: proxy.hosts }), proxy }
  }

  /** The connect string, without a chroot. */
  get hosts(): string {
    return this.#server.hosts
  }

  get #server(): RunningServer {
    if (this.#running === null) throw new Error('the server is not started')
    return this.#running
  }

  /** @internal */
  async open(): Promise<void> {
    this.#running = await this.server.start()
    this.#admin = await new KazooClient({ hosts: this.hosts, authData: [owner] }).start()
  }

  /** @internal */
  async clear(): Promise<void> {
    this.#root = `/conformance-${randomUUID()}`
    await this.admin.create(this.#root)
  }

  /** @internal */
  async tidy(): Promise<void> {
    // The latest first: a client goes before the proxy that it is behind.
    for (const release of this.#release.splice(0).toReversed()) await release()
    await this.admin.delete(this.#root, { recursive: true })
  }

  /** @internal */
  async close(): Promise<void> {
    await this.#admin?.stop()
    await this.#running?.stop()
  }
}

function compare(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number))
  for (const index of [0, 1, 2]) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Runs the tests that `define` declares on each server, each with a subtree of its own. */
export function onEachServer(define: (ground: Ground) => void, place: Place = 'plain'): void {
  describe.each(servers())('$name', (server) => {
    prepare(new Ground(server, place), define)
  })
}

/** Runs the tests that `define` declares on each server, with plain paths and again over a chroot. */
export function onEachServerAndChroot(define: (ground: Ground) => void): void {
  describe.each(servers())('$name', (server) => {
    describe.each(['plain', 'chroot'] as const)('%s', (place) => {
      prepare(new Ground(server, place), define)
    })
  })
}

function prepare(ground: Ground, define: (ground: Ground) => void): void {
  beforeAll(() => ground.open())
  afterAll(() => ground.close())
  beforeEach(() => ground.clear())
  afterEach(() => ground.tidy())
  define(ground)
}
