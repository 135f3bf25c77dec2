import { addChroot } from '../common/paths.ts'
import { addWatchModes, watcherTypes } from '../protocol/constants.ts'
import { operations } from '../protocol/operations.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request } from '../session/request.ts'
import type { WatchListener, WatchRegistry } from '../session/watches/watch-registry.ts'

/** A watch that lasts: on one znode, or on all below it too. */
export type LastingKind = 'persistent' | 'recursive'

export class AddWatchRequest extends Request<void> {
  readonly op = 'watch'
  readonly opcode: number = operations.addWatch.opcode
  readonly #kind: LastingKind
  readonly #mode: LastingKind

  /** @param mode - what the server is asked for, where that is to tell of more than the kind needs */
  constructor(
    chroot: string,
    path: string,
    kind: LastingKind,
    listener: WatchListener | null,
    mode: LastingKind = kind,
  ) {
    super(chroot, path, listener)
    this.#kind = kind
    this.#mode = mode
  }

  write(writer: Writer): void {
    const mode = this.#mode === 'recursive' ? addWatchModes.persistentRecursive : addWatchModes.persistent
    operations.addWatch.request.write(writer, { path: addChroot(this.chroot, this.path!), mode })
  }

  read(): void {}

  override watch(watches: WatchRegistry): void {
    if (this.listener !== null) watches.add(this.#kind, addChroot(this.chroot, this.path!), this.listener, this.chroot)
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

/** Sets the one-shot watches that there are on a path on the server, which tells at once of what they have missed. */
export class RestoreWatchesRequest extends Request<void> {
  readonly op = 'stop'
  readonly opcode: number = operations.setWatches.opcode
  readonly #watches: WatchRegistry
  readonly #since: bigint

  /** @param since - the zxid up to which nothing was missed */
  constructor(chroot: string, path: string, watches: WatchRegistry, since: bigint) {
    super(chroot, path)
    this.#watches = watches
    this.#since = since
  }

  write(writer: Writer): void {
    const path = addChroot(this.chroot, this.path!)
    const of = (kind: 'data' | 'exist' | 'child'): string[] => (this.#watches.has(kind, path) ? [path] : [])
    operations.setWatches.request.write(writer, {
      relativeZxid: this.#since,
      dataWatches: of('data'),
      existWatches: of('exist'),
      childWatches: of('child'),
    })
  }

  read(): void {}
}
