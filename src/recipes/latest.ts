import { AsyncReader } from '../common/async-reader.ts'

/** The one value that a reader finds is the last there was. */
const latestOnly = { limit: 1, overflow: <T>(value: T): T => value }

/**
 * Hands the latest value to any number of async iterators. One that is slow skips values: it never gets a backlog, and
 * never one that is older than what it had.
 */
export class Latest<T> {
  readonly #readers = new Set<AsyncReader<T>>()
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
    const reader = new AsyncReader<T>(latestOnly, () => {
      if (this.#readers.delete(reader) && this.#readers.size === 0) this.#onIdle()
    })
    if (this.#current !== null) reader.offer(this.#current.value)
    if (this.#end === null) this.#readers.add(reader)
    else reader.end(this.#end.error)
    return reader
  }
}
