import { operations } from '../../protocol/operations.ts'
import type { Reader } from '../../protocol/reader.ts'
import type { Writer } from '../../protocol/writer.ts'
import type { Hold, HoldLoss } from './hold.ts'
import type { Holds } from './holds.ts'
import { Request } from '../request.ts'

/** A `sync`, for the sake of the leader's answer. It is outside every chroot. */
abstract class LeaderSync<T> extends Request<T> {
  readonly op: string = 'hold'
  readonly opcode: number = operations.sync.opcode

  constructor() {
    super('', undefined)
  }

  write(writer: Writer): void {
    operations.sync.request.write(writer, { path: '/' })
  }
}

/** The heartbeat while something is held: what comes of it is told to {@link Holds} as for any request. */
export class HeartbeatSync extends LeaderSync<void> {
  read(): void {}
}

/** Begins a hold. */
export class HoldRequest extends LeaderSync<Hold> {
  readonly #holds: Holds
  readonly #loseOn: HoldLoss

  constructor(holds: Holds, loseOn: HoldLoss) {
    super()
    this.#holds = holds
    this.#loseOn = loseOn
  }

  read(_reader: Reader): Hold {
    return this.#holds.begin(this.#loseOn, this.batch!.startedAt)
  }
}
