import { createHash } from 'node:crypto'

import { SaslError } from './sasl-error.ts'

/**
 * The messages and the arithmetic of SASL DIGEST-MD5 (RFC 2831), for the client and the server.
 */

/** What ZooKeeper's servers and clients call the service, and the realm. */
export const digestService = 'zookeeper/zk-sasl-md5'
export const digestRealm = 'zk-sasl-md5'

/** What both sides know at the end of an exchange. */
export interface DigestFacts {
  readonly user: string
  readonly realm: string
  readonly password: string
  readonly nonce: string
  readonly cnonce: string
  readonly uri: string
  /** Whom to act as, if that was said. */
  readonly authorization?: string | undefined
}

/** What the client proves its knowledge of the password with, and what the server does. */
export function digestsOf(facts: DigestFacts): { readonly response: string; readonly proof: string } {
  const { user, realm, password, nonce, cnonce, uri, authorization } = facts
  const secret = md5(Buffer.concat([encode(user), Buffer.from(':'), encode(realm), Buffer.from(':'), encode(password)]))
  const tail = `:${nonce}:${cnonce}${authorization === undefined ? '' : `:${authorization}`}`
  const a1 = md5(Buffer.concat([secret, Buffer.from(tail)])).toString('hex')
  const digest = (a2: string): string =>
    md5(`${a1}:${nonce}:00000001:${cnonce}:auth:${md5(a2).toString('hex')}`).toString('hex')
  return { response: digest(`AUTHENTICATE:${uri}`), proof: digest(`:${uri}`) }
}

/** Latin-1 where that can say it, else UTF-8: so the RFC has it. */
function encode(text: string): Buffer {
  return Buffer.from(text, isLatin1(text) ? 'latin1' : 'utf8')
}

export function isLatin1(text: string): boolean {
  return /^[\0-\xff]*$/.test(text)
}

/** A value in quotes. */
export function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

/**
 * Reads `name=value,name="quoted \"value\""`, character by character: who sends it is not known yet, and must not make
 * the reader go back and forth in it.
 *
 * @param repeatable - the name that may come more than once; its first value counts
 * @throws SaslError
 */
export function parseDirectives(text: string, repeatable?: string): Map<string, string> {
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
    if (!directives.has(name)) directives.set(name, value)
    else if (name !== repeatable) throw new SaslError(`${name} comes twice`)
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
  return new SaslError('the message is malformed')
}

function md5(data: Buffer | string): Buffer {
  return createHash('md5').update(data).digest()
}
