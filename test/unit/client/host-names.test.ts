import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { KazooClient } from '../../../src/index.ts'
import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'
import type { Runtime } from '../../../src/runtime/runtime.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { Authority, type Certificate } from '../../support/certificates.ts'
import { failure } from '../../support/world.ts'

/** Machines differ in what localhost is, and one address will do. */
const runtime: Runtime = {
  ...nodeRuntime,
  resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
}

describe('a server is who its certificate says', () => {
  let folder: string
  let authority: Authority
  let named: Certificate
  let addressed: Certificate

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kazoo-names-'))
    authority = await Authority.make(folder)
    named = await authority.sign('named', [{ type: 'dns', value: 'localhost' }])
    addressed = await authority.sign('addressed', [{ type: 'ip', value: '127.0.0.1' }])
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const serve = ({ key, cert }: Certificate): Promise<EmbeddedServer> =>
    new EmbeddedServer({ tls: { key, cert } }).start()

  const clientOf = (host: string, { port }: EmbeddedServer): KazooClient =>
    new KazooClient({
      hosts: `${host}:${port}`,
      tls: { ca: authority.pem },
      connectionRetry: { maxTries: 1 },
      runtime,
    })

  it('by the name that the user gave, whatever it resolves to', async () => {
    await using server = await serve(named)
    await using client = await clientOf('localhost', server).start()
    expect(await client.command('ruok')).toBe('imok')
    expect(await client.serverVersion()).toHaveLength(3)
    const error = await failure(clientOf('127.0.0.1', server).start())
    expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  it('by the address where the user gave that, and by no address that a name resolves to', async () => {
    await using server = await serve(addressed)
    await using client = await clientOf('127.0.0.1', server).start()
    expect(await client.command('ruok')).toBe('imok')
    const error = await failure(clientOf('localhost', server).start())
    expect(error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    expect(error.message).toContain('localhost')
  })
})
