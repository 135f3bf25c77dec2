import { createHash } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { digestId } from '../../../../src/server/access/auth-schemes.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { parseDirectives } from '../../../../src/protocol/digest-md5.ts'
import { SaslError } from '../../../../src/protocol/sasl-error.ts'
import { DigestMd5Server } from '../../../../src/server/access/digest-md5.ts'
import { command } from '../../../support/four-letter-word.ts'
import { frameOf, ints, openAcl, RawClient } from '../../../support/raw-client.ts'

const credential = Buffer.from('admin:geheim')

async function addAuth(client: RawClient, scheme: string, auth: Buffer | null): Promise<number | undefined> {
  return (await client.request('auth', { type: 0, scheme, auth }, -4))?.err
}

function onlyFor(scheme: string, id: string, perms = 31): { perms: number; id: { scheme: string; id: string } }[] {
  return [{ perms, id: { scheme, id } }]
}

describe('auth', () => {
  it('answers with zxid 0, refuses what it does not know by −115, and closes', async () => {
    await using server = await new EmbeddedServer().start()
    for (const [scheme, auth] of [
      ['nonsense', credential],
      ['world', credential],
      ['x509', credential],
      ['sasl', credential],
      ['digest', null],
    ] as const) {
      await using client = await RawClient.connect(server)
      expect(await client.request('auth', { type: 0, scheme, auth }, -4)).toMatchObject({
        xid: -4,
        zxid: 0n,
        err: -115,
      })
      await client.closed
    }
    await using client = await RawClient.connect(server)
    const refused = client.expect('auth', -4)
    client.socket.write(frameOf(ints(-4, 100, 0, -1, 0)))
    expect(await refused).toMatchObject({ zxid: 0n, err: -115 })
    await client.closed
    const report = await command(server.port, 'mntr')
    expect(report).toContain('zk_auth_failed_count\t6\n')
    // None of it is a request whose latency would be measured.
    expect(report).toContain('zk_avg_latency\t0.0\n')
  })

  it('makes who knows the super user’s password mighty', async () => {
    await using server = await new EmbeddedServer({ superDigest: digestId(credential) }).start()
    await using owner = await RawClient.connect(server)
    await addAuth(owner, 'digest', Buffer.from('bob:secret'))
    const acl = onlyFor('digest', digestId(Buffer.from('bob:secret')), 1)
    expect(await owner.request('create', { path: '/bobs', data: null, acl, flags: 0 })).toMatchObject({ err: 0 })
    expect(await owner.request('setData', { path: '/bobs', data: null, version: -1 })).toMatchObject({ err: -102 })

    await using admin = await RawClient.connect(server)
    expect(await admin.request('getData', { path: '/bobs', watch: false })).toMatchObject({ err: -102 })
    expect(await addAuth(admin, 'digest', credential)).toBe(0)
    expect(await admin.request('setData', { path: '/bobs', data: null, version: -1 })).toMatchObject({ err: 0 })
    expect(await admin.request('getAcl', { path: '/bobs' })).toMatchObject({ body: { acl } })
    expect(await admin.request('whoAmI', undefined)).toMatchObject({
      body: {
        clientInfo: [
          { authScheme: 'ip', user: '127.0.0.1' },
          { authScheme: 'super', user: '' },
          { authScheme: 'digest', user: 'admin' },
        ],
      },
    })
  })

  it('masks digests for those who may not change the ACL', async () => {
    await using server = await new EmbeddedServer().start()
    await using bob = await RawClient.connect(server)
    await addAuth(bob, 'digest', Buffer.from('bob:secret'))
    const acl = [...onlyFor('digest', digestId(Buffer.from('bob:secret'))), ...onlyFor('world', 'anyone', 1)]
    await bob.request('create', { path: '/masked', data: null, acl, flags: 0 })
    await using other = await RawClient.connect(server)
    expect(await bob.request('getAcl', { path: '/masked' })).toMatchObject({ body: { acl } })
    expect(await other.request('getAcl', { path: '/masked' })).toMatchObject({
      body: { acl: [{ perms: 31, id: { scheme: 'digest', id: 'bob:x' } }, acl[1]] },
    })
  })

  it('knows x509 and sasl in ACLs only where it can prove them', async () => {
    await using plain = await new EmbeddedServer().start()
    await using users = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    for (const [server, err] of [
      [plain, -114],
      [users, 0],
    ] as const) {
      await using client = await RawClient.connect(server)
      const acl = onlyFor('sasl', 'bob')
      expect(await client.request('create', { path: '/s', data: null, acl, flags: 0 })).toMatchObject({ err })
    }
  })
})

