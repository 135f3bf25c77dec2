import { DigestMd5Server } from '../../src/server/access/digest-md5.ts'
import type { ScriptedConnection } from './scripted-server.ts'

/** Bob's. */
export const digest = { mechanism: 'DIGEST-MD5', username: 'bob', password: 'secret' } as const
const authFailed = -115

/** The server's side of DIGEST-MD5, by what the server takes for Bob's password. */
export async function acceptSasl(connection: ScriptedConnection, password = 'secret'): Promise<void> {
  const server = new DigestMd5Server(new Map([['bob', password]]), Buffer.alloc(30, 7))
  for (let round = 0; round < 2; round++) {
    const request = await connection.expect('sasl')
    let token: Buffer
    try {
      token = server.evaluate(Buffer.from(request.values.token ?? []))
    } catch {
      connection.fail(request, authFailed, 0n)
      connection.socket.end()
      return
    }
    connection.answer(request, 'sasl', { token }, 0n)
  }
}
