import type { OperationName } from '../protocol/operations.ts'

/** Which request a fault is meant for; what is left out matches any. */
export interface FaultMatch {
  /** The operation, as `'create'`, `'setData'`, `'multi'`, `'ping'`. */
  readonly op?: OperationName
  /** The path in the request; a multi has none. */
  readonly path?: string
  /** The session that the request belongs to: `client.session.id`. */
  readonly sessionId?: bigint
}

/** What becomes of an answer. */
export type AnswerFault = 'drop' | 'halve'

interface Plan {
  readonly fault: AnswerFault
  readonly match: FaultMatch
  readonly done: () => void
}

/** The part of a server that faults act on. */
export interface FaultHost {
  /** Stops and starts the handling of input, and the clock of sessions. */
  setPaused(paused: boolean): void
  /** Whether the server is read-only from now on; connections that may not stay are closed. */
  setReadOnly(readOnly: boolean): void
  expireSession(id: bigint): boolean
  dropConnections(sessionId?: bigint): number
}

/**
 * Faults on demand, for tests of clients: `server.faults`.
 *
 * ```ts
 * const cut = server.faults.closeBeforeAnswer({ op: 'create' })
 * await zk.create('/a').catch(…)       // ConnectionLossError, and yet `/a` is there
 * await cut
 * ```
 */
export class Faults {
  readonly #host: FaultHost
  #plans: Plan[] = []
  #delay = 0
  #paused = false

  constructor(host: FaultHost) {
    this.#host = host
  }

  /**
   * Leaves everything that comes in unanswered, as a process that is stopped does: connections stay open, new ones are
   * accepted. No session expires meanwhile, and all have their whole timeout again after {@link resume}.
   */
  pause(): void {
    this.#paused = true
    this.#host.setPaused(true)
  }

  /** Answers what came in since {@link pause}, in order. */
  resume(): void {
    this.#paused = false
    this.#host.setPaused(false)
  }

  /** Whether {@link pause} is in force. */
  get paused(): boolean {
    return this.#paused
  }

  /** Delays all that is sent from now on, answers and events, by so many milliseconds; 0 ends it. */
  delay(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError('the delay must not be negative')
    this.#delay = milliseconds
  }

  /** Milliseconds by which all that is sent is delayed. */
  get currentDelay(): number {
    return this.#delay
  }

  /** Handles the next request that matches, then closes its connection instead of answering. Resolves when it did. */
  closeBeforeAnswer(match: FaultMatch = {}): Promise<void> {
    return this.#plan('drop', match)
  }

  /** Handles the next request that matches, sends half of its answer, and closes. Resolves when it did. */
  halfAnswer(match: FaultMatch = {}): Promise<void> {
    return this.#plan('halve', match)
  }

  /** Takes writes away from the server, or gives them back, as losing and finding a quorum does. */
  setReadOnly(readOnly: boolean): void {
    this.#host.setReadOnly(readOnly)
  }

  /** Ends a session as if its time were over. False if there is no such session. */
  expireSession(id: bigint): boolean {
    return this.#host.expireSession(id)
  }

  /** Closes connections and leaves their sessions alive: all, or the one of a session. How many there were. */
  dropConnections(sessionId?: bigint): number {
    return this.#host.dropConnections(sessionId)
  }

  /** Forgets what was planned and has not happened, delays and a pause included; who awaits a plan is released. */
  clear(): void {
    for (const { done } of this.#plans.splice(0)) done()
    this.#delay = 0
    if (this.#paused) this.resume()
  }

  /** Whether any answer is to be spoilt: asked before each, so it must cost nothing. @internal */
  get armed(): boolean {
    return this.#plans.length > 0
  }

  /** What is to become of this answer, if anything; it happens once. @internal */
  take(op: OperationName, path: string | undefined, sessionId: bigint): AnswerFault | null {
    const index = this.#plans.findIndex(
      ({ match }) =>
        (match.op === undefined || match.op === op) &&
        (match.path === undefined || match.path === path) &&
        (match.sessionId === undefined || match.sessionId === sessionId),
    )
    if (index === -1) return null
    const [plan] = this.#plans.splice(index, 1)
    plan!.done()
    return plan!.fault
  }

  #plan(fault: AnswerFault, match: FaultMatch): Promise<void> {
    return new Promise((done) => void this.#plans.push({ fault, match, done }))
  }
}
