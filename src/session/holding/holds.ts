import {
  BadVersionError,
  ConnectionClosedError,
  InvalidAclError,
  LockLostError,
  NoAuthError,
  NoChildrenForEphemeralsError,
  NoNodeError,
  NodeExistsError,
  NotEmptyError,
  QuotaExceededError,
} from '../../common/errors.ts'
import { operations } from '../../protocol/operations.ts'
import type { Runtime, Timer } from '../../runtime/runtime.ts'
import { Hold, type HoldKeeper, type HoldLoss } from './hold.ts'
import type { KazooState } from '../session-state.ts'
import { Touches } from './touches.ts'

interface Terms {
  readonly controller: AbortController
  readonly loseOn: HoldLoss
}

/** What the leader orders: its answer comes from there, whichever server the client is connected to. */
const leaderOperations: ReadonlySet<number> = new Set(
  Object.values(operations)
    .filter(({ kind }) => kind === 'write')
    .map(({ opcode }) => opcode),
)

/**
 * Success, and the errors that the leader itself finds when it prepares a write (`PrepRequestProcessor`). Others, such as those of a
 * read-only or an overloaded server, may be the word of the server that the client is connected to.
 */
const leaderErrors: ReadonlySet<number> = new Set([
  0,
  NoNodeError.errno,
  NoAuthError.errno,
  BadVersionError.errno,
  NoChildrenForEphemeralsError.errno,
  NodeExistsError.errno,
  NotEmptyError.errno,
  InvalidAclError.errno,
  QuotaExceededError.errno,
])

/**
 * What is held by the session, and for how long that is certain.
 *
 * The state LOST is not enough for a holder: a follower that is cut off from its leader goes on answering reads and pings
 * while the leader expires the session. So a hold relies on what the leader has confirmed: a new session or a resumed one,
 * a write, a `sync`. While anything is held the heartbeat is a `sync`, and a hold is lost
 *
 * - when the session timeout, less one heartbeat interval, has passed since the sending of the last request that was
 *   confirmed;
 * - before that, where the leader may have heard so little of the session that it expires it earlier ({@link Touches}).
 */
export class Holds implements HoldKeeper {
  /** Whether anything is held: all that is asked on the path of a reply when nothing is. */
  active = false
  /** Kept without holds, too: the first one relies on what was before it. */
  readonly touches = new Touches()
  readonly #runtime: Runtime
  readonly #holds = new Map<Hold, Terms>()
  #sessionId = 0n
  #timeout = 0
  #confirmedAt = -Infinity
  #askedAt = -Infinity
  /** Until when the leader gives the session, by what is sure. */
  #safeUntil = -Infinity
  #timer: Timer | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /**
   * When the leader was last asked, with success or in vain on a new connection: what the next heartbeat is due by. Earlier,
   * where the next one has to come before its time to be in time.
   */
  get askedAt(): number {
    const quarter = this.#timeout / 4
    const latest = this.#safeUntil - quarter - this.#interval()
    return Math.max(this.#askedAt - quarter, Math.min(this.#askedAt, latest))
  }

  /** A server serves the session, asked at that time; its leader has confirmed it, unless it is read-only. */
  granted(sessionId: bigint, timeout: number, sentAt: number, readOnly: boolean): void {
    if (this.#sessionId !== sessionId) this.#safeUntil = -Infinity
    this.#sessionId = sessionId
    this.#timeout = timeout
    this.#askedAt = sentAt
    if (readOnly) return
    this.touches.restart(timeout, sentAt)
    this.#confirmed(sentAt)
  }

  /** A request was answered that was sent at that time. To be called while something is held. */
  answered(opcode: number, errno: number, sentAt: number): void {
    if (leaderOperations.has(opcode) && leaderErrors.has(errno)) this.#confirmed(sentAt)
  }

  /** Begins a hold, on the answer to a request for it that was sent at that time. */
  begin(loseOn: HoldLoss, sentAt: number): Hold {
    this.#confirmed(sentAt)
    const controller = new AbortController()
    const hold = new Hold(this.#sessionId, controller.signal, this)
    this.#holds.set(hold, { controller, loseOn })
    if (!this.active) {
      this.active = true
      this.#schedule()
    }
    return hold
  }

  release(hold: Hold): void {
    this.#holds.delete(hold)
    this.#rest()
  }

  check(): void {
    if (!this.active || this.#runtime.now() < this.#safeUntil) return
    const silence = Math.round(this.#runtime.now() - this.#confirmedAt)
    this.#lose(new LockLostError(`no leader has confirmed the session for ${silence} ms`))
  }

  /** To be called after the listeners have heard of it: what aborts a signal may call `stop`, too. */
  changed(state: KazooState, cause: Error | undefined): void {
    if (!this.active || state === 'CONNECTED') return
    const reason = new LockLostError(undefined, { cause: cause ?? new ConnectionClosedError('the client was stopped') })
    this.#lose(reason, state === 'SUSPENDED' ? 'suspended' : undefined)
  }

  /** Loses those that are lost on that; all by default. */
  #lose(reason: LockLostError, loseOn?: HoldLoss): void {
    const lost = [...this.#holds].filter(([, terms]) => loseOn === undefined || terms.loseOn === loseOn)
    for (const [hold] of lost) this.#holds.delete(hold)
    this.#rest()
    for (const [, { controller }] of lost) controller.abort(reason)
  }

  #rest(): void {
    if (this.#holds.size > 0) return
    this.active = false
    this.#timer?.cancel()
  }

  #confirmed(sentAt: number): void {
    if (sentAt > this.#askedAt) this.#askedAt = sentAt
    if (sentAt > this.#confirmedAt) this.#confirmedAt = sentAt
    const until = Math.min(sentAt - this.#interval(), this.touches.knownAt(sentAt)) + this.#timeout
    if (until > this.#safeUntil) this.#safeUntil = until
  }

  #interval(): number {
    return this.#timeout / 3
  }

  #schedule(): void {
    this.#timer = this.#runtime.setTimer(Math.max(1, this.#safeUntil - this.#runtime.now()), () => {
      this.check()
      if (this.active) this.#schedule()
    })
  }
}
