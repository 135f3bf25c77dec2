/** A first-in-first-out queue in a ring that doubles: `push` and `shift` cost a constant time. */
export class Deque<T> {
  #items: (T | undefined)[] = new Array<T | undefined>(16)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  get last(): T | undefined {
    return this.#length === 0 ? undefined : this.#at(this.#length - 1)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (this.#length === 0) return undefined
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  /** Empties the queue; returns what was in it, in order. */
  drain(): T[] {
    const items: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    return items
  }

  /** In order; nothing may be taken out meanwhile. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.#at(i)!
  }

  #at(index: number): T | undefined {
    return this.#items[(this.#head + index) & (this.#items.length - 1)]
  }

  #grow(): void {
    const size = this.#items.length
    const items = new Array<T | undefined>(size * 2)
    for (let i = 0; i < this.#length; i++) items[i] = this.#items[(this.#head + i) & (size - 1)]
    this.#items = items
    this.#head = 0
  }
}
