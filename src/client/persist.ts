import { ConnectionLossError, NoNodeError, SessionExpiredError } from '../common/errors.ts'

/** Whether a request ended with its connection or session: the next ones may answer it. */
export function isLost(error: unknown): error is ConnectionLossError | SessionExpiredError {
  return error instanceof ConnectionLossError || error instanceof SessionExpiredError
}

/** Asks until there is an answer, over as many connections as that takes; undefined where there is no such znode. */
export async function persist<T>(ask: () => Promise<T>): Promise<T | undefined> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof NoNodeError) return undefined
      if (!isLost(error)) throw error
    }
  }
}
