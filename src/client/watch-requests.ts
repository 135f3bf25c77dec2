import { addChroot } from '../common/paths.ts'
import { addWatchModes, watcherTypes } from '../protocol/constants.ts'
import { operations } from '../protocol/operations.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request } from '../session/request.ts'
import type { WatchRegistry } from '../session/watches/watch-registry.ts'

/** A watch that lasts: on one znode, or on all below it too. */
export type LastingKind = 'persistent' | 'recursive'

/** Resolves to what it is given, so that the watch itself may be what the reply resolves to. */
export class AddWatchRequest<T> extends Request<T> {
  readonly op = 'watch'
  readonly opcode: number = operations.addWatch.opcode
  /** May be another one than the caller's, as long as nothing was sent. */
  mode: LastingKind
  readonly #result: T
  readonly #armed: ((watches: WatchRegistry) => void) | undefined

  /** @param armed - called with the answer, before any event that follows it */
  constructor(chroot: string, path: string, mode: LastingKind, result: T, armed?: (watches: WatchRegistry) => void) {
    super(chroot, path)
    this.mode = mode
    this.#result = result
    this.#armed = armed
  }

  write(writer: Writer): void {
    const mode = this.mode === 'recursive' ? addWatchModes.persistentRecursive : addWatchModes.persistent
    operations.addWatch.request.write(writer, { path: addChroot(this.chroot, this.path!), mode })
  }

  read(): T {
    return this.#result
  }

  override watch(watches: WatchRegistry): void {
    this.#armed?.(watches)
  }
}

export class RemoveWatchRequest extends Request<void> {
  readonly op = 'removeWatch'
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
  readonly op = 'restoreWatches'
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
