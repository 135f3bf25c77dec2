import { ChildrenWatch, DataWatch, NoNodeError, type PersistentWatchEvent, type WatchedEvent } from '../../src/index.ts'
import type { Ledger } from './ledger.ts'
import type { Participant } from './participant.ts'
import { sleep } from './until.ts'

/** The parents whose children are watched, and the registers. */
export const parents = ['/log', '/prot', '/eph'] as const
export const registers = ['/reg/0', '/reg/1'] as const

type Listing = Map<string, readonly string[]>

/**
 * Everything of one client that watches, each with a picture of what it was told: once all is quiet, the pictures must
 * be what a fresh read gives.
 */
export class Watchers {
  readonly #participant: Participant
  readonly #ledger: Ledger
  readonly #dataWatches = new Map<string, string>()
  readonly #childrenWatches: Listing = new Map()
  readonly #oneShot = new Map<string, number>()
  readonly #lastingChildren = new Map<string, Set<string>>()
  readonly #lastingVersions = new Map<string, number>()
  readonly #stops: (() => Promise<unknown>)[] = []
  readonly #deleted: (path: string) => void
  #stopped = false
  #resyncs = 0
  /** What was set in the background and is not done. */
  #busy = 0

  /** @param deleted - told of each znode that goes */
  constructor(participant: Participant, ledger: Ledger, deleted: (path: string) => void) {
    this.#participant = participant
    this.#ledger = ledger
    this.#deleted = deleted
  }

  async start(): Promise<void> {
    const { client } = this.#participant
    for (const path of registers) {
      const watch = new DataWatch(client, path, (data, stat) => {
        this.#dataWatches.set(path, `${stat?.version}: ${String(data)}`)
        if (data !== null && stat !== null) this.#ledger.saw(path, stat.version, data.toString())
      })
      await watch.start()
      this.#stops.push(() => watch.stop())
      this.#follow(path)
    }
    for (const path of parents) {
      const watch = new ChildrenWatch(client, path, (names) => {
        this.#childrenWatches.set(path, names ?? [])
      })
      await watch.start()
      this.#stops.push(() => watch.stop())
    }
    const lasting = await client.watch('/', { recursive: true, listener: (event) => this.#onLasting(event) })
    this.#stops.push(() => lasting.stop())
    this.#readAgain()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#stops.map((stop) => stop().catch(() => {})))
  }

  /** What differs from a fresh read. */
  differences(fresh: { readonly data: ReadonlyMap<string, string>; readonly children: Listing }): string[] {
    const { name } = this.#participant
    const found: string[] = this.#busy > 0 ? [`${name} is still reading`] : []
    const compare = (what: string, seen: unknown, real: unknown): void => {
      if (String(seen) !== String(real))
        found.push(`${name}: ${what} shows ${String(seen)}, and there is ${String(real)}`)
    }
    for (const [path, value] of fresh.data) {
      const version = Number.parseInt(value, 10)
      compare(`the DataWatch on ${path}`, this.#dataWatches.get(path), value)
      compare(`the one-shot watch on ${path}`, this.#oneShot.get(path), version)
      compare(`the lasting watch on ${path}`, this.#lastingVersions.get(path), version)
    }
    for (const [path, names] of fresh.children) {
      const real = names.toSorted()
      compare(`the ChildrenWatch on ${path}`, this.#childrenWatches.get(path)?.toSorted(), real)
      compare(`the lasting watch below ${path}`, [...(this.#lastingChildren.get(path) ?? [])].toSorted(), real)
    }
    return found
  }

  /** A one-shot watch that is set again each time; what it says must be true. */
  #follow(path: string): void {
    const { client, name, heard } = this.#participant
    const arm = async (): Promise<void> => {
      this.#busy++
      try {
        const losses = this.#participant.losses
        let calls = 0
        let version = -1
        const watch = (event: WatchedEvent): void => {
          calls++
          if (calls > 1) this.#ledger.problems.push(`${name}: a one-shot watch on ${path} was called again`)
          if (this.#stopped) return
          void again(event, version, losses)
        }
        const read = await this.#read(() => client.get(path, { watch }))
        version = read.stat.version
        this.#oneShot.set(path, version)
      } catch (error) {
        this.#background(error, `one-shot watch on ${path}`)
      } finally {
        this.#busy--
      }
    }
    const again = async (event: WatchedEvent, before: number, losses: number): Promise<void> => {
      await arm()
      const now = this.#oneShot.get(path) ?? -1
      // Another session may be at a server that knows less.
      if (this.#participant.losses > losses) return
      if (event.type === 'CHANGED' && before !== -1 && now <= before && !this.#stopped) {
        this.#ledger.problems.push(`${name}: ${path} was said to have changed from version ${before}, and is at ${now}`)
      }
    }
    // A session takes its watches with it.
    const onState = (): undefined => {
      if (heard.at(-1)?.state === 'CONNECTED' && heard.at(-2)?.state === 'LOST' && !this.#stopped) void arm()
    }
    client.addListener(onState)
    this.#stops.push(() => Promise.resolve(client.removeListener(onState)))
    void arm()
  }

  #onLasting(event: PersistentWatchEvent): void {
    if (event.type === 'RESYNC') {
      this.#readAgain()
      return
    }
    if (event.type === 'DELETED') this.#deleted(event.path)
    const slash = event.path.lastIndexOf('/')
    const parent = event.path.slice(0, slash)
    const child = event.path.slice(slash + 1)
    const names = this.#lastingChildren.get(parent)
    if (event.type === 'CREATED') names?.add(child)
    else if (event.type === 'DELETED') names?.delete(child)
    else if (event.type === 'CHANGED' && parent === '/reg') void this.#readVersion(event.path)
  }

  #readAgain(): void {
    this.#resyncs++
    for (const path of registers) void this.#readVersion(path)
    for (const path of parents) void this.#readChildren(path)
  }

  /** Events up to a reply come before it: what it lists takes the place of all that was told so far. */
  async #readChildren(path: string): Promise<void> {
    const { client } = this.#participant
    const resync = this.#resyncs
    this.#busy++
    try {
      await this.#read(async () => {
        const names = await client.getChildren(path)
        if (resync === this.#resyncs) this.#lastingChildren.set(path, new Set(names))
      })
    } catch (error) {
      this.#background(error, `children of ${path}`)
    } finally {
      this.#busy--
    }
  }

  async #readVersion(path: string): Promise<void> {
    const { client } = this.#participant
    this.#busy++
    try {
      const { stat } = await this.#read(() => client.get(path))
      this.#lastingVersions.set(path, stat.version)
    } catch (error) {
      this.#background(error, `register ${path}`)
    } finally {
      this.#busy--
    }
  }

  /** Until it succeeds: servers that have forgotten everything have no such znode, for a moment. */
  async #read<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.#participant.client.retry(read)
      } catch (error) {
        if (!(error instanceof NoNodeError) || this.#stopped) throw error
        await sleep(20)
      }
    }
  }

  #background(error: unknown, what: string): void {
    if (this.#stopped) return
    this.#ledger.problems.push(`${this.#participant.name}: reading the ${what} failed: ${String(error)}`)
  }
}
