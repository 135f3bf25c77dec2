import { ProtocolError } from '../../common/errors.ts'
import { operations } from '../../protocol/operations.ts'
import { certificateIdentities, digestId, type Identity } from '../access/auth-schemes.ts'
import { errorCodes } from '../error-codes.ts'
import type { Handlers, RequestContext } from './handler.ts'

/** So many identities has one connection at most: `auth` in an ACL stands for each of them. */
const mostIdentities = 1_000
/** Characters of all of them together, at most: every different ACL keeps them once more. */
const mostCharacters = 64 * 1024

/** The operations about the connection and its session. */
export const sessionHandlers: Handlers<'ping' | 'auth' | 'sasl' | 'closeSession'> = {
  ping: () => errorCodes.ok,

  auth: (context, { scheme, auth }) => {
    const proven = authenticate(context, scheme, auth)
    if (proven === null) {
      context.closeAfterAnswer()
      return errorCodes.authFailed
    }
    return addIdentities(context, proven) ? errorCodes.ok : errorCodes.authFailed
  },

  sasl: (context, { token }) => {
    // ZooKeeper stumbles over it before it looks for users.
    if (token === null) throw new ProtocolError('sasl: there is no token')
    const { sasl } = context
    let answer: Buffer | null = null
    // A server without users goes on as if nothing were: so does ZooKeeper without a login configuration.
    if (sasl !== null) {
      try {
        answer = sasl.evaluate(Buffer.from(token))
      } catch {
        context.closeAfterAnswer()
        return context.database.settings.requireSasl ? errorCodes.sessionClosedRequireSaslAuth : errorCodes.authFailed
      }
      if (sasl.user !== null && !addIdentities(context, [{ scheme: 'sasl', id: sasl.user }])) {
        return errorCodes.authFailed
      }
    }
    operations.sasl.response.write(context.ok(), { token: answer })
    return errorCodes.ok
  },

  closeSession: (context) => {
    context.database.closeSession(context.session, context.xid, context.connection)
    context.closeAfterAnswer()
    return errorCodes.ok
  },
}

/** Who is proven by this; null for nobody, which ends the connection. */
function authenticate(context: RequestContext, scheme: string, auth: Uint8Array | null): readonly Identity[] | null {
  const { superDigest, x509SuperUser } = context.database.settings
  switch (scheme) {
    case 'digest': {
      if (auth === null) return null
      const id = digestId(auth)
      return id === superDigest
        ? [
            { scheme: 'super', id: '' },
            { scheme, id },
          ]
        : [{ scheme, id }]
    }
    case 'ip':
      return []
    case 'x509': {
      const identities = certificateIdentities(context.certificateSubject, x509SuperUser)
      return identities.length === 0 ? null : identities
    }
    default:
      return null
  }
}

/** Takes these up; false where that would be too many, which ends the connection. */
function addIdentities(context: RequestContext, proven: readonly Identity[]): boolean {
  const { identities } = context
  for (const { scheme, id } of proven) {
    if (identities.some((known) => known.scheme === scheme && known.id === id)) continue
    const length = identities.reduce((sum, known) => sum + known.id.length, id.length)
    if (identities.length >= mostIdentities || length > mostCharacters) {
      context.closeAfterAnswer()
      return false
    }
    identities.push({ scheme, id })
  }
  return true
}
