import { commandLength } from '../commands/words.ts'

/** What the first bytes of a connection turned out to be. */
export type Opening =
  | { readonly kind: 'frames'; readonly bytes: Buffer }
  | { readonly kind: 'command'; readonly word: string; readonly argument: Buffer }

/** The first bytes, until they tell a four-letter word from the length of a frame. */
export class FirstBytes {
  #head: Buffer = none

  /** Null for nothing yet. */
  push(chunk: Buffer): Opening | null {
    const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
    if (head.length >= 4) {
      const word = head.toString('latin1', 0, 4)
      const length = commandLength(word)
      if (length === 0) return { kind: 'frames', bytes: head }
      if (head.length >= length) return { kind: 'command', word, argument: head.subarray(4, length) }
    }
    this.#head = Buffer.from(head)
    return null
  }
}

const none = Buffer.alloc(0)
