import { Deque } from '../../common/deque.ts'
import type { Runtime, Socket, Timer } from '../../runtime/runtime.ts'
import type { Faults } from '../faults.ts'
import type { AnsweredBatch, LatencyMeter } from './latency.ts'
import type { Storage } from '../storage/storage.ts'

/** Null stands for the end. */
interface Late {
  readonly bytes: Buffer | null
  readonly answered: AnsweredBatch | null
  due: number
  /** Whether all that it may tell of is on disk. */
  isDurable: boolean
}

/** What an outbox needs to know of its server. */
export interface OutboxHost {
  readonly faults: Faults
  readonly database: { readonly storage: Storage | null }
}

/** So many bytes are read and dropped from a peer that goes on once the server has ended its side. */
const discardLimit = 16 * 1024 * 1024

/** So long may a peer take no byte, and not end its side, once the server has ended its own; in ms. */
const lingerTimeout = 2_000
/** So long may it take in all, in ms, or whoever takes a byte now and then would hold its connection for ever. */
const lingerLimit = 30_000

/** While so many bytes wait in the socket, it is given no more: how much a slow client takes can be told of the rest alone. */
const window = 1024 * 1024
/** What is larger is cut into pieces. */
const whole = 2 * window
const piece = window / 4

/** What a connection sends, in order: not before what it tells of is on disk, and as late as the faults of a test want. */
export class Outbox {
  readonly #socket: Socket
  readonly #runtime: Runtime
  readonly #faults: Faults
  readonly #storage: Storage | null
  readonly #meter: LatencyMeter
  readonly #onEmpty: () => void
  readonly #late = new Deque<Late>()
  #lateBytes = 0
  /** Until the first of them is due. */
  #timer: Timer | null = null
  /** Null until nothing but the peer is in the way of the end. */
  #linger: Timer | null = null
  #isEnding = false
  #hasEnded = false
  #discarded = 0

  /** @param onEmpty - called when all that was held back is handed over */
  constructor(socket: Socket, runtime: Runtime, host: OutboxHost, meter: LatencyMeter, onEmpty: () => void) {
    this.#onEmpty = onEmpty
    this.#meter = meter
    this.#storage = host.database.storage
    this.#socket = socket
    this.#runtime = runtime
    this.#faults = host.faults
  }

  /** Bytes that nobody has taken yet. */
  get pendingBytes(): number {
    return this.#lateBytes + this.#socket.pendingBytes
  }

  /** How many requests were handled whose answers are held back. */
  get queued(): number {
    let sum = 0
    for (const { answered } of this.#late) if (answered !== null) sum += answered.reads + answered.writes
    return sum
  }

  write(bytes: Buffer): void {
    const answered = this.#meter.take()
    if (this.#isClear && bytes.length <= whole && this.#socket.pendingBytes < window) {
      this.#socket.write(bytes)
      if (answered !== null) this.#meter.sent(answered, this.#runtime.now())
    } else this.#defer(bytes, answered)
  }

  /** Ends the connection behind what was written. */
  end(): void {
    this.#isEnding = true
    if (this.#isClear) {
      this.#end()
      return
    }
    this.#defer(null, null)
    this.#send()
  }

  /**
   * Drops what still came. Unread, it would make the system reset the connection when it is closed, and the peer lose
   * the answer that it has not read yet.
   */
  discard(size: number): void {
    this.#discarded += size
    if (!this.#hasEnded) this.#socket.pause()
    else if (this.#discarded > discardLimit) this.#socket.destroy()
  }

  /** Holds nothing back any longer than the disk does. */
  hurry(): void {
    for (const late of this.#late) late.due = 0
    this.#send()
  }

  /** The socket takes more. */
  drained(): void {
    this.#send()
  }

  /** The connection is over. */
  stop(): void {
    this.#linger?.cancel()
    this.#timer?.cancel()
    this.#late.drain()
    this.#lateBytes = 0
  }

  #end(): void {
    this.#hasEnded = true
    this.#socket.end()
    this.#socket.resume()
    this.#watch()
  }

  /** A peer that goes on sending, or does not read, would otherwise keep the connection for as long as it likes. */
  #watch(): void {
    if (this.#linger !== null) return
    const over = this.#runtime.now() + lingerLimit
    const wait = (): void => {
      const pending = this.pendingBytes
      this.#linger = this.#runtime.setTimer(lingerTimeout, () => {
        const now = this.pendingBytes
        if (now === 0 || now === pending || this.#runtime.now() >= over) this.#socket.destroy()
        else wait()
      })
    }
    wait()
  }

  get #isClear(): boolean {
    return this.#late.length === 0 && this.#faults.currentDelay === 0 && (this.#storage?.isDurable ?? true)
  }

  #defer(bytes: Buffer | null, answered: AnsweredBatch | null): void {
    const due = Math.max(this.#late.last?.due ?? 0, this.#runtime.now() + this.#faults.currentDelay)
    const isDurable = this.#storage === null || this.#storage.isDurable
    const parts = bytes === null ? [null] : cut(bytes)
    const added = parts.map((part, index): Late => {
      const isLast = index === parts.length - 1
      return { bytes: part, answered: isLast ? answered : null, due, isDurable }
    })
    for (const late of added) this.#late.push(late)
    this.#lateBytes += bytes?.length ?? 0
    if (!isDurable) {
      this.#storage?.whenDurable(() => {
        for (const late of added) late.isDurable = true
        if (added[0] === this.#late.peek()) this.#send()
      })
    } else if (added[0] === this.#late.peek()) this.#send()
  }

  /** Sends what may be sent by now. */
  #send(): void {
    this.#timer?.cancel()
    for (let first = this.#late.peek(); first?.isDurable === true; first = this.#late.peek()) {
      const wait = first.due - this.#runtime.now()
      if (wait > 0) {
        this.#timer = this.#runtime.setTimer(wait, () => this.#send())
        return
      }
      if (first.bytes !== null && this.#socket.pendingBytes >= window) {
        if (this.#isEnding) this.#watch()
        return
      }
      this.#late.shift()
      this.#lateBytes -= first.bytes?.length ?? 0
      if (first.bytes === null) this.#end()
      else this.#socket.write(first.bytes)
      if (first.answered !== null) this.#meter.sent(first.answered, this.#runtime.now())
      if (this.#late.length === 0) this.#onEmpty()
    }
  }
}

/** Each piece is a copy: what was taken of a large answer is free, and none holds more memory than it has bytes. */
function cut(bytes: Buffer): Buffer[] {
  if (bytes.length <= whole) return [bytes]
  const count = Math.ceil(bytes.length / piece)
  return Array.from({ length: count }, (_, index) => Buffer.from(bytes.subarray(index * piece, (index + 1) * piece)))
}
