// @ts-check
/** How long a contender rests between two reads, in milliseconds: three of them share the machine with the ensemble. */
export const rest = 1

/** Which of the reads since the connection was opened was the first to be sent after a moment, and answered. */
export class Reads {
  /** @type {{ sentAt: bigint, answeredAt: bigint }[]} */
  #answered = []
  /** @type {bigint | null} */
  #since = null
  #tell

  /** @param {(answeredAt: bigint) => void} tell */
  constructor(tell) {
    this.#tell = tell
  }

  /** @param {bigint} sentAt */
  answered(sentAt) {
    this.#answered.push({ sentAt, answeredAt: process.hrtime.bigint() })
    // What counts happened just before `since` was asked.
    if (this.#since === null && this.#answered.length > 4_000) this.#answered.splice(0, 2_000)
    this.#look()
  }

  /** @param {bigint} moment */
  since(moment) {
    this.#since = moment
    this.#look()
  }

  #look() {
    const since = this.#since
    if (since === null) return
    const first = this.#answered.find(({ sentAt }) => sentAt > since)
    if (first === undefined) return
    this.#since = null
    this.#answered = []
    this.#tell(first.answeredAt)
  }
}
