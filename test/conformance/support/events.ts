import type { KazooClient, KazooState, StateChange, WatchedEvent } from '../../../src/index.ts'
import type { FaultProxy } from '../../../src/testing/index.ts'
import { type Deferred, deferred } from '../../../src/common/deferred.ts'

/** A watch function that keeps what it was called with. */
export interface Watch {
  (event: WatchedEvent): void
  readonly events: WatchedEvent[]
  /** The first event. */
  readonly first: Promise<WatchedEvent>
}

export function watch(): Watch {
  const first = deferred<WatchedEvent>()
  const events: WatchedEvent[] = []
  const listener = (event: WatchedEvent): void => {
    events.push(event)
    first.resolve(event)
  }
  return Object.assign(listener, { events, first: first.promise })
}

/** Resolves once all that the server had to say to this client before now has been heard. */
export async function fence(zk: KazooClient): Promise<void> {
  await zk.exists('/')
}

/** The states that a client goes through from now on. */
export class States {
  readonly seen: KazooState[] = []
  readonly causes: (Error | undefined)[] = []
  #waiting: { readonly state: KazooState; readonly found: Deferred<StateChange> }[] = []

  constructor(zk: KazooClient) {
    zk.addListener((state, change) => {
      this.seen.push(state)
      this.causes.push(change.cause)
      const found = this.#waiting.filter((each) => each.state === state)
      this.#waiting = this.#waiting.filter((each) => each.state !== state)
      for (const each of found) each.found.resolve(change)
    })
  }

  /** The next time that the client tells of this state. */
  next(state: KazooState): Promise<StateChange> {
    const found = deferred<StateChange>()
    this.#waiting.push({ state, found })
    return found.promise
  }
}

/** What a promise rejects with; a promise that resolves is a failure. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  const value = await promise.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  )
  if ('error' in value) return value.error
  throw new Error('resolved instead of rejecting', { cause: value.result })
}

/** Takes the connection away, and keeps it away. */
export async function suspend(zk: KazooClient, proxy: FaultProxy): Promise<void> {
  const suspended = new States(zk).next('SUSPENDED')
  await proxy.setMode('refuse')
  proxy.cut()
  await suspended
}
