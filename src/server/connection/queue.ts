/** First in, first out. Taking one out costs the same however many there are, which `Array.shift` does not promise. */
export class Queue<T> {
  #items: (T | undefined)[] = []
  /** Those before it are taken. */
  #next = 0

  get length(): number {
    return this.#items.length - this.#next
  }

  get first(): T | undefined {
    return this.#items[this.#next]
  }

  get last(): T | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1)
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes the first one out; there must be one. */
  shift(): T {
    const item = this.#items[this.#next]!
    this.#items[this.#next++] = undefined
    if (this.length === 0) this.clear()
    else if (this.#next > 1_000 && this.#next * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#next)
      this.#next = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#next = 0
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = this.#next; i < this.#items.length; i++) yield this.#items[i]!
  }
}
