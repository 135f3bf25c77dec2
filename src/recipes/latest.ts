import { deferred, type Deferred } from '../common/deferred.ts'

/**
 * Hands the latest value to any number of async iterators. One that is slow skips values: it never gets a backlog, and
 * never one that is older than what it had.
 */
export class Latest<T> {
  readonly #readers = new Set<Reader<T>>()
  readonly #onIdle: () => void
  #current: { readonly value: T } | null = null
  #end: { readonly error: Error | undefined } | null = null

  /** @param onIdle - called when the last iterator was left by `break`, `return` or a throw */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle
  }

  set(value: T): void {
    this.#current = { value }
    for (const reader of this.#readers) reader.offer(value)
  }

  /** No further values: iterators end, with the error if there is one, once they have handed out what they have. */
  end(error?: Error): void {
    this.#end = { error }
    for (const reader of this.#readers) reader.end(error)
    this.#readers.clear()
  }

  iterate(): AsyncIterableIterator<T, undefined> {
    const reader = new Reader<T>(() => {
      if (this.#readers.delete(reader) && this.#readers.size === 0) this.#onIdle()
    })
    if (this.#current !== null) reader.offer(this.#current.value)
    if (this.#end === null) this.#readers.add(reader)
    else reader.end(this.#end.error)
    return reader
  }
}

class Reader<T> implements AsyncIterableIterator<T, undefined> {
  readonly #leave: () => void
  #next: { readonly value: T } | null = null
  #waiting: Deferred<IteratorResult<T, undefined>>[] = []
  #end: { readonly error: Error | undefined } | null = null

  constructor(leave: () => void) {
    this.#leave = leave
  }

  offer(value: T): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#next = { value }
    else waiting.resolve({ done: false, value })
  }

  end(error: Error | undefined): void {
    this.#end = { error }
    const waiting = this.#waiting
    this.#waiting = []
    for (const { resolve } of waiting) resolve(this.#finish())
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#next !== null) {
      const { value } = this.#next
      this.#next = null
      return Promise.resolve({ done: false, value })
    }
    if (this.#end !== null) return this.#finish()
    const waiting = deferred<IteratorResult<T, undefined>>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /** An error is thrown once; after it the iterator is simply at its end. */
  #finish(): Promise<IteratorResult<T, undefined>> {
    const error = this.#end?.error
    this.#end = { error: undefined }
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error)
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#next = null
    this.end(undefined)
    this.#leave()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
