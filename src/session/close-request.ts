import { operations } from '../protocol/operations.ts'
import { Request } from './request.ts'

/** Ends the session on the server: its ephemerals are deleted before the reply comes. */
export class CloseRequest extends Request<void> {
  readonly op = 'closeSession'
  readonly opcode: number = operations.closeSession.opcode

  constructor() {
    super('', undefined)
  }

  write(): void {}

  read(): void {}
}
