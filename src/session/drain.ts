import { deferred, type Deferred } from '../common/deferred.ts'

/** Those who wait until fewer requests are pending. */
export class Drain {
  #waiting: { readonly below: number; readonly drained: Deferred<void> }[] = []

  get isAwaited(): boolean {
    return this.#waiting.length > 0
  }

  wait(below: number): Promise<void> {
    const drained = deferred<void>()
    this.#waiting.push({ below, drained })
    return drained.promise
  }

  /** Tells those whose number the pending requests have come below. */
  check(pending: number): void {
    this.#waiting = this.#waiting.filter(({ below, drained }) => {
      if (pending >= below) return true
      drained.resolve()
      return false
    })
  }
}
