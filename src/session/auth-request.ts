import { operations } from '../protocol/operations.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request } from './request.ts'

/** Credentials under one of ZooKeeper's schemes: `digest` with `user:password`, and what a server may add. */
export interface AuthInfo {
  readonly scheme: string
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
  readonly #auth: Uint8Array

  constructor(scheme: string, credential: string | Uint8Array) {
    super(undefined)
    this.scheme = scheme
    this.#auth = typeof credential === 'string' ? Buffer.from(credential) : Buffer.from(credential)
  }

  write(writer: Writer): void {
    operations.auth.request.write(writer, { type: 0, scheme: this.scheme, auth: this.#auth })
  }

  read(): true {
    return true
  }
}
