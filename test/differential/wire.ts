import { createConnection, type Socket } from 'node:net'

import { FrameDecoder } from '../../src/protocol/framing.ts'

/** How long a server may take for one answer; more than any pause of a busy machine. */
const patience = 20_000

/** A connection that hides nothing: every frame as it came, and the end. */
export class WireConnection {
  readonly #socket: Socket
  readonly #decoder: FrameDecoder
  readonly #ended: Promise<void>
  #frames: Buffer[] = []
  #answers = 0
  #expected = 0
  #wake: (() => void) | null = null
  closed = false

  constructor(port: number) {
    this.#decoder = new FrameDecoder(16 * 1024 * 1024, (reader) => {
      const size = reader.remaining
      const { buffer, byteOffset } = reader.view
      this.#frame(Buffer.from(new Uint8Array(buffer, byteOffset + reader.take(size), size)))
    })
    this.#socket = createConnection({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    this.#socket.on('data', (chunk) => this.#decoder.push(chunk))
    this.#socket.on('end', () => this.#socket.end())
    this.#socket.on('error', () => {})
    this.#ended = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.closed = true
        this.#wake?.()
        resolve()
      })
    })
  }

  #frame(frame: Buffer): void {
    this.#frames.push(frame)
    // Notifications have xid −1; all else answers something.
    if (frame.length < 4 || frame.readInt32BE(0) !== -1) this.#answers++
    if (this.#answers >= this.#expected) this.#wake?.()
  }

  /** Sends bytes that are to be answered `answers` times; resolves when they are, or when the connection is over. */
  async exchange(bytes: Buffer, answers: number): Promise<boolean> {
    this.#expected += answers
    if (!this.closed) this.#socket.write(bytes)
    if (this.closed || this.#answers >= this.#expected) return true
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => {
        this.#wake = null
        this.destroy()
        resolve(false)
      }, patience)
      this.#wake = () => {
        this.#wake = null
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  /** The error code of the last answer. */
  get lastError(): number {
    const answer = this.#frames.findLast((frame) => frame.length >= 16 && frame.readInt32BE(0) !== -1)
    return answer?.readInt32BE(12) ?? 0
  }

  /** Resolves when the connection is over, or seems to stay. */
  async over(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const stays = new Promise<void>((resolve) => (timer = setTimeout(resolve, 2_000)))
    await Promise.race([this.#ended, stays])
    clearTimeout(timer)
  }

  /** What arrived since the last call. */
  take(): Buffer[] {
    const frames = this.#frames
    this.#frames = []
    return frames
  }

  /** Says goodbye to the socket, and waits until the server has closed its end: from then on it knows. */
  async end(): Promise<void> {
    this.#socket.end()
    await this.#ended
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
