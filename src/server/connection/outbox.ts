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
const enough = 16 * 1024 * 1024

/** So long may a peer take no byte, and not end its side, once the server has ended its own; in ms. */
const linger = 2_000
/** So long may it take in all, in ms, or whoever takes a byte now and then would hold its connection for ever. */
const patience = 30_000

/** What a connection sends, in order: not before what it tells of is on disk, and as late as the faults of a test want. */
export class Outbox {
  readonly #socket: Socket
  readonly #runtime: Runtime
  readonly #faults: Faults
  readonly #storage: Storage | null
  readonly #meter: LatencyMeter
  readonly #onEmpty: () => void
  readonly #late: Late[] = []
  #lateBytes = 0
  /** Until the first of them is due. */
  #timer: Timer | null = null
  /** Null until the end was sent. */
  #linger: Timer | null = null
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
    return this.#late.reduce((sum, { answered }) => sum + (answered === null ? 0 : answered.reads + answered.writes), 0)
  }

  write(bytes: Buffer): void {
    const answered = this.#meter.take()
    if (this.#isClear) {
      this.#socket.write(bytes)
      if (answered !== null) this.#meter.sent(answered, this.#runtime.now())
    } else this.#defer(bytes, answered)
  }

  /** Ends the connection behind what was written. */
  end(): void {
    if (this.#isClear) this.#end()
    else this.#defer(null, null)
  }

  /**
   * Drops what still came. Unread, it would make the system reset the connection when it is closed, and the peer lose
   * the answer that it has not read yet.
   */
  discard(size: number): void {
    this.#discarded += size
    if (this.#linger === null) this.#socket.pause()
    else if (this.#discarded > enough) this.#socket.destroy()
  }

  /** Holds nothing back any longer than the disk does. */
  hurry(): void {
    for (const late of this.#late) late.due = 0
    this.#send()
  }

  /** The connection is over. */
  stop(): void {
    this.#linger?.cancel()
    this.#timer?.cancel()
    this.#late.length = this.#lateBytes = 0
  }

  /** A peer that goes on sending, or does not read, would otherwise keep the connection for as long as it likes. */
  #end(): void {
    const over = this.#runtime.now() + patience
    const wait = (): void => {
      const pending = this.#socket.pendingBytes
      this.#linger = this.#runtime.setTimer(linger, () => {
        const now = this.#socket.pendingBytes
        if (now === 0 || now === pending || this.#runtime.now() >= over) this.#socket.destroy()
        else wait()
      })
    }
    this.#socket.end()
    this.#socket.resume()
    wait()
  }

  get #isClear(): boolean {
    return this.#late.length === 0 && this.#faults.currentDelay === 0 && (this.#storage?.isDurable ?? true)
  }

  #defer(bytes: Buffer | null, answered: AnsweredBatch | null): void {
    const due = Math.max(this.#late.at(-1)?.due ?? 0, this.#runtime.now() + this.#faults.currentDelay)
    const late: Late = { bytes, answered, due, isDurable: this.#storage === null || this.#storage.isDurable }
    this.#late.push(late)
    this.#lateBytes += bytes?.length ?? 0
    if (!late.isDurable) {
      this.#storage?.whenDurable(() => {
        late.isDurable = true
        if (late === this.#late[0]) this.#send()
      })
    } else if (this.#late.length === 1) this.#send()
  }

  /** Sends what may be sent by now. */
  #send(): void {
    this.#timer?.cancel()
    for (let first = this.#late[0]; first?.isDurable === true; first = this.#late[0]) {
      const wait = first.due - this.#runtime.now()
      if (wait > 0) {
        this.#timer = this.#runtime.setTimer(wait, () => this.#send())
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
