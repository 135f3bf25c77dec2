import { reportUncaught } from '../common/report-uncaught.ts'
import type { KazooState } from './session-state.ts'

/** What a state listener is told beside the state. */
export interface StateChange {
  /** Why the connection was lost, or the session; undefined when all is well or `stop` was called. */
  readonly cause: Error | undefined
  /**
   * With `'LOST'`: the client was stopped, or gave up; no other session follows until it is started again. A client
   * that is stopped while it is LOST tells LOST once more, to say this.
   */
  readonly stopped: boolean
  /** With `'CONNECTED'`: the server has no quorum, and serves reads alone. Only with the client's option `readOnly`. */
  readonly readOnly: boolean
}

/** Called on each change of state. Returning `true` removes the listener, as in Kazoo. */
export type StateListener = (state: KazooState, change: StateChange) => unknown

/**
 * Those who listen to the state. A change that a listener brings about (by calling `stop`) is told after all have heard
 * of the one under way, so that everyone sees the same sequence.
 */
export class StateListeners {
  readonly #listeners = new Set<StateListener>()
  readonly #changes: [KazooState, StateChange][] = []
  #telling = false

  add(listener: StateListener): void {
    this.#listeners.add(listener)
  }

  remove(listener: StateListener): void {
    this.#listeners.delete(listener)
  }

  tell(state: KazooState, change: StateChange): void {
    this.#changes.push([state, change])
    if (this.#telling) return
    this.#telling = true
    for (let next = this.#changes.shift(); next !== undefined; next = this.#changes.shift()) {
      for (const listener of [...this.#listeners]) {
        // Another one may have removed it meanwhile.
        if (this.#listeners.has(listener)) this.#call(listener, ...next)
      }
    }
    this.#telling = false
  }

  #call(listener: StateListener, state: KazooState, change: StateChange): void {
    try {
      if (listener(state, change) === true) this.#listeners.delete(listener)
    } catch (error) {
      reportUncaught(error)
    }
  }
}
