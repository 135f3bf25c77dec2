import { keeperStates, xids } from '../../protocol/constants.ts'
import { WatcherEvent } from '../../protocol/records.ts'
import { Writer } from '../../protocol/writer.ts'
import { errorCodes } from '../error-codes.ts'
import type { AnswerFault } from '../faults.ts'

/**
 * The frames that a connection sends. A handler begins its answer with {@link ok} and writes the body behind it; events
 * that a write triggers come first, as they are written while it is committed.
 */
export class Replies {
  readonly writer: Writer = new Writer(512)
  #xid = 0
  #frame = -1
  #fault: AnswerFault | null = null

  /** The xid of the request to be answered next. */
  expect(xid: number): void {
    this.#xid = xid
    this.#frame = -1
  }

  /** Begins the answer of a success; its body is written to what this returns. */
  ok(zxid: number): Writer {
    const { writer } = this
    this.#frame = writer.beginFrame()
    this.#header(zxid, 0)
    return writer
  }

  /**
   * Ends the answer: with what was written since {@link ok}, or with a header alone.
   *
   * @param isToken - whether a refusal, too, has a body, the null token: the Java client reads one before it looks at
   *   the error, and would take its absence for a broken connection
   * @returns how many bytes it has, less those that say so
   */
  end(zxid: number, errorCode: number, isToken: boolean): number {
    const { writer } = this
    if (this.#frame !== -1 && errorCode !== 0) writer.truncate(this.#frame - 4)
    if (this.#frame === -1 || errorCode !== 0) {
      this.#frame = writer.beginFrame()
      this.#header(zxid, errorCode)
      if (isToken && errorCode !== 0) this.writer.buffer(null)
    }
    const size = writer.endFrame(this.#frame)
    if (this.#fault !== null) writer.truncate(this.#frame - 4 + (this.#fault === 'drop' ? 0 : (size + 4) >> 1))
    this.#frame = -1
    this.#fault = null
    return size
  }

  /** Drops the answer that is being written, or cuts it in half. */
  spoil(fault: AnswerFault): void {
    this.#fault = fault
  }

  #header(zxid: number, errorCode: number): void {
    this.writer.int(this.#xid)
    this.writer.longNumber(zxid)
    this.writer.int(errorCode)
  }
}

/** The frame that tells of an event: the same for all who watch. */
export function eventFrame(type: number, path: string, zxid: number): Buffer {
  const writer = new Writer(64)
  const frame = writer.beginFrame()
  writer.int(xids.notification)
  writer.longNumber(zxid)
  writer.int(errorCodes.ok)
  WatcherEvent.write(writer, { type, state: keeperStates.syncConnected, path })
  writer.endFrame(frame)
  return writer.take()
}