/** Which permission each operation needs, on the znode itself or on its parent, as FinalRequestProcessor has it. */
describe('permissions', () => {
  const read = 1
  const write = 2
  const create = 4
  const remove = 8
  const admin = 16

  it.each([
    ['exists', read, (c: RawClient) => c.request('exists', { path: '/p', watch: false })],
    ['getData', read, (c: RawClient) => c.request('getData', { path: '/p', watch: false })],
    ['getChildren', read, (c: RawClient) => c.request('getChildren', { path: '/p', watch: false })],
    ['getChildren2', read, (c: RawClient) => c.request('getChildren2', { path: '/p', watch: false })],
    ['getAllChildrenNumber', read, (c: RawClient) => c.request('getAllChildrenNumber', { path: '/p' })],
    ['getAcl', read | admin, (c: RawClient) => c.request('getAcl', { path: '/p' })],
    ['setData', write, (c: RawClient) => c.request('setData', { path: '/p', data: null, version: -1 })],
    ['setAcl', admin, (c: RawClient) => c.request('setAcl', { path: '/p', acl: openAcl, version: -1 })],
    ['create', create, (c: RawClient) => c.request('create', { path: '/p/n', data: null, acl: openAcl, flags: 0 })],
    ['delete', remove, (c: RawClient) => c.request('delete', { path: '/p/kid', version: -1 })],
  ])('%s', async (_, needed, ask) => {
    await using server = await new EmbeddedServer().start()
    await using owner = await RawClient.connect(server)
    await addAuth(owner, 'digest', credential)
    for (const granted of [read, write, create, remove, admin]) {
      const acl = [...onlyFor('digest', digestId(credential)), ...onlyFor('world', 'anyone', granted)]
      await owner.request('create', { path: '/p', data: null, acl, flags: 0 })
      await owner.request('create', { path: '/p/kid', data: null, acl: openAcl, flags: 0 })
      await using client = await RawClient.connect(server)
      expect(await ask(client)).toMatchObject({ err: (granted & needed) === 0 ? -102 : 0 })
      for (const path of ['/p/n', '/p/kid', '/p']) await owner.request('delete', { path, version: -1 })
    }
  })
})

const md5 = (data: string | Buffer): Buffer => createHash('md5').update(data).digest()

/** The client's side, as RFC 2831 says it. */
function answerTo(challenge: string, user: string, password: string): { response: string; proof: string } {
  const nonce = /nonce="([^"]+)"/.exec(challenge)![1]!
  const uri = 'zookeeper/zk-sasl-md5'
  const secret = md5(`${user}:zk-sasl-md5:${password}`)
  const a1 = md5(Buffer.concat([secret, Buffer.from(`:${nonce}:abc`)])).toString('hex')
  const digest = (a2: string): string =>
    md5(`${a1}:${nonce}:00000001:abc:auth:${md5(a2).toString('hex')}`).toString('hex')
  const fields = `username="${user}",realm="zk-sasl-md5",nonce="${nonce}",nc=00000001,cnonce="abc",digest-uri="${uri}"`
  return {
    response: `charset=utf-8,${fields},maxbuf=65536,response=${digest(`AUTHENTICATE:${uri}`)},qop=auth`,
    proof: `rspauth=${digest(`:${uri}`)}`,
  }
}

async function saslStep(client: RawClient, token: string): Promise<{ err: number; token: string | undefined }> {
  const reply = await client.request('sasl', { token: Buffer.from(token) })
  return { err: reply!.err, token: reply!.body?.token?.toString() }
}

