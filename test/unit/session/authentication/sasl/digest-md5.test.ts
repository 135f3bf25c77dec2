import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { digestsOf, parseDirectives, quote } from '../../../../../src/protocol/digest-md5.ts'
import { SaslError } from '../../../../../src/protocol/sasl-error.ts'
import { DigestMd5Server } from '../../../../../src/server/access/digest-md5.ts'
import { DigestMd5Client } from '../../../../../src/session/authentication/sasl/digest-md5.ts'
import type { DigestMd5Options } from '../../../../../src/session/authentication/sasl/options.ts'

const bob: DigestMd5Options = { mechanism: 'DIGEST-MD5', username: 'bob', password: 'secret' }
const random = Buffer.alloc(30, 3)
const good = 'realm="zk-sasl-md5",nonce="abc",charset=utf-8,algorithm=md5-sess'

/** The answer to a challenge. */
function answerTo(challenge: string | Buffer, options = bob): string {
  const client = new DigestMd5Client(options, random)
  client.next(null)
  return client.next(Buffer.from(challenge))!.toString('utf8')
}

describe('directives', () => {
  it('are values, or SaslError, whatever is sent', () => {
    const piece = fc.constantFrom('a', 'nonce', '=', '"', '\\', ',', ' ', '\n', 'é', '\0', 'realm="x"', 'qop=auth,')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            for (const [name, value] of parseDirectives(text))
              expect([typeof name, typeof value]).toEqual(['string', 'string'])
          } catch (error) {
            expect(error).toBeInstanceOf(SaslError)
          }
        },
      ),
    )
  })

  it('are read as they were written, in quotes', () => {
    const value = fc.string({ unit: 'grapheme' }).filter((text) => !/[\0\r\n\u2028\u2029]/.test(text))
    fc.assert(
      fc.property(value, (text) => {
        expect(parseDirectives(`a=${quote(text)}`).get('a')).toBe(text)
      }),
    )
  })
})

describe('the digests', () => {
  it('are those of the example in RFC 2831', () => {
    const facts = {
      user: 'chris',
      realm: 'elwood.innosoft.com',
      password: 'secret',
      nonce: 'OA6MG9tEQGm2hh',
      cnonce: 'OA6MHXh6VqTrRk',
      uri: 'imap/elwood.innosoft.com',
    }
    expect(digestsOf(facts)).toEqual({
      response: 'd388dad90d4bbd760a152321f2143af7',
      proof: 'ea40f60335c427b5527b84dbabcdfffd',
    })
  })
})

describe('an exchange', () => {
  it.each([
    ['plain', 'bob', 'secret'],
    ['with quotes, backslashes and commas', 'b"o\\b,\\"', 's"e\\c,r=e t'],
    ['in Latin-1', 'bÖb', 'geheim ß'],
    ['beyond Latin-1', 'ボブ', 'пароль 🔑'],
    ['half and half', 'bÖb', 'пароль'],
  ])('proves both sides to each other: names and passwords %s', (_name, username, password) => {
    const server = new DigestMd5Server(new Map([[username, password]]), Buffer.alloc(30, 7))
    const client = new DigestMd5Client({ ...bob, username, password }, random)
    const first = client.next(null)!
    expect(first).toHaveLength(0)
    const response = client.next(server.evaluate(first))!
    expect(response.toString('utf8')).not.toContain(password)
    expect(client.next(server.evaluate(response))).toBe(null)
    expect(server.user).toBe(username)
  })

  it.each([
    ['no proof at all', null],
    ['an empty one', ''],
    ['another', `rspauth=${'0'.repeat(32)}`],
    ['what is no proof', 'hello'],
    ['the challenge again', good],
  ])('fails on %s, for then the server does not know the password', (_name, proof) => {
    const client = new DigestMd5Client(bob, random)
    client.next(null)
    client.next(Buffer.from(good))
    expect(() => client.next(proof === null ? null : Buffer.from(proof))).toThrow(SaslError)
    // And is not to be gone on with.
    expect(() => client.next(Buffer.from(good))).toThrow('the exchange is over')
  })

  it('is over when it is over', () => {
    const server = new DigestMd5Server(new Map([['bob', 'secret']]), Buffer.alloc(30, 7))
    const client = new DigestMd5Client(bob, random)
    client.next(server.evaluate(client.next(null)!))
    expect(() => client.next(null)).toThrow(SaslError)
  })

  it('uses what was given for chance', () => {
    const other = new DigestMd5Client(bob, Buffer.alloc(30, 4))
    other.next(null)
    expect(String(other.next(Buffer.from(good)))).not.toBe(answerTo(good))
    expect(answerTo(good)).toBe(answerTo(good))
  })
})

