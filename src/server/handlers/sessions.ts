import { digestId } from '../auth-schemes.ts'
import { errorCodes } from '../error-codes.ts'
import type { Handlers } from '../handler.ts'

/** The operations about the connection and its session. */
export const sessionHandlers: Handlers<'ping' | 'auth' | 'sasl' | 'closeSession'> = {
  ping: () => errorCodes.ok,

  auth: (context, { scheme, auth }) => {
    if (scheme !== 'digest' && scheme !== 'ip') {
      context.closeAfterAnswer()
      return errorCodes.authFailed
    }
    if (scheme === 'ip') return errorCodes.ok
    const id = digestId(auth ?? new Uint8Array(0))
    if (!context.identities.some((known) => known.scheme === scheme && known.id === id)) {
      context.identities.push({ scheme, id })
    }
    return errorCodes.ok
  },

  // Without users, no mechanism can succeed.
  sasl: (context) => {
    context.closeAfterAnswer()
    return errorCodes.authFailed
  },

  closeSession: (context) => {
    context.database.closeSession(context.session, context.xid)
    context.closeAfterAnswer()
    return errorCodes.ok
  },
}
