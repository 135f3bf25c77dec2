/**
 * A session as the server knows it: what a client needs to resume it. The password is a secret, which whoever has it can
 * take over the session and its locks with; inspecting the object does not show it.
 */
export class SessionIdentity {
  readonly id: bigint
  /** 16 bytes. */
  readonly password: Buffer
  /** The negotiated session timeout in milliseconds. */
  readonly timeout: number

  constructor(id: bigint, password: Buffer, timeout: number) {
    this.id = id
    this.password = password
    this.timeout = timeout
  }

  toJSON(): { id: string; timeout: number } {
    return { id: `0x${BigInt.asUintN(64, this.id).toString(16)}`, timeout: this.timeout }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): { id: string; timeout: number } {
    return this.toJSON()
  }
}
