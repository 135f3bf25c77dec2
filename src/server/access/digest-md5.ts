import { digestRealm, digestService, digestsOf, parseDirectives } from '../../protocol/digest-md5.ts'
import { SaslError } from '../../protocol/sasl-error.ts'

/** Bytes: the RFC allows no longer response. */
const longest = 4096

/**
 * The server's side of SASL DIGEST-MD5 (RFC 2831) for one connection: a challenge, the client's response, and the proof
 * that the server, too, knows the password.
 */
export class DigestMd5Server {
  readonly #passwords: ReadonlyMap<string, string>
  readonly #nonce: string
  #state: 'new' | 'challenged' | 'complete' | 'failed' = 'new'
  #user: string | null = null

  /** @param random - 30 bytes that nobody can guess */
  constructor(passwords: ReadonlyMap<string, string>, random: Buffer) {
    this.#passwords = passwords
    this.#nonce = random.toString('base64')
  }

  /** Who was authenticated; null as long as nobody is. */
  get user(): string | null {
    return this.#user
  }

  /** Answers what the client sent. @throws SaslError */
  evaluate(response: Buffer): Buffer {
    const state = this.#state
    this.#state = 'failed'
    if (response.length > longest) throw new SaslError('the response is too long')
    if (state === 'new') {
      // DIGEST-MD5 has no initial response: Java passes over one.
      this.#state = 'challenged'
      return Buffer.from(`realm="${digestRealm}",nonce="${this.#nonce}",charset=utf-8,algorithm=md5-sess`)
    }
    if (state !== 'challenged') throw new SaslError('the exchange is over')
    return this.#verify(parseDirectives(response.toString('utf8')))
  }

  #verify(directives: ReadonlyMap<string, string>): Buffer {
    const get = (name: string): string => {
      const value = directives.get(name)
      if (value === undefined) throw new SaslError(`${name} is missing`)
      return value
    }
    const [user, cnonce, uri] = [get('username'), get('cnonce'), get('digest-uri')]
    if (get('nonce') !== this.#nonce) throw new SaslError('the nonce is not the one sent')
    if (get('nc') !== '00000001') throw new SaslError('the nonce was used already')
    if (directives.get('realm') !== digestRealm) throw new SaslError('there is no such realm')
    if ((directives.get('qop') ?? 'auth') !== 'auth') throw new SaslError('only authentication is offered')
    const service = uri.toLowerCase()
    if (service !== digestService && !service.startsWith(`${digestService}/`)) {
      throw new SaslError('the service is another')
    }
    const password = this.#passwords.get(user)
    if (password === undefined) throw new SaslError('there is no such user')

    const authorization = directives.get('authzid')
    const facts = { user, realm: digestRealm, password, nonce: this.#nonce, cnonce, uri, authorization }
    const { response, proof } = digestsOf(facts)
    if (get('response') !== response) throw new SaslError('the password is wrong')
    this.#user = user
    this.#state = 'complete'
    return Buffer.from(`rspauth=${proof}`)
  }
}
