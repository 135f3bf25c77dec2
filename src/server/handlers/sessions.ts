import { operations } from '../../protocol/operations.ts'
import { certificateIdentities, digestId, type Identity } from '../auth-schemes.ts'
import { errorCodes } from '../error-codes.ts'
import type { Handlers, RequestContext } from '../handler.ts'

/** The operations about the connection and its session. */
export const sessionHandlers: Handlers<'ping' | 'auth' | 'sasl' | 'closeSession'> = {
  ping: () => errorCodes.ok,

  auth: (context, { scheme, auth }) => {
    const proven = authenticate(context, scheme, auth)
    if (proven === null) {
      context.closeAfterAnswer()
      return errorCodes.authFailed
    }
    addIdentities(context, proven)
    return errorCodes.ok
  },

  sasl: (context, { token }) => {
    const { sasl } = context
    let answer: Buffer | null = null
    // A server without users goes on as if nothing were: so does ZooKeeper without a login configuration.
    if (sasl !== null) {
      try {
        answer = sasl.evaluate(Buffer.from(token ?? []))
      } catch {
        context.closeAfterAnswer()
        return context.database.settings.requireSasl ? errorCodes.sessionClosedRequireSaslAuth : errorCodes.authFailed
      }
      if (sasl.user !== null) addIdentities(context, [{ scheme: 'sasl', id: sasl.user }])
    }
    operations.sasl.response.write(context.ok(), { token: answer })
    return errorCodes.ok
  },

  closeSession: (context) => {
    context.database.closeSession(context.session, context.xid)
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

function addIdentities({ identities }: RequestContext, proven: readonly Identity[]): void {
  for (const { scheme, id } of proven) {
    if (!identities.some((known) => known.scheme === scheme && known.id === id)) identities.push({ scheme, id })
  }
}
