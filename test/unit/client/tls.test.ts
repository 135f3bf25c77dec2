import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'

import { describe, expect, it } from 'vitest'

import { deferred } from '../../../src/common/deferred.ts'
import { KazooClient, OperationTimeoutError, type KazooClientOptions } from '../../../src/index.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'

const file = (name: string): string => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const ca = file('ca')
const tls = { ca, key: file('server-key'), cert: file('server') }
const clientCertificate = { key: file('client-key'), cert: file('client') }

const serve = (options = {}): Promise<EmbeddedServer> => new EmbeddedServer({ tls, ...options }).start()

function clientOf(server: EmbeddedServer, options: KazooClientOptions): KazooClient {
  return new KazooClient({ hosts: `localhost:${server.port}`, ...options })
}

describe('TLS', () => {
  it('carries the session, and four-letter words', async () => {
    await using server = await serve()
    await using client = await clientOf(server, { tls: { ca } }).start()
    await client.create('/a', 'x')
    expect(String((await client.get('/a')).data)).toBe('x')
    expect(await client.command('ruok')).toBe('imok')
    expect((await client.serverVersion())[0]).toBe(3)
  })

  it('presents a certificate, which is an identity', async () => {
    await using server = await serve({ tls: { ...tls, requestCert: true, rejectUnauthorized: true } })
    await using client = await clientOf(server, { tls: { ca, ...clientCertificate } }).start()
    expect((await client.whoAmI()).map(({ authScheme }) => authScheme)).toContain('x509')
  })

  it.each([
    ['an unknown authority', { tls: true }],
    ['another name', { tls: { ca, servername: 'elsewhere.example' } }],
    ['options that TLS refuses', { tls: { ca, cert: 'no certificate' } }],
    ['options that cannot be had', { tls: () => Promise.reject(new Error('no such file')) }],
  ] as [string, KazooClientOptions][])(
    'gives up on %s, with the reason, and sends no credentials',
    async (_name, options) => {
      await using server = await serve()
      const client = clientOf(server, { ...options, authData: [{ scheme: 'digest', credential: 'user:secret' }] })
      const error: unknown = await client.start({ timeout: 500 }).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect((error as Error).cause).toBeInstanceOf(Error)
    },
  )

  it.each([
    ['of an unknown authority', 'localhost', true],
    ['of another host', '127.0.0.1', { ca, servername: 'elsewhere.example' }],
  ] as const)('sends not a byte to a server with a certificate %s', async (_name, host, options) => {
    let received = 0
    let connections = 0
    const server = createServer({ key: tls.key, cert: tls.cert }, (socket) => {
      connections++
      socket.on('data', (chunk: Buffer) => void (received += chunk.length))
      socket.on('error', () => {})
    })
    server.on('tlsClientError', () => connections++)
    await new Promise<void>((resolve) => server.listen(0, resolve))
    const { port } = server.address() as AddressInfo
    const client = new KazooClient({
      hosts: `${host}:${port}`,
      tls: options,
      authData: [{ scheme: 'digest', credential: 'user:secret' }],
      saslOptions: { mechanism: 'DIGEST-MD5', username: 'user', password: 'secret' },
      session: { id: 5n, password: Buffer.alloc(16, 5) },
    })
    await client.start({ timeout: 500 }).catch(() => {})
    await new Promise((resolve) => server.close(resolve))
    expect(connections).toBeGreaterThan(0)
    expect(received).toBe(0)
  })

  it('asks for its options anew when it reconnects', async () => {
    await using server = await serve()
    let asked = 0
    const options = (): { ca: string } => {
      asked++
      return { ca }
    }
    await using client = await clientOf(server, { tls: options }).start()
    const before = asked
    server.dropConnections()
    await client.exists('/').catch(() => client.exists('/'))
    expect(asked).toBeGreaterThan(before)
  })

  it('verifies the name in hosts where that of the options is undefined', async () => {
    await using server = await serve()
    const names: string[] = []
    const checkServerIdentity = (name: string): undefined => void names.push(name)
    const options = { ca, servername: undefined, checkServerIdentity }
    await using _first = await clientOf(server, { tls: options }).start()
    await using _second = await clientOf(server, { tls: () => options }).start()
    expect(names).toEqual(['localhost', 'localhost'])
  })

  it('names a wrong option', () => {
    expect(() => new KazooClient({ tls: 'yes' as never })).toThrow(/tls/)
  })

  const passphrase = 12_345_678 as never
  const wrong = {
    itself: { ca, passphrase },
    'of a key': { ca, key: [{ pem: file('client-key'), passphrase }] },
    'of a store': { ca, pfx: [{ buf: file('client'), passphrase }] },
  }

  it.each(Object.entries(wrong))(
    'names a passphrase of a wrong type, and does not show it: %s',
    async (_name, options) => {
      const message = 'tls.passphrase must be a string, not number'
      expect(() => new KazooClient({ tls: options })).toThrow(new TypeError(message))
      await using server = await serve()
      const client = clientOf(server, { tls: () => options })
      const error: unknown = await client.start({ timeout: 500 }).catch((reason: unknown) => reason)
      expect((error as Error).cause).toMatchObject({ name: 'TypeError', message })
    },
  )

  it('is not given up for the ports without TLS that the configuration of an ensemble names', async () => {
    const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs='
    await using server = await serve({ superDigest })
    const authData = [{ scheme: 'digest', credential: 'super:admin' }]
    await using admin = await clientOf(server, { tls: { ca }, authData }).start()
    await admin.set('/zookeeper/config', `server.1=localhost:1:2;${server.port}`)
    const warned = deferred<string>()
    const nothing = (): void => {}
    const warn = (_details: object, message: string): void => warned.resolve(message)
    const logger = { debug: nothing, info: nothing, warn, error: nothing }
    await using client = await clientOf(server, { tls: { ca }, trackEnsemble: true, logger }).start()
    expect(await warned.promise).toMatch(/ignored: it names no address for clients with TLS/)
    expect(client.hosts).toEqual([`localhost:${server.port}`])
    // Later servers name those with TLS; and a function may know better.
    await using mapped = await clientOf(server, {
      tls: { ca },
      trackEnsemble: ({ id }) => `127.0.0.1:${server.port + id - 1}`,
    }).start()
    await expect.poll(() => mapped.hosts).toEqual([`127.0.0.1:${server.port}`])
    await admin.set('/zookeeper/config', `server.1=localhost:1:2;;0.0.0.0:${server.port}\nserver.2=b:1:2;;c:3`)
    await expect.poll(() => client.hosts).toEqual([`localhost:${server.port}`, 'c:3'])
  })
})
