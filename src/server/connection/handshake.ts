import { ConnectResponse, type ConnectRequest } from '../../protocol/connect.ts'
import type { Writer } from '../../protocol/writer.ts'
import type { Database } from '../database.ts'
import { sessionPassword } from '../session-password.ts'
import type { Session } from '../session-table.ts'

const noPassword = Buffer.alloc(16)

/** What a client gets that wants a session. */
export interface Welcome {
  /** Null for one whose session is over, or not its own. */
  readonly session: Session | null
  /** Milliseconds, as negotiated. */
  readonly timeout: number
}

/** Gives a client a session, its own or a new one; null for a client that should look for another server. */
export function welcome(request: ConnectRequest, database: Database): Welcome | null {
  // The client needs a server that takes writes, or has seen more than we know.
  const { membership, readOnly } = database
  const mayServe = readOnly ? request.readOnly === true : membership.serving && membership.connected
  if (!mayServe || Number(request.lastZxidSeen) > database.lastZxid) return null
  // A session that the ensemble knows is not renewed without a quorum, from 3.7 on (ZOOKEEPER-3863).
  if (readOnly && database.sessions.find(request.sessionId)?.isLocal === false) return null
  const { minSessionTimeout, maxSessionTimeout } = database.settings
  const timeout = Math.min(Math.max(request.timeout, minSessionTimeout), maxSessionTimeout)
  const session = request.sessionId === 0n ? database.openSession(timeout) : resume(request, database)
  return { session, timeout }
}

function resume({ sessionId, password }: ConnectRequest, database: Database): Session | null {
  const session = database.sessions.find(sessionId)
  if (session === undefined || session.isLocal !== database.readOnly) return null
  // Nobody else knows of one that was made without a quorum.
  if (session.isLocal && session.owner !== database) return null
  // Whoever asks, the connection that the session has here is over. One at another member is not.
  for (const connection of session.connections) if (connection.database === database) connection.close()
  if (password === null) return null
  if (!sessionPassword(sessionId).equals(password)) return null
  for (const connection of session.connections) if (connection.database !== database) connection.movedAway()
  return session
}

export function writeWelcome(
  writer: Writer,
  { session, timeout }: Welcome,
  request: ConnectRequest,
  database: Database,
): void {
  const frame = writer.beginFrame()
  ConnectResponse.write(writer, {
    protocolVersion: 0,
    timeout: session === null ? 0 : timeout,
    sessionId: session?.id ?? 0n,
    password: session === null ? noPassword : sessionPassword(session.id),
    readOnly: request.readOnly === null ? null : database.readOnly,
  })
  writer.endFrame(frame)
}
