import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'

type Told = [event: string, message: Record<string, unknown>]

/** What was told on a tracing channel and on plain ones, as it was at that moment, until it is disposed of. */
export class Channels {
  readonly told: Told[] = []
  readonly #stops: (() => void)[] = []

  tracing(name: string): this {
    const note = (event: string) => (message: object) => void this.told.push([event, { ...message }])
    const listeners = {
      start: note('start'),
      end: note('end'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
      error: note('error'),
    }
    const traced = tracingChannel(name)
    traced.subscribe(listeners)
    this.#stops.push(() => traced.unsubscribe(listeners))
    return this
  }

  plain(...names: string[]): this {
    for (const name of names) {
      const note = (message: unknown): void => void this.told.push([name, { ...(message as object) }])
      subscribe(name, note)
      this.#stops.push(() => void unsubscribe(name, note))
    }
    return this
  }

  get events(): string[] {
    return this.told.map(([event]) => event)
  }

  /** The last message of that event. */
  last(event: string): Record<string, unknown> {
    const message = this.told.findLast(([name]) => name === event)?.[1]
    if (message === undefined) throw new Error(`nothing was told of ${event}`)
    return message
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop()
  }
}
