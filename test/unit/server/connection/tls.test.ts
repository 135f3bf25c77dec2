import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { EmbeddedServer, type EmbeddedServerOptions } from '../../../../src/server/index.ts'
import { command } from '../../../support/four-letter-word.ts'
import { openAcl, RawClient } from '../../../support/raw-client.ts'

const file = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const ca = file('ca')
const tls = { ca, key: file('server-key'), cert: file('server') }
const trusting = { ca, servername: 'localhost' }
const alice = { ...trusting, key: file('client-key'), cert: file('client') }
const aliceSubject = 'CN=alice,OU=Clients,O=Example\\, Inc.,C=CH'

async function start(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  return await new EmbeddedServer(options).start()
}

it('serves TLS on a port of its own, four-letter words too', async () => {
  await using server = await start({ tls, securePort: 0 })
  const port = server.securePort!
  expect(port).not.toBe(server.port)
  await using secure = await RawClient.connect({ port, tls: trusting })
  await using plain = await RawClient.connect(server)
  await secure.request('create', { path: '/s', data: null, acl: openAcl, flags: 0 })
  expect(await plain.request('exists', { path: '/s', watch: false })).toMatchObject({ err: 0 })
  expect(await command(port, 'ruok', trusting)).toBe('imok')
  expect(await command(server.port, 'conf')).toContain(`secureClientPort=${port}\n`)
})

it('serves TLS and plain connections on one port', async () => {
  await using server = await start({ tls })
  expect(server.securePort).toBeNull()
  await using secure = await RawClient.connect({ port: server.port, tls: trusting })
  await using plain = await RawClient.connect(server)
  for (const client of [secure, plain]) {
    expect(await client.request('exists', { path: '/', watch: false })).toMatchObject({ err: 0 })
  }
  expect(await command(server.port, 'ruok', trusting)).toBe('imok')
  expect(await command(server.port, 'ruok')).toBe('imok')
})

it('keeps plain connections from the secure port, and TLS from a plain one', async () => {
  await using server = await start({ tls, securePort: 0 })
  await using plain = await RawClient.connect({ port: server.securePort! })
  expect(plain.response).toBeNull()
  await using secure = await RawClient.connect({ port: server.port, tls: trusting })
  expect(secure.response).toBeNull()
})

it.each([
  ['over TLS', trusting],
  ['on the same port without it', undefined],
])('answers what was asked before the client ended its side, and forgets the connection: %s', async (_, options) => {
  await using server = await start({ tls })
  await using other = await RawClient.connect(server)
  await using client = await RawClient.connect({
    port: server.port,
    ...(options === undefined ? {} : { tls: options }),
  })
  server.faults.delay(20)
  const answers = Array.from({ length: 300 }, () => client.request('exists', { path: '/', watch: false }))
  client.socket.end()
  expect((await Promise.all(answers)).every((answer) => answer?.err === 0)).toBe(true)
  await client.closed
  server.faults.delay(0)
  while (server.connectionCount > 1) await other.settle()
})

describe('mutual TLS', () => {
  const mutual = { ...tls, requestCert: true, rejectUnauthorized: false }

  it('makes the subject of a verified certificate an identity', async () => {
    await using server = await start({ tls: mutual })
    await using client = await RawClient.connect({ port: server.port, tls: alice })
    expect(await client.request('whoAmI', undefined)).toMatchObject({
      body: { clientInfo: [{ authScheme: 'ip' }, { authScheme: 'x509', user: aliceSubject }] },
    })
    expect(await client.request('auth', { type: 0, scheme: 'x509', auth: null }, -4)).toMatchObject({ err: 0 })
    const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }]
    await client.request('create', { path: '/hers', data: null, acl, flags: 0 })
    expect(await client.request('getAcl', { path: '/hers' })).toMatchObject({
      body: { acl: [{ perms: 31, id: { scheme: 'x509', id: aliceSubject } }] },
    })
    await using stranger = await RawClient.connect({ port: server.port, tls: trusting })
    expect(await stranger.request('getData', { path: '/hers', watch: false })).toMatchObject({ err: -102 })
    await using plain = await RawClient.connect(server)
    expect(await plain.request('auth', { type: 0, scheme: 'x509', auth: null }, -4)).toMatchObject({ err: -115 })
  })

  it('makes the super user’s certificate mighty', async () => {
    await using server = await start({ tls: mutual, x509SuperUser: aliceSubject })
    await using bob = await RawClient.connect(server)
    const acl = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]
    await bob.request('create', { path: '/bobs', data: null, acl, flags: 0 })
    await using admin = await RawClient.connect({ port: server.port, tls: alice })
    expect(await admin.request('setData', { path: '/bobs', data: null, version: -1 })).toMatchObject({ err: 0 })
    expect(await bob.request('setData', { path: '/bobs', data: null, version: -1 })).toMatchObject({ err: -102 })
  })

  it('may be required', async () => {
    await using server = await start({ tls: { ...tls, requestCert: true, rejectUnauthorized: true } })
    await using stranger = await RawClient.connect({ port: server.port, tls: trusting })
    expect(stranger.response).toBeNull()
    await using client = await RawClient.connect({ port: server.port, tls: alice })
    expect(client.response).not.toBeNull()
  })
})

it('survives peers that leave in the middle of a handshake', async () => {
  await using server = await start({ tls })
  for (const bytes of [[0x16], [0x16, 3, 1, 2, 0, 1], []]) {
    const peer = await RawClient.dial({ port: server.port })
    peer.socket.write(Buffer.from(bytes))
    peer.socket.destroy()
    await peer.closed
  }
  expect(await command(server.port, 'ruok')).toBe('imok')
})

describe.each([
  ['on one port', {}],
  ['on a port of its own', { securePort: 0 }],
])('%s', (_, options) => {
  const portOf = (server: EmbeddedServer): number => server.securePort ?? server.port
  const beginnings = [[], [0x16], [0x16, 3, 1, 2, 0, 1]]

  async function begin(server: EmbeddedServer): Promise<readonly RawClient[]> {
    const peers = await Promise.all(beginnings.map(() => RawClient.dial({ port: portOf(server) })))
    for (const [index, bytes] of beginnings.entries()) {
      if (bytes.length > 0) peers[index]!.socket.write(Buffer.from(bytes))
    }
    return peers
  }

  it('closes those who have not finished the handshake when it stops', async () => {
    await using server = await start({ tls, ...options })
    const peers = await begin(server)
    // Who comes later is accepted later.
    expect(await command(portOf(server), 'ruok', trusting)).toBe('imok')
    await server.stop()
    await Promise.all(peers.map(({ closed }) => closed))
  })

  it('closes those who take too long for the handshake, and no others', async () => {
    await using server = await start({ tls: { ...tls, handshakeTimeout: 1_000 }, ...options })
    await using client = await RawClient.connect({ port: portOf(server), tls: trusting })
    const peers = await begin(server)
    await Promise.all(peers.map(({ closed }) => closed))
    expect(await client.request('exists', { path: '/', watch: false })).toMatchObject({ err: 0 })
  })
})
