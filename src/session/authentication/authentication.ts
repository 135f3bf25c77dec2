import { AuthFailedError, errorFromCode, ProtocolError, ZooKeeperError } from '../../common/errors.ts'
import { operations } from '../../protocol/operations.ts'
import { SaslError } from '../../protocol/sasl-error.ts'
import type { Reader } from '../../protocol/reader.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { AuthRequest, type AuthInfo } from './auth-request.ts'
import type { Credentials } from './credentials.ts'
import type { SaslSource } from './sasl/options.ts'

export interface AuthenticationTerms {
  /** Asked on each connection; null without SASL. */
  readonly sasl: SaslSource | null
  readonly credentials: Credentials
  /** The server's name, as the user gave it. */
  readonly serverName: string
}

/** The link that is to be authenticated. */
export interface AuthenticationTarget {
  /** Sends a token of SASL, and returns the xid that its answer will bear. */
  sendToken(token: Buffer): number
  send(request: AuthRequest): void
  /** SASL is over: a server that requires it takes other packets from now on. */
  mayPing(): void
  ping(): void
  /** All is done: watches and requests may go out. */
  authenticated(): void
  close(cause: Error): void
  readonly isClosed: boolean
}

/** So many tokens does a client send at most: DIGEST-MD5 takes two, and Kerberos three. */
const mostTokens = 8
/** Bytes: larger ones are not looked at. */
const longestToken = 65_536

/**
 * What happens on a connection between the handshake and the first request: SASL, then the credentials of other
 * schemes. Nothing of it touches the session on the server, so nothing of it is a sign of the session's life.
 */
export class Authentication {
  readonly #runtime: Runtime
  readonly #terms: AuthenticationTerms
  readonly #target: AuthenticationTarget
  /** The token that the server owes an answer to. */
  #asked: { readonly xid: number; readonly answer: (errno: number, reader: Reader) => void } | null = null
  #doing: 'sasl' | 'credentials' = 'credentials'
  #what = 'SASL'
  #unanswered = 0

  constructor(runtime: Runtime, terms: AuthenticationTerms, target: AuthenticationTarget) {
    this.#runtime = runtime
    this.#terms = terms
    this.#target = target
  }

  start(): void {
    if (this.#terms.sasl === null) {
      this.#target.mayPing()
      this.#present()
    } else {
      this.#doing = 'sasl'
      void this.#prove(this.#terms.sasl)
    }
  }

  /** Takes a frame if an answer of SASL is due; nothing else may come then. */
  frame(reader: Reader): boolean {
    const asked = this.#asked
    if (asked === null) return false
    const xid = reader.int()
    reader.long()
    const errno = reader.int()
    if (xid !== asked.xid) throw new ProtocolError(`a packet ${xid}, where the answer ${asked.xid} to SASL is next`)
    this.#asked = null
    asked.answer(errno, reader)
    return true
  }

  /** Why the connection ended, for whoever wonders what kept it from being made. */
  explain(cause: Error): Error {
    if (cause instanceof AuthFailedError || this.#doing !== 'sasl') return cause
    return new Error(`the connection ended before SASL authentication was done: ${cause.message}`, { cause })
  }

  // SASL

  async #prove(source: SaslSource): Promise<void> {
    try {
      const options = await source()
      this.#what = `SASL ${options.mechanism}`
      if (this.#target.isClosed) return
      const { startExchange } = await import('./sasl/start-exchange.ts')
      const mechanism = await startExchange(options, this.#terms.serverName, this.#runtime)
      let token: Buffer | null = null
      for (let sent = 0; ; sent++) {
        const answer: Buffer | null = await mechanism.next(token)
        if (this.#target.isClosed) return
        if (answer === null) break
        if (sent === mostTokens) throw new SaslError('the exchange does not end')
        token = await this.#ask(answer)
        if (this.#target.isClosed) return
      }
    } catch (error) {
      this.#target.close(this.#failed(error))
      return
    }
    this.#doing = 'credentials'
    this.#target.mayPing()
    // Kerberos may take its time, in which the session was not touched.
    this.#target.ping()
    // The session may be over by the clock, which closes the connection.
    if (!this.#target.isClosed) this.#present()
  }

  #ask(token: Buffer): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      const xid = this.#target.sendToken(token)
      this.#asked = {
        xid,
        answer: (errno, reader) => {
          if (errno === 0) resolve(this.#read(reader))
          else reject(errorFromCode(errno, { op: 'sasl' }))
        },
      }
    })
  }

  #read(reader: Reader): Buffer | null {
    const { token } = operations.sasl.response.read(reader)
    if (token !== null && token.length > longestToken) throw new ProtocolError('a token of SASL that is too long')
    return token === null ? null : Buffer.from(token)
  }

  #failed(cause: unknown): Error {
    const isAnswer = cause instanceof ZooKeeperError
    // The session has moved, or the like: that says nothing about who the client is.
    if (isAnswer && cause.retryable) return cause
    // Why is said where this client, the server or Kerberos said it: what a function of the user threw may be secret.
    const why = isAnswer ? ': the server refuses it' : cause instanceof SaslError ? `: ${cause.message}` : ''
    return new AuthFailedError(`${this.#what} authentication failed${why}`, { op: 'sasl', cause })
  }

  // Other schemes

  #present(): void {
    const credentials = this.#terms.credentials.all()
    if (!(credentials instanceof Promise)) {
      this.#send(credentials)
      return
    }
    credentials.then(
      (all) => {
        if (!this.#target.isClosed) this.#send(all)
      },
      (cause: unknown) => this.#target.close(new AuthFailedError('the credentials could not be had', { cause })),
    )
  }

  #send(credentials: readonly AuthInfo[]): void {
    this.#unanswered = credentials.length
    if (this.#unanswered === 0) this.#target.authenticated()
    for (const info of credentials) {
      const request = new AuthRequest(info, () => {
        if (--this.#unanswered === 0) this.#target.authenticated()
      })
      // Nobody awaits it: what it leads to is told by closing the link.
      request.promise.catch(() => {})
      this.#target.send(request)
      if (request.settled) {
        const details = { op: 'addAuth', cause: request.failure }
        this.#target.close(new AuthFailedError('the credentials could not be sent', details))
        return
      }
    }
  }
}
