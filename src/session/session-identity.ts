/** A session id as ZooKeeper's own logs write it. */
export function formatSessionId(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`
}

/**
 * A session as the server knows it: what a client needs to resume it. The password is a secret, which whoever has it can
 * take over the session and its locks with; inspecting the object does not show it.
 */
export class SessionIdentity {
  /** As a signed 64-bit number; servers' logs show it in hexadecimal. */
  readonly id: bigint
  /** The negotiated session timeout in milliseconds. */
  readonly timeout: number
  /** No property of its own: `console.dir`, a spread into a log entry and the like show those, whatever is said below. */
  readonly #password: Buffer

  constructor(id: bigint, password: Buffer, timeout: number) {
    this.id = id
    this.#password = password
    this.timeout = timeout
  }

  /** 16 bytes. */
  get password(): Buffer {
    return this.#password
  }

  /** The id in hexadecimal, and the timeout; without the password. */
  toJSON(): { id: string; timeout: number } {
    return { id: formatSessionId(this.id), timeout: this.timeout }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): { id: string; timeout: number } {
    return this.toJSON()
  }
}
