import { type NoAuthError, NoNodeError, NotEmptyError } from '../common/errors.ts'
import { addChroot } from '../common/paths.ts'
import { anyVersion } from '../protocol/constants.ts'
import type { CallOptions } from '../session/request.ts'
import { DeleteRequest } from './requests.ts'
import { timeBudget } from './time-budget.ts'
import { TransactionError } from './transaction-error.ts'
import { MultiWriteRequest, type Step } from './transaction.ts'
import { inParallel, listTree, shareOf, type TreeHost } from './tree.ts'

/** What deleting a tree asks of its client. */
export interface DeleteHost extends TreeHost {
  readonly maxBuffer: number
}

/** Rounds in which others create znodes in a tree while it is deleted, after which they have won. */
const patience = 100

/** How many znodes one transaction deletes at most: a server does nothing else while it applies them. */
const batchLength = 1_000

/** How many bytes one transaction takes at most; fewer where `maxBuffer` is smaller. */
const batchBytes = 128 * 1024

/** What a transaction takes beside its operations: the length of the frame, the header, the end of the list. */
const envelope = 32

/** How many transactions are under way at a time. */
const batchesAtATime = 8

/**
 * Deletes a znode and all below it, children first, in transactions of many. It is not atomic: others may see a part of
 * it, and a failure leaves a part. What others delete meanwhile is no error, and what they create meanwhile is deleted,
 * too. Unless it was aborted or timed out, nothing of it is under way any more when it rejects.
 *
 * @param deleted - called when something was deleted
 * @throws NoNodeError if there is no such znode to begin with; what the first znode that cannot be deleted was refused
 * with
 */
export function deleteTree(host: DeleteHost, root: string, call: CallOptions, deleted: () => void): Promise<void> {
  return new TreeDeletion(host, timeBudget(host.runtime, call), deleted).run(root)
}

class TreeDeletion {
  readonly #host: DeleteHost
  readonly #limits: () => CallOptions
  readonly #deleted: () => void

  constructor(host: DeleteHost, limits: () => CallOptions, deleted: () => void) {
    this.#host = host
    this.#limits = limits
    this.#deleted = deleted
  }

  /** Each round reads what is there and deletes it: what others have created since then is left to the next. */
  async run(root: string): Promise<void> {
    for (let round = 1; ; round++) {
      const unlisted = new Map<string, NoAuthError>()
      // Who may not list a znode may still delete it, as long as it has no children.
      const levels = await listTree(this.#host, root, this.#limits, (error, path) => {
        unlisted.set(path, error)
        return []
      })
      if (levels === null && round === 1) throw new NoNodeError(undefined, { op: 'delete', path: root })
      const left = levels === null ? null : await this.#deleteAll(levels.toReversed().flat(), unlisted)
      if (left === null) return
      if (round === patience) throw left
    }
  }

  /** @returns why something is left: a child that was created after the list was read; null if nothing is left */
  async #deleteAll(
    paths: readonly string[],
    unlisted: ReadonlyMap<string, NoAuthError>,
  ): Promise<NotEmptyError | null> {
    let left: NotEmptyError | null = null
    const batches = [...this.#batches(paths)]
    const atATime = shareOf(this.#host, batchesAtATime)
    for (let start = 0; start < batches.length; start += atATime) {
      const window = batches.slice(start, start + atATime)
      // A server applies what one client sends in the order of sending: none need wait for the one with the children.
      const applied = await inParallel(this.#host, window, (batch) => this.#deleteTogether(batch))
      // Where somebody else was there before, or something is refused: each by itself tells, and what can go goes.
      for (const [index, batch] of window.entries()) {
        if (applied[index] === true) continue
        const outcomes = await inParallel(this.#host, batch, (path) => this.#deleteOne(path, unlisted.get(path)))
        left = outcomes.findLast((outcome) => outcome !== null) ?? left
      }
    }
    return left
  }

  *#batches(paths: readonly string[]): Generator<readonly string[], void, void> {
    const limit = Math.min(batchBytes, this.#host.maxBuffer) - envelope
    const chrootBytes = Buffer.byteLength(this.#host.chroot)
    let batch: string[] = []
    let size = 0
    for (const path of paths) {
      // The header of the operation, the length of the path, the path, the version.
      const cost = 9 + 4 + chrootBytes + Buffer.byteLength(path) + 4
      if (batch.length > 0 && (batch.length === batchLength || size + cost > limit)) {
        yield batch
        batch = []
        size = 0
      }
      batch.push(path)
      size += cost
    }
    if (batch.length > 0) yield batch
  }

  /** Whether they were deleted: all, or none. */
  async #deleteTogether(batch: readonly string[]): Promise<boolean> {
    // One alone is told what is wrong with it without a transaction.
    if (batch.length === 1) return false
    const { chroot } = this.#host
    const steps = batch.map((path): Step => {
      return {
        op: 'delete',
        path,
        wire: { op: 'delete', body: { path: addChroot(chroot, path), version: anyVersion } },
      }
    })
    try {
      await this.#host.submit(new MultiWriteRequest(chroot, steps), this.#limits())
    } catch (error) {
      if (error instanceof TransactionError) return false
      throw error
    }
    this.#deleted()
    return true
  }

  /**
   * @param unlisted - why its children are not known
   * @returns why it is left for now
   * @throws what it is refused with for good
   */
  async #deleteOne(path: string, unlisted: NoAuthError | undefined): Promise<NotEmptyError | null> {
    try {
      await this.#delete(path)
    } catch (error) {
      if (error instanceof NotEmptyError) {
        if (unlisted !== undefined) throw unlisted
        return error
      }
      if (!(error instanceof NoNodeError)) throw error
    }
    return null
  }

  async #delete(path: string): Promise<void> {
    await this.#host.submit(new DeleteRequest(this.#host.chroot, path, anyVersion), this.#limits())
    this.#deleted()
  }
}
