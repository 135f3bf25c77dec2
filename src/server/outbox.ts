import type { Runtime, Socket } from '../runtime/runtime.ts'
import type { Faults } from './faults.ts'

/** What a connection sends, in order, and as late as the faults of a test want it. */
export class Outbox {
  readonly #socket: Socket
  readonly #runtime: Runtime
  readonly #faults: Faults
  /** Null stands for the end. */
  readonly #late: { readonly bytes: Buffer | null; readonly due: number }[] = []

  constructor(socket: Socket, runtime: Runtime, faults: Faults) {
    this.#socket = socket
    this.#runtime = runtime
    this.#faults = faults
  }

  /** Bytes that nobody has taken yet. */
  get pendingBytes(): number {
    return this.#late.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), this.#socket.pendingBytes)
  }

  write(bytes: Buffer): void {
    if (this.#late.length === 0 && this.#faults.currentDelay === 0) this.#socket.write(bytes)
    else this.#defer(bytes)
  }

  /** Ends the connection behind what was written. */
  end(): void {
    if (this.#late.length === 0 && this.#faults.currentDelay === 0) this.#socket.end()
    else this.#defer(null)
  }

  #defer(bytes: Buffer | null): void {
    const due = Math.max(this.#late.at(-1)?.due ?? 0, this.#runtime.now() + this.#faults.currentDelay)
    this.#late.push({ bytes, due })
    if (this.#late.length === 1) this.#schedule()
  }

  #schedule(): void {
    const first = this.#late[0]
    if (first === undefined) return
    this.#runtime.setTimer(Math.max(0, first.due - this.#runtime.now()), () => {
      this.#late.shift()
      if (first.bytes === null) this.#socket.end()
      else this.#socket.write(first.bytes)
      this.#schedule()
    })
  }
}
