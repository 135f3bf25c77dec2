import type { Runtime, Socket, Timer } from '../../runtime/runtime.ts'

/** What all connections of one direction have in common; a {@link Direction} is its public face. */
export interface LaneRules {
  paused: boolean
  /** ms */
  delay: number
  /** ms between one byte and the next; null hands chunks on as they come. */
  dribble: number | null
  /** Bytes that may still pass before a connection is cut; null for any number. */
  remaining: number | null
}

/** What a lane tells its owner. */
export interface LaneEvents {
  held(bytes: number): void
  passed(bytes: number): void
  /** The bytes that were allowed have passed. */
  exhausted(): void
}

/** Bytes, or how the source's stream ended. */
interface Item {
  readonly what: Buffer | 'end' | 'reset'
  /** Not before this time. */
  readonly due: number
}

/** Bytes held back in a lane before its source is told to wait. */
const highWater = 256 * 1024

/**
 * One direction of one connection: a queue between the socket that is read and the one that is written, on which the
 * direction's rules act. Nothing overtakes anything in it, the end of the stream included.
 */
export class Lane {
  readonly #runtime: Runtime
  readonly #rules: LaneRules
  readonly #events: LaneEvents
  readonly #from: Socket
  readonly #queue: Item[] = []
  #to: Socket | null = null
  #queued = 0
  #timer: Timer | null = null
  #blocked = false
  #ended = false
  #closed = false

  constructor(runtime: Runtime, rules: LaneRules, from: Socket, events: LaneEvents) {
    this.#runtime = runtime
    this.#rules = rules
    this.#from = from
    this.#events = events
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Where the bytes go, once that is open. */
  open(to: Socket): void {
    this.#to = to
    this.pump()
  }

  received(bytes: Buffer): void {
    if (this.#closed) return
    this.#push(bytes)
    this.#queued += bytes.length
    if (this.#queued > highWater) this.#from.pause()
    this.pump()
    if (this.#queued > 0) this.#events.held(this.#queued)
  }

  /** The source sends no more; the destination hears of it after all that came before. */
  ended(how: 'end' | 'reset'): void {
    if (this.#closed || this.#ended) return
    this.#ended = true
    this.#push(how)
    this.pump()
  }

  /** The destination takes bytes again. */
  drained(): void {
    this.#blocked = false
    this.pump()
  }

  close(): void {
    this.#closed = true
    this.#queue.length = 0
    this.#timer?.cancel()
  }

  /** Hands on what the rules allow now. */
  pump(): void {
    this.#timer?.cancel()
    this.#timer = null
    while (!this.#closed && !this.#blocked && !this.#rules.paused && this.#to !== null) {
      const item = this.#queue[0]
      if (item === undefined) return
      const wait = item.due - this.#runtime.now()
      if (wait > 0) return this.#later(wait)
      const { what } = item
      if (typeof what === 'string') {
        this.#queue.shift()
        if (what === 'end') this.#to.end()
        else closeHard(this.#to)
        continue
      }
      const { dribble } = this.#rules
      this.#pass(what, dribble === null ? what.length : 1)
      if (dribble !== null && this.#queue.length > 0) return this.#later(dribble)
    }
  }

  #push(what: Item['what']): void {
    this.#queue.push({ what, due: this.#runtime.now() + this.#rules.delay })
  }

  #pass(bytes: Buffer, most: number): void {
    const rules = this.#rules
    const count = Math.min(most, rules.remaining ?? most)
    if (count > 0) {
      this.#take(bytes, count)
      if (this.#to?.write(bytes.subarray(0, count)) === false) this.#blocked = true
      if (rules.remaining !== null) rules.remaining -= count
      this.#events.passed(count)
    }
    if (rules.remaining === 0) {
      rules.remaining = null
      this.#events.exhausted()
    }
  }

  #take(bytes: Buffer, count: number): void {
    if (count === bytes.length) this.#queue.shift()
    else this.#queue[0] = { what: bytes.subarray(count), due: 0 }
    this.#queued -= count
    if (this.#queued <= highWater) this.#from.resume()
  }

  #later(delay: number): void {
    // A pause of 0 ms between bytes still lets each of them be read on its own.
    this.#timer =
      delay > 0 ? this.#runtime.setTimer(delay, () => this.pump()) : this.#runtime.setImmediate(() => this.pump())
  }
}

/** With a reset where the socket can do that. */
export function closeHard(socket: Socket): void {
  if (socket.reset === undefined) socket.destroy()
  else socket.reset()
}