describe('the answer to a challenge', () => {
  const fields = (challenge: string, options = bob): Record<string, string> =>
    Object.fromEntries(parseDirectives(answerTo(challenge, options)))

  it('says what was agreed on', () => {
    expect(fields(good)).toMatchObject({
      charset: 'utf-8',
      username: 'bob',
      realm: 'zk-sasl-md5',
      nonce: 'abc',
      nc: '00000001',
      cnonce: random.toString('base64'),
      'digest-uri': 'zookeeper/zk-sasl-md5',
      qop: 'auth',
    })
  })

  it('names the first realm, or the one asked for, or none', () => {
    const several = 'realm="one",realm="two",nonce="abc",algorithm=md5-sess'
    expect(fields(several)['realm']).toBe('one')
    expect(fields(several, { ...bob, realm: 'two' })['realm']).toBe('two')
    expect(fields('nonce="abc",algorithm=md5-sess')).not.toHaveProperty('realm')
    expect(fields('nonce="abc",algorithm=md5-sess', { ...bob, realm: 'two' })['realm']).toBe('two')
  })

  it('quotes what the server sent, so that nothing of it is taken for more than a value', () => {
    const nonce = 'x",username="eve\\'
    const challenge = `nonce="${nonce.replace(/["\\]/g, '\\$&')}",algorithm=md5-sess`
    expect(fields(challenge)).toMatchObject({ nonce, username: 'bob' })
  })

  it('is in Latin-1 for a server that does not read UTF-8, if that can say it', () => {
    const client = new DigestMd5Client({ ...bob, username: 'bÖb' }, random)
    client.next(null)
    const answer = client.next(Buffer.from('nonce="abc",algorithm=md5-sess'))!
    expect(answer.toString('latin1')).toContain('username="bÖb"')
    expect(answer.toString('latin1')).not.toContain('charset')
    expect(() => answerTo('nonce="abc",algorithm=md5-sess', { ...bob, password: 'пароль' })).toThrow('UTF-8')
  })

  it.each([
    ['nothing', ''],
    ['no directives', 'hello'],
    ['no nonce', 'realm="zk-sasl-md5",algorithm=md5-sess'],
    ['an empty nonce', 'nonce="",algorithm=md5-sess'],
    ['two nonces', 'nonce="a",nonce="b",algorithm=md5-sess'],
    ['no algorithm', 'nonce="abc"'],
    ['another algorithm', 'nonce="abc",algorithm=md5'],
    ['protection of all that follows', 'nonce="abc",algorithm=md5-sess,qop="auth-int,auth-conf"'],
    ['another character set', 'nonce="abc",algorithm=md5-sess,charset=utf-16'],
    ['an open quote', 'nonce="abc,algorithm=md5-sess'],
    ['bytes that are no text', Buffer.from([0x6e, 0xff, 0xfe])],
    ['more than 2 KiB', `${good},x="${'y'.repeat(2048)}"`],
  ])('is refused to %s', (_name, challenge) => {
    expect(() => answerTo(challenge)).toThrow(SaslError)
  })

  it('ignores what it does not know, and takes auth among others', () => {
    expect(fields(`${good},qop="auth-int, auth",maxbuf=65536,stale=true,color="blue"`)['qop']).toBe('auth')
  })
})
