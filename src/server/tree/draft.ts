import { Acl } from '../access/acl-table.ts'
import type { NodeView } from './data-node.ts'
import type { View } from './prepare.ts'
import type { Transaction } from './transaction.ts'

/**
 * The tree as a multi under way would leave it: what its first operations would change, over the tree as it is. So the
 * tree itself changes only when all of them passed.
 */
export class Draft implements View {
  readonly #base: View
  /** Null for what was deleted. */
  readonly #changes = new Map<string, NodeView | null>()

  constructor(base: View) {
    this.#base = base
  }

  find(path: string): NodeView | undefined {
    const change = this.#changes.get(path)
    if (change === undefined) return this.#base.find(path)
    return change ?? undefined
  }

  /** Notes a transaction that passed its checks against this draft. */
  record(transaction: Transaction): void {
    switch (transaction.type) {
      case 'create': {
        const { path, data, acl, owner, parentCreates } = transaction
        const parent = parentOf(path)
        this.#change(parent, (node) => ({ ...node, creates: parentCreates, numChildren: node.numChildren + 1 }))
        const fresh = { acl: new Acl(acl), data, version: 0, aversion: 0, creates: 0, numChildren: 0, owner }
        this.#changes.set(path, fresh)
        break
      }
      case 'delete':
        this.#change(parentOf(transaction.path), (node) => ({ ...node, numChildren: node.numChildren - 1 }))
        this.#changes.set(transaction.path, null)
        break
      case 'setData': {
        const { data, version } = transaction
        this.#change(transaction.path, (node) => ({ ...node, data, version }))
        break
      }
      default:
        break
    }
  }

  #change(path: string, change: (node: NodeView) => NodeView): void {
    const node = this.find(path)
    if (node === undefined) return
    const { acl, data, version, aversion, creates, numChildren, owner } = node
    this.#changes.set(path, change({ acl, data, version, aversion, creates, numChildren, owner }))
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
