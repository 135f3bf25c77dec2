import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  AuthFailedError,
  CREATOR_ALL_ACL,
  KazooClient,
  NoAuthError,
  SessionClosedRequireSaslAuthError,
  type KazooClientOptions,
  type SaslOptions,
} from '../../src/index.ts'
import { EmbeddedServer } from '../../src/server/index.ts'
import { Authority, type Certificate } from '../support/certificates.ts'
import { localServers, nameIfNotRun, ownZooKeeper } from '../support/real-servers.ts'
import { failure } from '../support/world.ts'

type Users = Readonly<Record<string, string>>

/** A server with SASL, of the test's own. */
interface SaslServer extends AsyncDisposable {
  readonly hosts: string
  readonly secureHosts: string
  /** Starts again with other passwords; sessions go on. */
  changeUsers(users: Users): Promise<void>
}

interface ServerKind {
  readonly name: string
  readonly version: string
  start(users: Users, options?: { required?: boolean; secure?: boolean }): Promise<SaslServer>
}

/** ms. Long enough for a session to live through the restart of a JVM on a busy machine. */
const TICK_TIME = 2_000

const jaas = (users: Users): string => {
  const entries = Object.entries(users).map(([user, password]) => `user_${user}=${JSON.stringify(password)}`)
  return `Server { org.apache.zookeeper.server.auth.DigestLoginModule required ${entries.join(' ')}; };\n`
}

let folder: string
let authority: Authority
let certificate: Certificate

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kazoo-sasl-'))
  authority = await Authority.make(folder)
  certificate = await authority.sign('server', [{ type: 'ip', value: '127.0.0.1' }])
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const embedded: ServerKind = {
  name: 'embedded',
  version: '3.9.5',
  start: async (saslUsers, { required = false, secure = false } = {}) => {
    const dataDir = await mkdtemp(join(folder, 'data-'))
    const tls = { key: certificate.key, cert: certificate.cert }
    const options = { requireSasl: required, dataDir, tickTime: TICK_TIME, ...(secure ? { tls } : {}) }
    let server = await new EmbeddedServer({ saslUsers, ...options }).start()
    const { port, hosts } = server
    return {
      hosts,
      secureHosts: hosts,
      changeUsers: async (users) => {
        await server.stop()
        server = await new EmbeddedServer({ saslUsers: users, ...options, port }).start()
      },
      [Symbol.asyncDispose]: () => server.stop(),
    }
  },
}

const real = localServers().map((of): ServerKind => ({
  name: of.name,
  version: of.version,
  start: async (users, { required = false, secure = false } = {}) => {
    const config = {
      ...(secure ? authority.config(certificate, 'none') : {}),
      ...(required ? { sessionRequireClientSASLAuth: 'true' } : {}),
    }
    const zk = await ownZooKeeper({ config, secure, jaas: jaas(users), tickTime: TICK_TIME }, of).start()
    return {
      hosts: zk.hosts,
      secureHosts: zk.secureHosts,
      changeUsers: async (changed) => {
        const [member] = zk.members
        await writeFile(join(member!.folder, 'jaas.conf'), jaas(changed))
        await member!.restart()
      },
      [Symbol.asyncDispose]: () => zk.stop(),
    }
  },
}))

const asUser = (username: string, password: string): SaslOptions => ({ mechanism: 'DIGEST-MD5', username, password })

const client = (hosts: string, options: KazooClientOptions): KazooClient =>
  new KazooClient({
    // Thrice, so that an attempt takes no more than a third of the session timeout: a ZooKeeper that is just being started
    // now and then reads the first bytes of a handshake, and never answers.
    hosts: [hosts, hosts, hosts].join(','),
    sessionTimeout: 20 * TICK_TIME,
    connectionRetry: { delay: 20, backoff: 1, maxDelay: 20 },
    ...options,
  })

