import type { Timer } from '../runtime/runtime.ts'
import type { Database } from './database.ts'
import { ownerKind, ttlOf } from './tree/owner.ts'
import { prepareDeleteContainer } from './tree/prepare.ts'

/** Deletes containers whose last child is gone, and TTL znodes that nobody has touched for their time. */
export class Reaper {
  readonly #database: Database
  #timer: Timer | null = null

  constructor(database: Database) {
    this.#database = database
  }

  start(): void {
    const { runtime, reapInterval } = this.#database.settings
    this.#timer = runtime.setTimer(reapInterval, () => {
      this.reap()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  reap(): void {
    const { tree, settings, readOnly, membership } = this.#database
    const { role } = membership
    // Followers leave it to their leader.
    const mayWrite = !readOnly && (role === 'standalone' || role === 'leader') && membership.catchUp()
    if (!mayWrite || (tree.containers.size === 0 && tree.ttls.size === 0)) return
    const now = settings.runtime.wallClock()
    for (const path of [...tree.containers, ...tree.ttls]) {
      const node = tree.find(path)
      if (node === undefined || node.numChildren > 0) continue
      // A container that never had a child waits for its first one, for ever (`znode.container.maxNeverUsedIntervalMs`).
      const isDue = ownerKind(node.owner) === 'ttl' ? now - node.mtime > ttlOf(node.owner) : node.creates > 0
      if (!isDue) continue
      const transaction = prepareDeleteContainer(tree, path)
      if (typeof transaction !== 'number') this.#database.commit(0n, 0, transaction)
    }
  }
}
