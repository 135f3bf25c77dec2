import type { Timer } from '../../runtime/runtime.ts'

/** What kind of thing happens: a process that was frozen looks at these in an order of its own. */
export type EventKind = 'timer' | 'io' | 'immediate' | 'network' | 'script'

/** Whose code an event runs. */
export interface EventOwner {
  readonly name: string
  /** Runs an event whose time has come, if it can. */
  dispatch(event: ScheduledEvent): void
}

/** Something that happens at a moment of virtual time. */
export interface ScheduledEvent extends Timer {
  readonly time: number
  readonly kind: EventKind
  /** Where it happens, for the order among events of one moment and for the trace. */
  readonly place: number
  readonly label: string
  /** Whose code runs; null for the network's and the test's own. */
  readonly process: EventOwner | null
  readonly run: () => void
  readonly cancelled: boolean
}

interface Entry extends ScheduledEvent {
  readonly tie: number
  readonly order: number
  cancelled: boolean
}

/**
 * The events to come. Those of one moment come place by place, in an order of places that the seed gives and that
 * differs from moment to moment; those of one place in the order in which they were added.
 */
export class Schedule {
  readonly #seed: number
  readonly #heap: Entry[] = []
  #order = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  add(event: Omit<ScheduledEvent, 'cancel' | 'cancelled'>): ScheduledEvent {
    const entry: Entry = {
      ...event,
      tie: mix(this.#seed, event.time, event.place),
      order: this.#order++,
      cancelled: false,
      cancel: () => {
        entry.cancelled = true
      },
    }
    this.#push(entry)
    return entry
  }

  /** When the next thing happens. */
  peek(): ScheduledEvent | undefined {
    while (this.#heap[0]?.cancelled === true) this.#pop()
    return this.#heap[0]
  }

  take(): ScheduledEvent | undefined {
    return this.peek() === undefined ? undefined : this.#pop()
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Entry
      if (!isBefore(entry, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = entry
  }

  #pop(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++
      if (!isBefore(heap[child] as Entry, last)) break
      heap[at] = heap[child] as Entry
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.time !== b.time) return a.time < b.time
  if (a.tie !== b.tie) return a.tie < b.tie
  return a.order < b.order
}

function mix(seed: number, time: number, place: number): number {
  let hash = (seed ^ Math.imul(place + 1, 0x9e3779b1) ^ Math.imul(Math.floor(time * 1000) | 0, 0x85ebca6b)) | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}
