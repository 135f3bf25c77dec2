import { commandLength, commandNamed } from '../commands/words.ts'

/** What the first bytes of a connection turned out to be. */
export type Opening =
  | { readonly kind: 'frames'; readonly bytes: Buffer }
  | { readonly kind: 'command'; readonly word: string; readonly argument: Buffer }

/** The first bytes, until they tell a four-letter word from the length of a frame. */
export class FirstBytes {
  #head: Buffer = none
  readonly #isEnabled: (word: string) => boolean

  /** @param isEnabled - whether a word is answered: the argument of one that is refused is not waited for */
  constructor(isEnabled: (word: string) => boolean) {
    this.#isEnabled = isEnabled
  }

  /** Null for nothing yet. */
  push(chunk: Buffer): Opening | null {
    const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
    if (head.length >= 4) {
      const word = commandNamed(head.toString('latin1', 0, 4))
      if (word === null) return { kind: 'frames', bytes: head }
      const length = this.#isEnabled(word) ? commandLength(word) : 4
      if (head.length >= length) return { kind: 'command', word, argument: head.subarray(4, length) }
    }
    this.#head = Buffer.from(head)
    return null
  }
}

const none = Buffer.alloc(0)
