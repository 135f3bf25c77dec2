/** Of numbers that come one by one, such as latencies in ms: how many, their sum, the least and the most of them. */
export class Summary {
  count = 0
  total = 0
  /** The last of them. */
  last = 0
  #min = Number.POSITIVE_INFINITY
  #max = 0

  get min(): number {
    return this.count === 0 ? 0 : this.#min
  }

  get max(): number {
    return this.#max
  }

  get average(): number {
    return this.count === 0 ? 0 : this.total / this.count
  }

  /** @param count - how many times it came */
  add(value: number, count = 1): void {
    this.count += count
    this.total += value * count
    this.last = value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  reset(): void {
    this.count = this.total = this.last = this.#max = 0
    this.#min = Number.POSITIVE_INFINITY
  }
}
