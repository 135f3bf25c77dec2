import { type KazooClient, SessionExpiredError, type ZooKeeperError } from '../../src/index.ts'

/**
 * What became of a request: it is not known yet; it was answered; it failed and may have been applied; it failed and was
 * not applied.
 */
export type Outcome = 'pending' | 'acknowledged' | 'open' | 'refused'

/** One set of a register. */
interface RegisterWrite {
  readonly by: string
  readonly value: string
  outcome: Outcome
  version: number
}

/** A znode that a client alone makes, and perhaps deletes. */
interface Made {
  readonly by: string
  create: Outcome
  remove: Outcome | null
}

/** How requests may fail while servers and connections do. */
const expected: readonly string[] = ['CONNECTION_LOSS', 'SESSION_EXPIRED', 'OPERATION_TIMEOUT']

/** How many requests a fault may show as left over. */
const shown = 5

/** What the clients asked for and were answered, to be held against what a fresh read finds. */
export class Ledger {
  readonly problems: string[] = []
  readonly counts: Record<Outcome, number> = { pending: 0, acknowledged: 0, open: 0, refused: 0 }
  /** By path. */
  readonly #registers = new Map<string, RegisterWrite[]>()
  readonly #values = new Map<string, string>()
  readonly #made = new Map<string, Made>()
  readonly #pairs: { readonly paths: readonly [string, string]; outcome: Outcome }[] = []
  /** Protected creates, by the data that tells them apart; the path once it is known. */
  readonly #protected = new Map<string, { outcome: Outcome; path: string | null }>()
  readonly #pending = new Set<string>()
  readonly #expected = new Set(expected)

