import { createHash } from 'node:crypto'

/** What ZooKeeper's servers and clients call the service, and the realm. */
const digestUri = 'zookeeper/zk-sasl-md5'
const realm = 'zk-sasl-md5'
/** Bytes: the RFC allows no longer response. */
const longest = 4096

/** Why an exchange failed; says nothing that is secret. */
export class SaslError extends Error {
  override readonly name = 'SaslError'
}

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
    if (state === 'new') {
      if (response.length > 0) throw new SaslError('DIGEST-MD5 has no initial response')
      this.#state = 'challenged'
      return Buffer.from(`realm="${realm}",nonce="${this.#nonce}",charset=utf-8,algorithm=md5-sess`)
    }
    if (state !== 'challenged') throw new SaslError('the exchange is over')
    if (response.length > longest) throw new SaslError('the response is too long')
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
    if (directives.get('realm') !== realm) throw new SaslError('there is no such realm')
    if ((directives.get('qop') ?? 'auth') !== 'auth') throw new SaslError('only authentication is offered')
    const service = uri.toLowerCase()
    if (service !== digestUri && !service.startsWith(`${digestUri}/`)) throw new SaslError('the service is another')
    const password = this.#passwords.get(user)
    if (password === undefined) throw new SaslError('there is no such user')

    const secret = md5(secretText(user, password))
    const authorization = directives.get('authzid')
    const tail = `:${this.#nonce}:${cnonce}${authorization === undefined ? '' : `:${authorization}`}`
    const a1 = md5(Buffer.concat([secret, Buffer.from(tail)])).toString('hex')
    const digest = (a2: string): string =>
      md5(`${a1}:${this.#nonce}:00000001:${cnonce}:auth:${md5(a2).toString('hex')}`).toString('hex')
    if (get('response') !== digest(`AUTHENTICATE:${uri}`)) throw new SaslError('the password is wrong')
    this.#user = user
    this.#state = 'complete'
    return Buffer.from(`rspauth=${digest(`:${uri}`)}`)
  }
}

/** Latin-1 where that can say it, else UTF-8: so the RFC has it. */
function encode(text: string): Buffer {
  return Buffer.from(text, /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf8')
}

function secretText(user: string, password: string): Buffer {
  return Buffer.concat([encode(user), Buffer.from(`:${realm}:`), encode(password)])
}

/**
 * Reads `name=value,name="quoted \"value\""`, character by character: who sends it is not known yet, and must not make
 * the server go back and forth in it.
 *
 * @throws SaslError
 */
export function parseDirectives(text: string): Map<string, string> {
  const directives = new Map<string, string>()
  let at = 0
  const take = (isWanted: (character: string) => boolean): string => {
    const start = at
    while (at < text.length && isWanted(text[at]!)) at++
    return text.slice(start, at)
  }
  while (at < text.length) {
    take((character) => character === ',' || isBlank(character))
    const name = take((character) => /[\w-]/.test(character)).toLowerCase()
    take(isBlank)
    if (name === '' || text[at++] !== '=') throw malformed()
    take(isBlank)
    let value: string
    if (text[at] === '"') [value, at] = readQuoted(text, at + 1)
    else value = take((character) => character !== ',' && character !== '"' && !isBlank(character))
    take(isBlank)
    if (at < text.length && text[at++] !== ',') throw malformed()
    if (directives.has(name)) throw new SaslError(`${name} comes twice`)
    directives.set(name, value)
  }
  return directives
}

/** The value from `start` up to its closing quote, and where what follows begins. @throws SaslError */
function readQuoted(text: string, start: number): [value: string, end: number] {
  let value = ''
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"') return [value, at + 1]
    if (text[at] === '\\' && !/./.test(text[++at] ?? '')) break
    value += text[at]!
  }
  throw malformed()
}

function isBlank(character: string): boolean {
  return /\s/.test(character)
}

function malformed(): SaslError {
  return new SaslError('the response is malformed')
}

function md5(data: Buffer | string): Buffer {
  return createHash('md5').update(data).digest()
}
