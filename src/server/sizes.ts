/** Sizes in bytes: the last, the smallest and the largest; −1 for none, as ZooKeeper has it. */
export class Sizes {
  last = -1
  min = -1
  max = -1

  add(size: number): void {
    this.last = size
    if (this.min === -1 || size < this.min) this.min = size
    if (size > this.max) this.max = size
  }

  reset(): void {
    this.last = this.min = this.max = -1
  }
}
