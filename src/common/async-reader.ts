import { deferred, type Deferred } from './deferred.ts'
import { Deque } from './deque.ts'

/** How far a reader may be behind, and what it gets then. */
export interface BacklogPolicy<T> {
  /** How many values wait for it at most. */
  readonly limit: number
  /** Makes what takes the place of all that waits when one more comes. */
  readonly overflow: (value: T) => T
}

/** An iterator over what it is offered from the first moment on, whether or not anybody waits for it. */
export class AsyncReader<T> implements AsyncIterableIterator<T, undefined> {
  readonly #policy: BacklogPolicy<T>
  readonly #leave: () => void
  #backlog = new Deque<T>()
  readonly #waiting = new Deque<Deferred<IteratorResult<T, undefined>>>()
  #end: { readonly error: Error | undefined } | null = null

  /** @param leave - called when the iterator is left by `break`, `return` or a throw */
  constructor(policy: BacklogPolicy<T>, leave: () => void) {
    this.#policy = policy
    this.#leave = leave
  }

  offer(value: T): void {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value })
      return
    }
    const { limit, overflow } = this.#policy
    if (this.#backlog.length < limit) {
      this.#backlog.push(value)
    } else {
      this.#backlog = new Deque()
      this.#backlog.push(overflow(value))
    }
  }

  /** No further values: the iterator ends, with the error if there is one, once it has handed out what it has. */
  end(error: Error | undefined): void {
    this.#end = { error }
    for (const { resolve } of this.#waiting.drain()) resolve(this.#finish())
  }

  next(): Promise<IteratorResult<T, undefined>> {
    // Its length is asked, as a value may be undefined.
    if (this.#backlog.length > 0) return Promise.resolve({ done: false, value: this.#backlog.shift() as T })
    if (this.#end !== null) return this.#finish()
    const waiting = deferred<IteratorResult<T, undefined>>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#backlog = new Deque()
    this.end(undefined)
    this.#leave()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** An error is thrown once; after it the iterator is simply at its end. */
  #finish(): Promise<IteratorResult<T, undefined>> {
    const error = this.#end?.error
    this.#end = { error: undefined }
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error)
  }
}
