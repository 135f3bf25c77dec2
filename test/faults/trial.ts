import { KazooClient } from '../../src/index.ts'
import { FaultProxy, SeededRandom } from '../../src/testing/index.ts'
import type { Member, Target } from './target.ts'

/** What a trial counts, over all trials of its fault. */
export type Counted = 'acknowledged' | 'open' | 'refused' | 'suspended' | 'lost' | (string & {})

/** One trial of a fault: its chance, its root, and what was found. */
export class Trial {
  readonly target: Target
  readonly random: SeededRandom
  /** The chroot of everything in here. */
  readonly root: string
  readonly index: number
  readonly problems: string[] = []
  readonly counts = new Map<Counted, number>()
  readonly #seed: number
  readonly #name: string
  readonly #proxies: FaultProxy[] = []

  constructor(target: Target, fault: string, seed: number, index: number) {
    this.target = target
    this.index = index
    this.root = `/${fault}-${seed}-${index}`
    this.#seed = seed
    this.#name = `${fault} ${index}`
    this.random = this.randomOf('')
  }

  /** A stream of its own, so that what one client does changes nothing for another. */
  randomOf(name: string): SeededRandom {
    return new SeededRandom(this.#seed, `${this.#name} ${name}`)
  }

  problem(what: string): void {
    this.problems.push(what)
  }

  count(what: Counted, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by)
  }

  /** All members, this one first. */
  hostsFrom(index: number): string {
    const { members } = this.target
    return members.map((_, i) => members[(index + i) % members.length]!.address).join(',')
  }

  /** A proxy before a member, until the trial's end. */
  async proxyTo({ host, port }: Member): Promise<FaultProxy> {
    const proxy = await new FaultProxy({ target: { host, port } }).start()
    this.#proxies.push(proxy)
    return proxy
  }

  /** A client that knows nothing of what happened before. */
  async withFreshClient<T>(use: (fresh: KazooClient) => Promise<T>, chroot = this.root): Promise<T> {
    const fresh = new KazooClient({
      hosts: `${this.target.hosts}${chroot}`,
      sessionTimeout: 4_000,
      connectionRetry: { delay: 20, maxDelay: 200 },
      commandRetry: { delay: 20, maxDelay: 200 },
    })
    await fresh.start({ timeout: 20_000 })
    try {
      return await use(fresh)
    } finally {
      await fresh.stop()
    }
  }

  /** Frees what the trial held, and removes what it wrote. */
  async end(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.stop()
    await this.withFreshClient(async (fresh) => {
      const made = await fresh.exists(this.root)
      if (made !== null) await fresh.delete(this.root, { recursive: true })
    }, '')
  }
}
