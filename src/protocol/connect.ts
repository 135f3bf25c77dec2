import type { Reader } from './reader.ts'
import { buffer, int, long, record, type Infer, type RecordType } from './record.ts'
import type { Writer } from './writer.ts'

/**
 * The handshake. Its two records have no header, and end in a `readOnly` byte that servers before 3.4 do not know: they
 * leave it out of the answer, and a server leaves it out for a client that did.
 */
const ConnectRequestHead = record('ConnectRequest', {
  protocolVersion: int,
  lastZxidSeen: long,
  timeout: int,
  sessionId: long,
  password: buffer,
})

const ConnectResponseHead = record('ConnectResponse', {
  protocolVersion: int,
  timeout: int,
  sessionId: long,
  password: buffer,
})

/** `readOnly` is null where the peer sent no such byte. */
export type ConnectRequest = Infer<typeof ConnectRequestHead> & { readonly readOnly: boolean | null }
export type ConnectResponse = Infer<typeof ConnectResponseHead> & { readonly readOnly: boolean | null }

export const ConnectRequest: RecordType<ConnectRequest> = withReadOnly(ConnectRequestHead)
export const ConnectResponse: RecordType<ConnectResponse> = withReadOnly(ConnectResponseHead)

function withReadOnly<T extends object>(head: RecordType<T>): RecordType<T & { readOnly: boolean | null }> {
  return {
    name: head.name,
    least: head.least,
    read: (reader: Reader) => {
      const values = head.read(reader)
      return { ...values, readOnly: reader.remaining > 0 ? reader.bool() : null }
    },
    write: (writer: Writer, values) => {
      head.write(writer, values)
      if (values.readOnly !== null) writer.bool(values.readOnly)
    },
  }
}