  /** Requests without an end, by what they are. */
  get pending(): readonly string[] {
    return [...this.#pending]
  }

  /** Sets a register to a value that nobody else sets. */
  async set(client: KazooClient, by: string, path: string, value: string): Promise<void> {
    const write: RegisterWrite = { by, value, outcome: 'pending', version: -1 }
    this.#writesOf(path).push(write)
    write.outcome = await this.#end(`${by}: set ${path} ${value}`, client.set(path, value), ({ version }) => {
      write.version = version
      this.saw(path, version, value)
    })
  }

  async create(client: KazooClient, by: string, path: string): Promise<void> {
    const made: Made = { by, create: 'pending', remove: null }
    this.#made.set(path, made)
    made.create = await this.#end(`${by}: create ${path}`, client.create(path, path))
  }

  /** Deletes one of those that a client has made for certain; does nothing if there is none. */
  async removeOne(client: KazooClient, by: string): Promise<void> {
    for (const [path, made] of this.#made) {
      if (made.by !== by || made.create !== 'acknowledged' || made.remove !== null) continue
      made.remove = 'pending'
      made.remove = await this.#end(`${by}: delete ${path}`, client.delete(path))
      return
    }
  }

  /** Makes two at once. */
  async createPair(client: KazooClient, by: string, path: string): Promise<void> {
    const pair = { paths: [`${path}-l`, `${path}-r`] as const, outcome: 'pending' as Outcome }
    this.#pairs.push(pair)
    const [left, right] = pair.paths
    const committed = client.transaction().create(left).create(right).commit()
    pair.outcome = await this.#end(`${by}: create ${left} and ${right}`, committed)
  }

  async createProtected(client: KazooClient, by: string, parent: string, id: string): Promise<void> {
    const made = { outcome: 'pending' as Outcome, path: null as string | null }
    this.#protected.set(id, made)
    const creating = client.create(`${parent}/p-`, id, { sequence: true, protect: true })
    made.outcome = await this.#end(`${by}: create protected ${id}`, creating, (path) => {
      made.path = path
    })
  }

  /** Any other request: it has to end, and to fail as requests may. */
  async ask<T>(what: string, answer: Promise<T>, use: (value: T) => void): Promise<void> {
    await this.#end(what, answer, use)
  }

  /** Takes this for a way in which requests may fail, too. */
  expect(code: string): void {
    this.#expected.add(code)
  }

  /** Begins anew, because the servers have forgotten everything; what is under way may find nothing there. */
  forget(): void {
    this.expect('NO_NODE')
    this.#registers.clear()
    this.#values.clear()
    this.#made.clear()
    this.#protected.clear()
    this.#pairs.length = 0
  }

  /** Somebody was shown this value under this version: nobody may be shown another. */
  saw(path: string, version: number, value: string): void {
    const key = `${path} ${version}`
    const known = this.#values.get(key)
    if (known === undefined) this.#values.set(key, value)
    else if (known !== value) this.problems.push(`${path} has two values of version ${version}: ${known}, ${value}`)
  }

  /** Holds all of it against what is there. */
  async check(fresh: KazooClient): Promise<void> {
    for (const path of this.#registers.keys()) await this.#checkRegister(fresh, path)
    await this.#checkMade(fresh)
    await this.#checkProtected(fresh)
    for (const by of this.#pending) this.problems.push(`left pending: ${by}`)
  }

  #writesOf(path: string): RegisterWrite[] {
    let writes = this.#registers.get(path)
    if (writes === undefined) this.#registers.set(path, (writes = []))
    return writes
  }

  async #end<T>(what: string, request: Promise<T>, use?: (value: T) => void): Promise<Outcome> {
    this.#pending.add(what)
    let outcome: Outcome = 'acknowledged'
    try {
      const value = await request
      use?.(value)
    } catch (error) {
      const { code, maybeApplied } = error as ZooKeeperError
      if (!this.#expected.has(code)) this.problems.push(`${what}: ${String(error)}`)
      if (error instanceof SessionExpiredError && maybeApplied && !what.includes('protected')) {
        this.problems.push(`${what}: refused at the session's end, and yet maybe applied`)
      }
      outcome = maybeApplied ? 'open' : 'refused'
    } finally {
      this.#pending.delete(what)
    }
    this.counts[outcome]++
    return outcome
  }

  async #checkRegister(fresh: KazooClient, path: string): Promise<void> {
    const writes = this.#writesOf(path)
    const { data, stat } = await fresh.retry(() => fresh.get(path))
    const problem = (what: string): void => void this.problems.push(`${path} at version ${stat.version}: ${what}`)
    this.saw(path, stat.version, data.toString())

    const acknowledged = writes.filter(({ outcome }) => outcome === 'acknowledged')
    const versions = new Set(acknowledged.map(({ version }) => version))
    if (versions.size !== acknowledged.length) problem('two sets were acknowledged with the same version')
    const open = writes.filter(({ outcome }) => outcome === 'open').length
    if (stat.version < acknowledged.length) problem(`${acknowledged.length} sets were acknowledged`)
    if (stat.version > acknowledged.length + open) {
      problem(`${acknowledged.length} sets were acknowledged, and only ${open} more may have been applied`)
    }
    const lost = acknowledged.filter(({ version }) => version > stat.version)
    for (const { value, version } of lost.slice(0, shown)) problem(`lost ${value}, acknowledged as version ${version}`)
    // What one client asks for is applied in that order.
    const last = new Map<string, number>()
    for (const { by, value, version } of acknowledged) {
      if (version < (last.get(by) ?? 0)) problem(`${value} of version ${version} overtook a later request`)
      last.set(by, version)
    }
    const refused = new Set(writes.filter(({ outcome }) => outcome === 'refused').map(({ value }) => value))
    for (const [key, value] of this.#values) {
      if (key.startsWith(`${path} `) && refused.has(value)) problem(`${value} is there, and was said not to be`)
    }
  }

  async #checkMade(fresh: KazooClient): Promise<void> {
    const paths = [...this.#made.keys(), ...this.#pairs.flatMap((pair) => pair.paths)]
    const stats = await Promise.all(paths.map((path) => fresh.retry(() => fresh.exists(path))))
    const present = new Set(paths.filter((_, index) => stats[index] !== null))
    for (const [path, { create, remove }] of this.#made) {
      if (remove === 'acknowledged' && present.has(path)) this.problems.push(`${path} is back, after its deletion`)
      if (remove !== null && remove !== 'refused') continue
      if (create === 'acknowledged' && !present.has(path)) this.problems.push(`${path} is lost`)
      if (create === 'refused' && present.has(path)) this.problems.push(`${path} is there, and was said not to be`)
    }
    for (const { paths: both, outcome } of this.#pairs) {
      const found = both.filter((path) => present.has(path)).length
      if (found === 1) this.problems.push(`half of a transaction was applied: ${both[0]}`)
      if (outcome === 'acknowledged' && found === 0) this.problems.push(`${both[0]} and its pair are lost`)
      if (outcome === 'refused' && found > 0) this.problems.push(`${both[0]} is there, and was said not to be`)
    }
  }

  async #checkProtected(fresh: KazooClient): Promise<void> {
    const parents = new Set([...this.#protected.values()].map(({ path }) => path?.replace(/\/[^/]*$/, '')))
    const found = new Map<string, string[]>()
    for (const parent of parents) {
      if (parent === undefined) continue
      const names = await fresh.retry(() => fresh.getChildren(parent))
      for (const path of names.map((name) => `${parent}/${name}`)) {
        const id = (await fresh.retry(() => fresh.get(path))).data.toString()
        found.set(id, [...(found.get(id) ?? []), path])
      }
    }
    for (const [id, { outcome, path }] of this.#protected) {
      const made = found.get(id) ?? []
      if (made.length > 1) this.problems.push(`${id} was made ${made.length} times: ${made.join(', ')}`)
      if (outcome === 'acknowledged' && made[0] !== path) this.problems.push(`${id} should be ${path}, not ${made[0]}`)
      if (outcome === 'refused' && made.length > 0) this.problems.push(`${id} is there, and was said not to be`)
    }
  }
}
