import { NotReadOnlyError } from '../common/errors.ts'
import { ConnectResponse } from '../protocol/connect.ts'
import type { Reader } from '../protocol/reader.ts'

/** A reply's header, which is all of it where there is an error. */
const headerSize = 16

/**
 * Reads the answer to a connect request.
 *
 * From 3.7 on a read-only server makes sessions only where `localSessionsEnabled` is set: else its answer is no
 * ConnectResponse at all, but the header that refuses a write (ZOOKEEPER-3863). Then this gives the error that says so.
 *
 * @throws ProtocolError if it cannot be read
 */
export function readGreeting(reader: Reader): ConnectResponse | NotReadOnlyError {
  if (
    reader.remaining === headerSize &&
    reader.view.getInt32(reader.take(headerSize) + 12) === NotReadOnlyError.errno
  ) {
    return new NotReadOnlyError('the server is read-only, and makes no sessions: localSessionsEnabled is not set there')
  }
  return ConnectResponse.read(reader)
}
