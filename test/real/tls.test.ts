import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { CREATOR_ALL_ACL, KazooClient, OperationTimeoutError, type KazooClientOptions } from '../../src/index.ts'
import { Authority, type Certificate } from '../support/certificates.ts'
import { localServers, nameIfNotRun, ownZooKeeper } from '../support/real-servers.ts'

describe('TLS to a real ZooKeeper, with certificates made here', () => {
  nameIfNotRun('carries sessions, and refuses who is not who it should be')
  let folder: string
  let authority: Authority
  let stranger: Authority
  let server: Certificate
  let elsewhere: Certificate
  let alice: Certificate
  let bob: Certificate

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kazoo-tls-'))
    ;[authority, stranger] = await Promise.all([Authority.make(folder), Authority.make(folder, 'stranger')])
    ;[server, elsewhere, alice, bob] = await Promise.all([
      authority.sign('server', [
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
      authority.sign('elsewhere', [{ type: 'dns', value: 'elsewhere.example' }]),
      authority.sign('alice'),
      authority.sign('bob'),
    ])
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  const client = (hosts: string, options: KazooClientOptions): KazooClient =>
    new KazooClient({ hosts, sessionTimeout: 6_000, ...options })

  async function failure(hosts: string, options: KazooClientOptions): Promise<unknown> {
    const refused = client(hosts, options)
    const error: unknown = await refused.start({ timeout: 1_500 }).catch((reason: unknown) => reason)
    await refused.stop()
    return error
  }

  describe.each(localServers())('$name', (of) => {
    it('carries sessions and four-letter words, and refuses who is not who it should be', async () => {
      const config = authority.config(server, 'none')
      await using zk = await ownZooKeeper({ secure: true, config }, of).start()
      const named = zk.secureHosts.replaceAll('127.0.0.1', 'localhost')
      for (const hosts of [zk.secureHosts, named]) {
        await using kazoo = await client(hosts, { tls: { ca: authority.pem } }).start()
        await kazoo.ensurePath('/tls')
        expect(await kazoo.exists('/tls')).not.toBeNull()
        expect(await kazoo.command('ruok')).toBe('imok')
        expect((await kazoo.serverVersion()).join('.')).toBe(of.version)
      }

      const strange = await failure(named, { tls: { ca: stranger.pem } })
      expect(strange).toBeInstanceOf(OperationTimeoutError)
      expect(String((strange as Error).cause)).toMatch(/certificate|signature/)
      const misnamed = await failure(zk.secureHosts, { tls: { ca: authority.pem, servername: 'elsewhere.example' } })
      expect(String((misnamed as Error).cause)).toContain('elsewhere.example')
      // Plain to the TLS port, and TLS to the plain one.
      expect(await failure(zk.secureHosts, {})).toBeInstanceOf(OperationTimeoutError)
      expect(await failure(zk.hosts, { tls: { ca: authority.pem } })).toBeInstanceOf(OperationTimeoutError)
    })

    it('refuses a server with the certificate of another host', async () => {
      const config = authority.config(elsewhere, 'none')
      await using zk = await ownZooKeeper({ secure: true, config }, of).start()
      const error = await failure(zk.secureHosts, {
        tls: { ca: authority.pem },
        authData: [{ scheme: 'digest', credential: 'user:secret' }],
      })
      expect(String((error as Error).cause)).toContain("does not match certificate's altnames")
    })

    it('is known by its certificate, which is read anew for each connection', async () => {
      const config = authority.config(server, 'need')
      await using zk = await ownZooKeeper({ secure: true, config }, of).start()
      expect(await failure(zk.secureHosts, { tls: { ca: authority.pem } })).toBeInstanceOf(OperationTimeoutError)

      let current = alice
      const tls = (): object => ({ ca: authority.pem, cert: current.cert, key: current.key })
      await using kazoo = await client(zk.secureHosts, { tls }).start()
      expect(await ownerOf(kazoo, '/alice')).toBe('CN=alice')
      const back = new Promise<void>((resolve) =>
        kazoo.addListener((state) => {
          if (state === 'CONNECTED') resolve()
        }),
      )
      current = bob
      await zk.members[0]!.restart()
      await back
      expect(await ownerOf(kazoo, '/bob')).toBe('CN=bob')
    })

    it('shares a port with plain clients, where the server tells them apart', async () => {
      const config = { ...authority.config(server, 'none'), 'client.portUnification': 'true' }
      await using zk = await ownZooKeeper({ config }, of).start()
      await using plain = await client(zk.hosts, {}).start()
      await using secure = await client(zk.hosts, { tls: { ca: authority.pem } }).start()
      const path = await plain.create('/shared', 'x', { makePath: true })
      expect(String((await secure.get(path)).data)).toBe('x')
      expect(await secure.command('ruok')).toBe('imok')
    })

    it('keeps its session, watches and ephemerals when the member of an ensemble dies', async () => {
      const config = authority.config(server, 'none')
      await using zk = await ownZooKeeper({ size: 3, secure: true, config }, of).start()
      await using kazoo = await client(zk.secureHosts, { tls: { ca: authority.pem } }).start()
      await kazoo.create('/mine', 'x', { ephemeral: true })
      const changed = new Promise((resolve) => void kazoo.get('/mine', { watch: resolve }))
      await kazoo.sync('/mine')
      const before = kazoo.session?.id
      const port = Number((await kazoo.command('conf')).match(/secureClientPort=(\d+)/)?.[1])
      const member = zk.members.find(({ securePort }) => securePort === port)
      expect(member).toBeDefined()
      await member!.kill()
      await kazoo.retry(() => kazoo.set('/mine', 'y'))
      expect(kazoo.session?.id).toBe(before)
      expect(await changed).toMatchObject({ type: 'CHANGED', path: '/mine' })
      expect((await kazoo.exists('/mine'))?.ephemeralOwner).toBe(before)
    })
  })
})

/** The certificate's name, as the ACL has it of a znode that is made for its creator alone. */
async function ownerOf(kazoo: KazooClient, path: string): Promise<string | undefined> {
  await kazoo.create(path, '', { acl: CREATOR_ALL_ACL })
  return (await kazoo.getAcls(path)).acls.find(({ id }) => id.scheme === 'x509')?.id.id
}