describe('SASL DIGEST-MD5', () => {
  it('proves a user, and the server to the user', async () => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    await using bob = await RawClient.connect(server)
    const { token: challenge = '' } = await saslStep(bob, '')
    expect(challenge).toMatch(/^realm="zk-sasl-md5",nonce="[\w+/]{40}",charset=utf-8,algorithm=md5-sess$/)
    const { response, proof } = answerTo(challenge, 'bob', 'secret')
    expect(await saslStep(bob, response)).toEqual({ err: 0, token: proof })

    const acl = onlyFor('auth', '')
    await bob.request('create', { path: '/bobs', data: null, acl, flags: 0 })
    expect(await bob.request('getAcl', { path: '/bobs' })).toMatchObject({ body: { acl: onlyFor('sasl', 'bob') } })
    await using other = await RawClient.connect(server)
    expect(await other.request('getData', { path: '/bobs', watch: false })).toMatchObject({ err: -102 })
    expect(await bob.request('whoAmI', undefined)).toMatchObject({
      body: { clientInfo: [{ authScheme: 'ip' }, { authScheme: 'sasl', user: 'bob' }] },
    })
  })

  it('refuses a wrong password, an unknown user and nonsense by −115, and closes', async () => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    for (const answer of [
      (challenge: string) => answerTo(challenge, 'bob', 'wrong').response,
      (challenge: string) => answerTo(challenge, 'eve', 'secret').response,
      () => answerTo('nonce="other"', 'bob', 'secret').response,
      () => 'nonsense',
    ]) {
      await using client = await RawClient.connect(server)
      const { token = '' } = await saslStep(client, '')
      expect(await saslStep(client, answer(token))).toMatchObject({ err: -115 })
      await client.closed
    }
    await using long = await RawClient.connect(server)
    expect(await saslStep(long, 'x'.repeat(4_097))).toMatchObject({ err: -115 })
    await long.closed
  })

  it('passes over an initial response, and ends the connection without an answer for none at all', async () => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    await using eager = await RawClient.connect(server)
    const challenge = await saslStep(eager, 'initial')
    expect(challenge.err).toBe(0)
    expect(challenge.token).toContain('nonce=')
    expect(await eager.request('sasl', { token: null })).toBeNull()
    await using anywhere = await new EmbeddedServer().start()
    await using client = await RawClient.connect(anywhere)
    expect(await client.request('sasl', { token: null })).toBeNull()
  })

  it('refuses a response that was overheard on another connection, and says why', async () => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    await using bob = await RawClient.connect(server)
    const { response } = answerTo((await saslStep(bob, '')).token!, 'bob', 'secret')
    expect(await saslStep(bob, response)).toMatchObject({ err: 0 })
    await using eve = await RawClient.connect(server)
    await saslStep(eve, '')
    expect(await saslStep(eve, response)).toMatchObject({ err: -115 })
    await eve.closed

    const exchange = new DigestMd5Server(new Map([['bob', 'secret']]), Buffer.alloc(30, 7))
    exchange.evaluate(Buffer.alloc(0))
    expect(() => exchange.evaluate(Buffer.from(response))).toThrow('the nonce is not the one sent')
    expect(exchange.user).toBeNull()
  })

  it('has the null token behind a refusal, without which the Java client would only connect again', async () => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    await using client = await RawClient.connect(server)
    await saslStep(client, '')
    const before = client.received
    expect(await saslStep(client, 'nonsense')).toMatchObject({ err: -115 })
    const [length, header, token] = [4, 16, 4]
    expect(client.received - before).toBe(length + header + token)
  })

  it('is answered with nothing where there are no users', async () => {
    await using server = await new EmbeddedServer().start()
    await using client = await RawClient.connect(server)
    expect(await saslStep(client, '')).toEqual({ err: 0, token: undefined })
  })

  it('may be required: all else is refused by −124, and ends the connection', async () => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' }, requireSasl: true }).start()
    await using stranger = await RawClient.connect(server)
    expect(await stranger.request('exists', { path: '/', watch: false })).toMatchObject({ zxid: 0n, err: -124 })
    await stranger.closed
    // Whatever the body.
    await using another = await RawClient.connect(server)
    const refused = another.expect('exists', 1)
    another.socket.write(frameOf(ints(1, 3, 100)))
    expect(await refused).toMatchObject({ zxid: 0n, err: -124 })
    await using bob = await RawClient.connect(server)
    const { token = '' } = await saslStep(bob, '')
    await saslStep(bob, answerTo(token, 'bob', 'secret').response)
    expect(await bob.request('exists', { path: '/', watch: false })).toMatchObject({ err: 0 })
  })

  it('reads quoted and plain directives, and refuses what is neither', () => {
    expect([...parseDirectives('a=1, b="x\\"y,z" ,c=')]).toEqual([
      ['a', '1'],
      ['b', 'x"y,z'],
      ['c', ''],
    ])
    for (const text of ['a', 'a="1', 'a=1,a=2', '=', 'a=1 b=2']) expect(() => parseDirectives(text)).toThrow(SaslError)
  })

  it('reads whatever is sent in one pass', () => {
    const long = ' '.repeat(200_000)
    expect([...parseDirectives(`${long}a${long}=${long},b=${long}"\\""${long}`)]).toEqual([
      ['a', ''],
      ['b', '"'],
    ])
    const run = 'x'.repeat(200_000)
    const strings = [`a=${long}x y`, `a${long}b`, `${long}=`, `a="${'\\\\'.repeat(100_000)}`, `a=${run}"`, 'a="\\\n"']
    for (const text of strings) expect(() => parseDirectives(text)).toThrow(SaslError)
  })

  it('refuses a response of more than 4 KiB, and closes', async () => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    for (const [length, err] of [
      [4096, 0],
      [4097, -115],
    ] as const) {
      await using client = await RawClient.connect(server)
      const { response } = answerTo((await saslStep(client, '')).token!, 'bob', 'secret')
      expect((await saslStep(client, response.padEnd(length))).err).toBe(err)
      if (err !== 0) await client.closed
    }
  })

  it('takes one response only', () => {
    const server = new DigestMd5Server(new Map([['bob', 'secret']]), Buffer.alloc(30, 7))
    const { response } = answerTo(server.evaluate(Buffer.alloc(0)).toString(), 'bob', 'secret')
    server.evaluate(Buffer.from(response))
    expect(server.user).toBe('bob')
    expect(() => server.evaluate(Buffer.from(response))).toThrow(SaslError)
  })
})
