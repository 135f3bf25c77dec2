import { addChroot } from '../common/paths.ts'
import { addWatchModes, watcherTypes } from '../protocol/constants.ts'
import { operations } from '../protocol/operations.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request } from '../session/request.ts'
import type { WatchListener, WatchRegistry } from '../session/watch-registry.ts'

/** A watch that lasts: on one znode, or on all below it too. */
export type LastingKind = 'persistent' | 'recursive'

export class AddWatchRequest extends Request<void> {
  readonly op = 'watch'
  readonly opcode: number = operations.addWatch.opcode
  readonly #kind: LastingKind

  constructor(chroot: string, path: string, kind: LastingKind, listener: WatchListener) {
    super(chroot, path, listener)
    this.#kind = kind
  }

  write(writer: Writer): void {
    const mode = this.#kind === 'recursive' ? addWatchModes.persistentRecursive : addWatchModes.persistent
    operations.addWatch.request.write(writer, { path: addChroot(this.chroot, this.path!), mode })
  }

  read(): void {}

  override watch(watches: WatchRegistry): void {
    watches.add(this.#kind, addChroot(this.chroot, this.path!), this.listener!, this.chroot)
  }
}

export class RemoveWatchRequest extends Request<void> {
  readonly op = 'stop'
  readonly opcode: number = operations.removeWatches.opcode
  readonly #type: number

  /** @param kind - `any` for servers before 3.9, which cannot tell kinds apart (ZOOKEEPER-4472) */
  constructor(chroot: string, path: string, kind: LastingKind | 'any') {
    super(chroot, path)
    this.#type =
      kind === 'any'
        ? watcherTypes.any
        : kind === 'recursive'
          ? watcherTypes.persistentRecursive
          : watcherTypes.persistent
  }

  write(writer: Writer): void {
    operations.removeWatches.request.write(writer, { path: addChroot(this.chroot, this.path!), type: this.#type })
  }

  read(): void {}
}
