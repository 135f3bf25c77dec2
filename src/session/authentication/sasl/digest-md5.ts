import { isUtf8 } from 'node:buffer'

import { digestService, digestsOf, isLatin1, parseDirectives, quote } from '../../../protocol/digest-md5.ts'
import { SaslError } from '../../../protocol/sasl-error.ts'
import type { SaslMechanism } from './mechanism.ts'
import type { DigestMd5Options } from './options.ts'

/** Bytes: the RFC allows no longer challenge. */
const longest = 2_048

/**
 * The client's side of SASL DIGEST-MD5 (RFC 2831), for authentication alone: the password does not go over the wire, and
 * the server has to prove that it knows it too.
 */
export class DigestMd5Client implements SaslMechanism {
  readonly #options: DigestMd5Options
  readonly #cnonce: string
  #stage: 'new' | 'asked' | 'answered' | 'over' = 'new'
  #proof = ''

  /** @param random - bytes that nobody can guess */
  constructor(options: DigestMd5Options, random: Buffer) {
    this.#options = options
    this.#cnonce = random.toString('base64')
  }

  next(token: Buffer | null): Buffer | null {
    const stage = this.#stage
    this.#stage = 'over'
    switch (stage) {
      case 'new':
        this.#stage = 'asked'
        return Buffer.alloc(0)
      case 'asked': {
        const answer = this.#answer(read(token, 'realm'))
        this.#stage = 'answered'
        return answer
      }
      case 'answered':
        if (read(token).get('rspauth') !== this.#proof) throw new SaslError('the server does not know the password')
        return null
      case 'over':
        throw new SaslError('the exchange is over')
    }
  }

  #answer(challenge: ReadonlyMap<string, string>): Buffer {
    const { username: user, password } = this.#options
    const nonce = challenge.get('nonce')
    if (nonce === undefined || nonce === '') throw new SaslError('the server sent no nonce')
    if (challenge.get('algorithm') !== 'md5-sess') throw new SaslError('the server asks for another algorithm')
    const offered = (challenge.get('qop') ?? 'auth').split(',').map((each) => each.trim())
    if (!offered.includes('auth')) throw new SaslError('the server asks for more than authentication')
    const charset = challenge.get('charset')
    if (charset !== undefined && charset !== 'utf-8') throw new SaslError('the server has another character set')
    const realm = this.#options.realm ?? challenge.get('realm')
    const isPlain = [user, password, realm ?? ''].every((text) => isLatin1(text))
    if (charset === undefined && !isPlain) throw new SaslError('the server does not read UTF-8')

    const cnonce = this.#cnonce
    const facts = { user, realm: realm ?? '', password, nonce, cnonce, uri: digestService }
    const { response, proof } = digestsOf(facts)
    this.#proof = proof
    const directives = [
      ...(charset === undefined ? [] : [`charset=${charset}`]),
      `username=${quote(user)}`,
      ...(realm === undefined ? [] : [`realm=${quote(realm)}`]),
      `nonce=${quote(nonce)}`,
      'nc=00000001',
      `cnonce=${quote(cnonce)}`,
      `digest-uri=${quote(digestService)}`,
      `response=${response}`,
      'qop=auth',
    ]
    return Buffer.from(directives.join(','), charset === undefined ? 'latin1' : 'utf8')
  }
}

/** A server without a word answers nothing: it has no SASL, or goes on with those who failed. */
function read(token: Buffer | null, repeatable?: string): Map<string, string> {
  if (token === null || token.length === 0) throw new SaslError('the server does not take part in DIGEST-MD5')
  if (token.length > longest) throw new SaslError('the message is too long')
  if (!isUtf8(token)) throw new SaslError('the message is malformed')
  return parseDirectives(token.toString('utf8'), repeatable)
}
