import { Deque } from '../common/deque.ts'
import { Writer } from '../protocol/writer.ts'
import { tooLarge } from './refusals.ts'
import type { Request } from './request.ts'

/** The requests that wait for a connection, in the order in which they were made. */
export class WaitingRequests {
  readonly #requests = new Deque<Request<unknown>>()
  /** One for all, as the memory of a writer costs more than most requests. */
  readonly #encoder = new Writer()
  readonly #maxBuffer: number
  /** How many of them were aborted or timed out. */
  #abandoned = 0

  /** @param maxBuffer - the limit of a request's frame, in bytes */
  constructor(maxBuffer: number) {
    this.#maxBuffer = maxBuffer
  }

  /** How many are still to be sent. */
  get length(): number {
    return this.#requests.length - this.#abandoned
  }

  /** Encodes it now, so that neither its size nor what the caller does to the data meanwhile is a surprise later. */
  push(request: Request<unknown>): void {
    try {
      const size = request.encode(this.#encoder).length + 8
      if (size > this.#maxBuffer) throw tooLarge(request, size, this.#maxBuffer)
    } catch (error) {
      request.encoded = null
      request.reject(error)
      return
    }
    this.#requests.push(request)
  }

  /** One that never will be sent makes room: at once for another, and for its bytes in a while. */
  abandon(request: Request<unknown>): void {
    request.encoded = null
    this.#abandoned++
    if (this.#abandoned * 2 > this.#requests.length) for (const kept of this.take()) this.#requests.push(kept)
  }

  /** Those that are still to be sent: they wait no more. */
  take(): Request<unknown>[] {
    this.#abandoned = 0
    return this.#requests.drain().filter((request) => !request.settled)
  }
}
