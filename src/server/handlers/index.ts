import type { OperationName } from '../../protocol/operations.ts'
import type { Handlers } from './handler.ts'
import { readHandlers } from './reads.ts'
import { reconfigHandlers } from './reconfig.ts'
import { sessionHandlers } from './sessions.ts'
import { watchHandlers } from './watches.ts'
import { writeHandlers } from './writes.ts'

/** A handler for every operation of the protocol: one that is missing does not compile. */
export const handlers: Handlers<OperationName> = {
  ...readHandlers,
  ...writeHandlers,
  ...reconfigHandlers,
  ...watchHandlers,
  ...sessionHandlers,
}