nameIfNotRun('DIGEST-MD5 on a real server')
describe.each([embedded, ...real])('DIGEST-MD5 on $name', (kind) => {
  const isSince = (major: number, minor: number): boolean => {
    const [a = 0, b = 0] = kind.version.split('.').map(Number)
    return a > major || (a === major && b >= minor)
  }

  it('proves who the client is before it is CONNECTED', async () => {
    await using server = await kind.start({ bob: 'secret', eve: 'other' })
    await using bob = await client(server.hosts, { saslOptions: asUser('bob', 'secret') }).start()
    await bob.create('/bobs', 'mine', { acl: CREATOR_ALL_ACL })
    const { acls } = await bob.getAcls('/bobs')
    expect(acls).toEqual([{ perms: 31, id: { scheme: 'sasl', id: 'bob' } }])
    if (isSince(3, 7)) expect(await bob.whoAmI()).toContainEqual({ authScheme: 'sasl', user: 'bob' })

    await using eve = await client(server.hosts, { saslOptions: asUser('eve', 'other') }).start()
    await using nobody = await client(server.hosts, {}).start()
    for (const other of [eve, nobody]) expect(await failure(other.get('/bobs'))).toBeInstanceOf(NoAuthError)
  })

  it('takes names and passwords in any script, and with what has a meaning to the messages', async () => {
    const users = { bob: 's"e\\c,r=e t', zoë: 'geheim ß', ada: 'пароль 🔑' }
    await using server = await kind.start(users)
    for (const [user, password] of Object.entries(users)) {
      await using zk = await client(server.hosts, { saslOptions: asUser(user, password) }).start()
      await zk.create(`/of-${user}`, '', { acl: CREATOR_ALL_ACL })
      expect((await zk.getAcls(`/of-${user}`)).acls[0]?.id).toEqual({ scheme: 'sasl', id: user })
    }
  })

  it('fails a first connection at once, on a wrong password and an unknown user', async () => {
    await using server = await kind.start({ bob: 'secret' })
    // Not with Bob's password: ZooKeeper takes the last user’s for that of one it does not know (ZOOKEEPER-4839).
    for (const saslOptions of [asUser('bob', 'wrong'), asUser('nobody', 'wrong')]) {
      const error = await failure(client(server.hosts, { saslOptions }).start({ timeout: 3_000 }))
      expect(error).toBeInstanceOf(AuthFailedError)
      expect(`${String(error)} ${String(error.cause)}`).not.toContain('wrong')
    }
  })

  it.skipIf(!isSince(3, 6))('may be required, since 3.6: who does without learns why', async () => {
    await using server = await kind.start({ bob: 'secret' }, { required: true })
    await using bob = await client(server.hosts, {
      saslOptions: asUser('bob', 'secret'),
      authData: [{ scheme: 'digest', credential: 'ada:1' }],
    }).start()
    expect(await bob.exists('/')).not.toBeNull()
    const wrong = client(server.hosts, { saslOptions: asUser('bob', 'wrong') })
    expect(await failure(wrong.start({ timeout: 3_000 }))).toMatchObject({
      name: 'AuthFailedError',
      cause: { name: 'SessionClosedRequireSaslAuthError' },
    })
    const stranger = client(server.hosts, {})
    const suspended = new Promise((resolve) => {
      stranger.addListener((state, { cause }) => {
        if (state === 'SUSPENDED') resolve(cause)
      })
    })
    await stranger.start()
    expect(await failure(stranger.exists('/'))).toBeInstanceOf(SessionClosedRequireSaslAuthError)
    expect(await suspended).toBeInstanceOf(SessionClosedRequireSaslAuthError)
    await stranger.stop()
  })

  it('is done again on each connection, with the password of the day', { timeout: 120_000 }, async () => {
    await using server = await kind.start({ bob: 'first' })
    let password = 'first'
    // The second to ask after the change comes after a refusal.
    let asked = 0
    let refuse!: () => void
    const refused = new Promise<void>((resolve) => (refuse = resolve))
    await using bob = await client(server.hosts, {
      saslOptions: async () => {
        if (++asked === 3) refuse()
        return asUser('bob', password)
      },
    }).start()
    const { id } = bob.session!
    await bob.create('/bobs', 'mine', { acl: CREATOR_ALL_ACL })
    await bob.create('/bobs/alive', '', { ephemeral: true })
    const states: string[] = []
    bob.addListener((state) => void states.push(state))
    await server.changeUsers({ bob: 'second' })
    // It tries with the old one, is refused, and goes on.
    const asking = bob.get('/bobs')
    await Promise.race([refused, asking.then(() => Promise.reject(new Error('it got through with the old one')))])
    password = 'second'
    expect(String((await asking).data)).toBe('mine')
    expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
    expect(bob.session!.id).toBe(id)
    expect((await bob.getChildren('/bobs')).length).toBe(1)
  })

  it('goes over TLS as well', async () => {
    await using server = await kind.start({ bob: 'secret' }, { secure: true })
    const tls = { ca: authority.pem }
    await using bob = await client(server.secureHosts, { tls, saslOptions: asUser('bob', 'secret') }).start()
    await bob.create('/bobs', 'mine', { acl: CREATOR_ALL_ACL })
    expect((await bob.getAcls('/bobs')).acls[0]?.id).toEqual({ scheme: 'sasl', id: 'bob' })
    const error = await failure(
      client(server.secureHosts, { tls, saslOptions: asUser('bob', 'wrong') }).start({ timeout: 3_000 }),
    )
    expect(error).toBeInstanceOf(AuthFailedError)
  })
})

describe.each(real)('a server without SASL: $name', (kind) => {
  it('is not taken for one that knows the password', async () => {
    const of = localServers().find(({ name }) => name === kind.name)!
    await using zk = await ownZooKeeper({}, of).start()
    const error = await failure(client(zk.hosts, { saslOptions: asUser('bob', 'secret') }).start())
    expect(error).toBeInstanceOf(AuthFailedError)
    expect(error.message).toContain('does not take part in DIGEST-MD5')
  })
})
