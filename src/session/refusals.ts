import { SessionClosedRequireSaslAuthError } from '../common/errors.ts'

/** What a server that requires SASL says to all else, without a word to later requests; null for other codes. */
export function refusalOf(errno: number): Error | null {
  return errno === SessionClosedRequireSaslAuthError.errno ? new SessionClosedRequireSaslAuthError() : null
}

/** The error for a request above `maxBuffer`; it names the argument that is nearly always to blame. */
export function tooLarge(request: { describe(): string }, size: number, maxBuffer: number): RangeError {
  return new RangeError(`data: ${request.describe()} takes ${size} bytes, and maxBuffer allows ${maxBuffer}`)
}
