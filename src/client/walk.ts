import { NoNodeError } from '../common/errors.ts'
import { checkPath, childPath, describeType } from '../common/paths.ts'
import type { Stat } from '../protocol/stat.ts'
import type { CallOptions } from '../session/request.ts'
import { checkBoolean, checkOptions, optionNames } from './arguments.ts'
import { composite } from './composite.ts'
import { GetChildren2Request, GetChildrenRequest, GetRequest } from './requests.ts'
import { shareOf, type TreeHost } from './tree.ts'

/** Options of `walk`. Aborting `signal` ends the walk. */
export interface WalkOptions extends CallOptions {
  /** Adds the `Stat` of each znode. @defaultValue false */
  readonly includeStat?: boolean
  /** Adds the data of each znode, and its `Stat`. @defaultValue false */
  readonly includeData?: boolean
  /** How many znodes are read at a time, ahead of what was taken: no more than half of `maxPending`. @defaultValue 64 */
  readonly concurrency?: number
  /** Milliseconds for each request of the walk. @defaultValue the client's `requestTimeout` */
  readonly timeout?: number | undefined
}

/** A znode that a walk came by. */
export interface WalkedPath {
  /** Below the client's root, as the path that the walk began with. */
  readonly path: string
}

/** The same with `includeStat`. */
export interface WalkedStat extends WalkedPath {
  readonly stat: Stat
}

/** The same with `includeData`. */
export interface WalkedData extends WalkedStat {
  readonly data: Buffer
}

/** What any walk gives. */
export type WalkedZnode = WalkedPath & { readonly stat?: Stat; readonly data?: Buffer }

/** What was read of a znode; null if it has vanished. */
type Found = { readonly znode: WalkedZnode; readonly children: readonly string[] } | null

const walkNames = optionNames('includeStat', 'includeData', 'concurrency')

/**
 * Walks a tree from its root down: each znode before those below it, and all below it before its siblings.
 *
 * What is known and not yet told are the names of siblings along one path down, so that the memory that it takes grows
 * with the depth and the width of a tree, not with its size.
 */
export async function* walkTree(
  host: TreeHost,
  root: string,
  options: WalkOptions,
): AsyncGenerator<WalkedZnode, void, undefined> {
  const walk = new Walk(host, options)
  checkPath(root)
  const start = new Step(root)
  const stack = [start]
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    options.signal?.throwIfAborted()
    const { path } = step
    const found = await composite({ op: 'walk', path }, options, () => walk.read(step))
    if (found === null) {
      if (step === start) throw new NoNodeError(undefined, { op: 'walk', path })
      continue
    }
    for (const name of found.children.toReversed()) stack.push(new Step(childPath(path, name)))
    walk.readAhead(stack)
    yield found.znode
  }
}

/** A znode that the walk will come by, and what was read of it in advance. */
class Step {
  readonly path: string
  reading: Promise<Found> | null = null

  constructor(path: string) {
    this.path = path
  }
}

class Walk {
  readonly #host: TreeHost
  readonly #includeStat: boolean
  readonly #includeData: boolean
  readonly #concurrency: number
  readonly #limits: CallOptions
  #underWay = 0

  constructor(host: TreeHost, options: WalkOptions) {
    checkOptions(options, walkNames)
    const { includeStat = false, includeData = false, concurrency = 64, signal, timeout } = options
    checkBoolean(includeStat, 'includeStat')
    checkBoolean(includeData, 'includeData')
    checkConcurrency(concurrency)
    this.#host = host
    this.#includeStat = includeStat
    this.#includeData = includeData
    this.#concurrency = shareOf(host, concurrency)
    this.#limits = { signal, timeout }
  }

  read(step: Step): Promise<Found> {
    step.reading ??= this.#begin(step)
    return step.reading
  }

  /** Begins to read what comes next. */
  readAhead(stack: readonly Step[]): void {
    for (let ahead = 1; ahead <= this.#concurrency && this.#underWay < this.#concurrency; ahead++) {
      const step = stack.at(-ahead)
      if (step === undefined) return
      // It counts when the walk comes by; a walk that ends before never asks.
      this.read(step).catch(() => {})
    }
  }

  async #begin({ path }: Step): Promise<Found> {
    this.#underWay++
    try {
      return await this.#find(path)
    } catch (error) {
      if (error instanceof NoNodeError) return null
      throw error
    } finally {
      this.#underWay--
    }
  }

  async #find(path: string): Promise<Found> {
    const { chroot } = this.#host
    if (this.#includeData) {
      const { data, stat } = await this.#host.submit(new GetRequest(chroot, path), this.#limits)
      const children =
        stat.numChildren === 0 ? [] : await this.#host.submit(new GetChildrenRequest(chroot, path), this.#limits)
      return { znode: { path, stat, data }, children }
    }
    if (this.#includeStat) {
      const { children, stat } = await this.#host.submit(new GetChildren2Request(chroot, path), this.#limits)
      return { znode: { path, stat }, children }
    }
    return { znode: { path }, children: await this.#host.submit(new GetChildrenRequest(chroot, path), this.#limits) }
  }
}

function checkConcurrency(value: unknown): void {
  if (typeof value !== 'number') throw new TypeError(`concurrency must be a number, not ${describeType(value)}`)
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`concurrency must be a whole number from 1, not ${value}`)
}
