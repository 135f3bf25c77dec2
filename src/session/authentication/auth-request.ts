import { operations } from '../../protocol/operations.ts'
import type { Writer } from '../../protocol/writer.ts'
import { Request } from '../request.ts'

/** Credentials under one of ZooKeeper's schemes: `digest` with `user:password`, and what a server may add. */
export interface AuthInfo {
  readonly scheme: string
  /** A string is sent as UTF-8. It is a secret: the client shows it nowhere. */
  readonly credential: string | Uint8Array
}

/**
 * An `addauth` packet. It has an xid that all of its kind share, and the server answers it at once, ahead of requests
 * that are still in its pipeline; so it is matched apart from them.
 */
export class AuthRequest extends Request<true> {
  readonly op = 'addAuth'
  readonly opcode: number = operations.auth.opcode
  readonly scheme: string
  /** What it was rejected with, for those who must know before the promise can tell. */
  failure: unknown
  readonly #auth: Uint8Array
  readonly #accepted: (() => void) | undefined

  /** @param accepted - called when the server has accepted the credentials, before the promise resolves */
  constructor({ scheme, credential }: AuthInfo, accepted?: () => void) {
    super('', undefined)
    this.scheme = scheme
    this.#auth = Buffer.from(credential)
    this.#accepted = accepted
  }

  write(writer: Writer): void {
    operations.auth.request.write(writer, { type: 0, scheme: this.scheme, auth: this.#auth })
  }

  override resolve(value: true): void {
    this.#accepted?.()
    super.resolve(value)
  }

  override reject(reason: unknown, answered?: boolean): void {
    if (!this.settled) this.failure = reason
    super.reject(reason, answered)
  }

  read(): true {
    return true
  }
}
