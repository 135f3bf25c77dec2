import type { Runtime } from '../../runtime/runtime.ts'

/** What has something to send. */
export interface Flushable {
  flush(): void
}

/**
 * Has connections send what one input led to, once it is handled: for all of them together, as an event may be one for ten
 * thousand connections.
 */
export class FlushQueue {
  readonly #runtime: Runtime
  #waiting: Flushable[] = []
  readonly #run = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    let done = 0
    try {
      while (done < waiting.length) waiting[done++]!.flush()
    } finally {
      // One that fails leaves the others alone.
      for (const each of waiting.slice(done)) this.add(each)
    }
  }

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  add(connection: Flushable): void {
    if (this.#waiting.push(connection) === 1) this.#runtime.defer(this.#run)
  }
}
