import { FrameDecoder } from '../../protocol/framing.ts'
import { Reader } from '../../protocol/reader.ts'
import type { Runtime, Socket } from '../../runtime/runtime.ts'
import { isEnabled } from '../commands/words.ts'
import type { Faults } from '../faults.ts'
import type { Storage } from '../storage/storage.ts'
import type { ConnectionHost } from './connection-host.ts'
import { FirstBytes } from './first-bytes.ts'
import { HeldFrames, obstacles, type Obstacle } from './held-frames.ts'
import { Turn } from './turn.ts'

/** The connection, as its intake sees it. */
export interface IntakeOwner {
  /** Whether nothing more is to be handled. */
  readonly isClosing: boolean
  /** Null for who has not introduced himself. */
  readonly sessionId: bigint | null
  /** A frame whose turn it is; the reader is valid during the call only. */
  handleFrame(reader: Reader): void
  /** What came is no frame but a four-letter word, and all that comes. */
  answerCommand(word: string, argument: Buffer): void
  /** All that came is handled, or what came cannot be. */
  endAfterAnswer(): void
  close(): void
}

/**
 * What one client sends: cut into frames, which are handed over in order, each once nothing is in the way of it. Meanwhile
 * they are held, and the socket is not read from.
 */
export class Intake {
  readonly turn: Turn
  readonly #socket: Socket
  readonly #runtime: Runtime
  readonly #faults: Faults
  readonly #storage: Storage | null
  readonly #owner: IntakeOwner
  readonly #decoder: FrameDecoder
  readonly #held = new HeldFrames()
  readonly #nextTurn = (): void => this.release(obstacles.turn)
  /** Null once they were told apart. */
  #first: FirstBytes | null
  #isOver = false

  constructor(socket: Socket, host: ConnectionHost, owner: IntakeOwner) {
    const { settings, storage } = host.database
    this.#socket = socket
    this.#runtime = settings.runtime
    this.#faults = host.faults
    this.#storage = storage
    this.#owner = owner
    this.turn = new Turn(settings.runtime)
    this.#decoder = new FrameDecoder(settings.maxBuffer, (reader) => this.#frame(reader))
    this.#first = new FirstBytes((word) => isEnabled(word, settings))
  }

  /** Whether no frame is handled for the moment. */
  get isHeld(): boolean {
    return this.#held.isHeld || this.#faults.paused
  }

  /** Whether no more is handled than what waits; the client may still read. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** How many frames wait. */
  get size(): number {
    return this.#held.size
  }

  push(chunk: Buffer): void {
    this.turn.begin()
    const bytes = this.#first === null ? chunk : this.#open(this.#first, chunk)
    if (bytes === null) return
    try {
      this.#decoder.push(bytes)
    } catch {
      // Whatever it was, it is no ZooKeeper client: ZooKeeper, too, just closes. What was asked before is answered.
      if (this.#owner.sessionId === null && this.#held.isEmpty) this.#owner.close()
      else this.end()
    }
  }

  /** No more comes, or nothing that can be read. */
  end(): void {
    this.#isOver = true
    this.#decoder.stop()
    if (!this.#owner.isClosing && this.#held.isEmpty) this.#owner.endAfterAnswer()
  }

  /** Drops what was not handled. */
  stop(): void {
    this.#decoder.stop()
    this.#held.clear()
  }

  /** Something is in the way of the next frame. */
  holdFor(obstacle: Obstacle): void {
    this.#held.holdFor(obstacle)
    this.#socket.pause()
  }

  isHeldFor(obstacle: Obstacle): boolean {
    return this.#held.isHeldFor(obstacle)
  }

  /** That is not in the way any more. */
  release(obstacle: Obstacle): void {
    this.#held.release(obstacle)
    this.goOn()
  }

  /** Keeps the request under way, whose header was read, until what is in the way of it is gone; and all behind it. */
  putBack(obstacle: Obstacle, xid: number, opcode: number, reader: Reader): void {
    this.holdFor(obstacle)
    this.#held.putBack(xid, opcode, reader)
  }

  /** Lets the others have their turn. */
  yield(): void {
    this.holdFor(obstacles.turn)
    this.#runtime.setImmediate(this.#nextTurn)
  }

  /** Hands over what has waited, once nothing is in the way of it. */
  goOn(): void {
    if (this.#owner.isClosing || this.isHeld) return
    this.turn.begin()
    try {
      while (!this.#held.isEmpty) {
        if (this.#mustWait()) return
        this.#owner.handleFrame(Reader.over(this.#held.shift()))
        if (this.#owner.isClosing) return
      }
    } catch {
      this.#owner.endAfterAnswer()
      return
    }
    if (this.isHeld) return
    if (this.#isOver) this.#owner.endAfterAnswer()
    else this.#socket.resume()
  }

  /** Tells a four-letter word from frames; returns what there is to read of these, null for nothing yet. */
  #open(first: FirstBytes, chunk: Buffer): Buffer | null {
    const opening = first.push(chunk)
    if (opening === null) return null
    this.#first = null
    if (opening.kind === 'frames') return opening.bytes
    this.#owner.answerCommand(opening.word, opening.argument)
    return null
  }

  #frame(reader: Reader): void {
    if (this.#mustWait()) this.#held.push(reader)
    else this.#owner.handleFrame(reader)
  }

  /** Whether something is in the way of the next frame. */
  #mustWait(): boolean {
    if (this.#storage?.isFull === true && !this.isHeld) this.#awaitDisk(this.#storage)
    return this.isHeld
  }

  /** Clients may ask faster than the disk writes, and all that waits for it is kept in memory. */
  #awaitDisk(storage: Storage): void {
    this.holdFor(obstacles.disk)
    storage.whenDurable(() => this.release(obstacles.disk))
  }
}
