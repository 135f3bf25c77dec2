import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import {
  AuthFailedError,
  CREATOR_ALL_ACL,
  KazooClient,
  type GssapiOptions,
  type Kerberos,
  type KazooClientOptions,
} from '../../src/index.ts'
import type { RealZooKeeper } from '../../src/testing/index.ts'
import { Kdc, loadKerberosModule, missingForKerberos } from '../support/kerberos.ts'
import { localServers, ownZooKeeper } from '../support/real-servers.ts'
import { failure } from '../support/world.ts'

/** ms. Long enough for a session to live through the restart of a JVM on a busy machine. */
const TICK_TIME = 2_000

const local = localServers()
const missing = local.length === 0 ? 'no real ZooKeeper' : await missingForKerberos()

describe.skipIf(missing !== null)(`GSSAPI (${missing === null ? 'Kerberos' : `not run: ${missing}`})`, () => {
  let kdc: Kdc
  let kerberos: Kerberos
  let keytabs: { readonly server: string; readonly ada: string; readonly bob: string }
  let jaas: string
  let jvmFlags: string[]

  beforeAll(async () => {
    kerberos = loadKerberosModule()!
    kdc = await Kdc.start()
    keytabs = {
      server: await kdc.keytab('zookeeper/localhost'),
      ada: await kdc.keytab('ada'),
      bob: await kdc.keytab('bob'),
    }
    jaas = `Server {
  com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true useTicketCache=false
  keyTab="${keytabs.server}" principal="${kdc.principal('zookeeper/localhost')}";
};
`
    jvmFlags = [`-Djava.security.krb5.conf=${kdc.configuration}`]
  })

  afterAll(async () => {
    await kdc?.stop()
  })

  /** Nothing that a user of this machine may have is to be used. */
  beforeEach(async () => {
    process.env['KRB5_CONFIG'] = kdc.configuration
    process.env['KRB5CCNAME'] = `FILE:${kdc.folder}/none.cache`
    process.env['KRB5_CLIENT_KTNAME'] = `FILE:${kdc.folder}/none.keytab`
    // Kerberos keeps here what it gets by a client keytab.
    await rm(join(kdc.folder, 'none.cache'), { force: true })
  })

  afterAll(() => {
    for (const name of ['KRB5_CONFIG', 'KRB5CCNAME', 'KRB5_CLIENT_KTNAME']) Reflect.deleteProperty(process.env, name)
  })

  async function logIn(name: 'ada' | 'bob'): Promise<void> {
    process.env['KRB5CCNAME'] = `FILE:${await kdc.login(name, keytabs[name])}`
  }

  function client(zk: RealZooKeeper, options: Partial<GssapiOptions> = {}, rest: KazooClientOptions = {}): KazooClient {
    return new KazooClient({
      // Thrice, so that an attempt takes no more than a third of the session timeout: a ZooKeeper that is just being
      // started now and then reads the first bytes of a handshake, and never answers.
      hosts: Array<string>(3).fill(zk.hosts.replaceAll('127.0.0.1', 'localhost')).join(','),
      sessionTimeout: 20 * TICK_TIME,
      connectionRetry: { delay: 20, backoff: 1, maxDelay: 20 },
      saslOptions: { mechanism: 'GSSAPI', kerberos, ...options },
      ...rest,
    })
  }

  const serve = (of: (typeof local)[number], config: Record<string, string> = {}): Promise<RealZooKeeper> =>
    ownZooKeeper({ jaas, jvmFlags, config, tickTime: TICK_TIME }, of).start()

  describe.each(local)('on $name', (of) => {
    it('proves who the client is, again on each connection', { timeout: 120_000 }, async () => {
      await using zk = await serve(of)
      await logIn('ada')
      await using ada = await client(zk).start()
      await ada.create('/adas', 'mine', { acl: CREATOR_ALL_ACL })
      const { acls } = await ada.getAcls('/adas')
      expect(acls).toEqual([{ perms: 31, id: { scheme: 'sasl', id: kdc.principal('ada') } }])

      await logIn('bob')
      await using bob = await client(zk).start()
      expect(await failure(bob.get('/adas'))).toMatchObject({ name: 'NoAuthError' })

      // Who is logged in by now is asked for on the next connection.
      await logIn('ada')
      const { id } = ada.session!
      await zk.members[0]!.restart()
      expect(String((await ada.get('/adas')).data)).toBe('mine')
      expect(String((await bob.get('/adas')).data)).toBe('mine')
      expect(ada.session!.id).toBe(id)
    })

    it('takes a client keytab, and the principal asked for', async () => {
      await using zk = await serve(of)
      process.env['KRB5_CLIENT_KTNAME'] = `FILE:${keytabs.bob}`
      await using bob = await client(zk, { principal: kdc.principal('bob'), service: 'zookeeper' }).start()
      await bob.create('/bobs', '', { acl: CREATOR_ALL_ACL })
      expect((await bob.getAcls('/bobs')).acls[0]?.id).toEqual({ scheme: 'sasl', id: kdc.principal('bob') })
      const error = await failure(client(zk, { principal: kdc.principal('ada') }).start())
      expect(error).toBeInstanceOf(AuthFailedError)
    })

    it('fails at once without a ticket, and for a server that Kerberos does not know, and says which', async () => {
      await using zk = await serve(of)
      const without = await failure(client(zk).start())
      expect(without).toBeInstanceOf(AuthFailedError)
      expect(without.message).toMatch(/^SASL GSSAPI authentication failed: .*[Cc]redential/)
      await logIn('ada')
      const elsewhere = await failure(client(zk, { hostname: 'elsewhere.example' }).start())
      expect(elsewhere).toBeInstanceOf(AuthFailedError)
      expect(elsewhere.message).toContain('not found in Kerberos database')
    })

    it('finds the server by a name other than the one in hosts', async () => {
      await using zk = await serve(of)
      await logIn('ada')
      const seen: string[] = []
      const hostname = (host: string): string => {
        seen.push(host)
        return 'localhost'
      }
      await using ada = await client(zk, { hostname }, { hosts: zk.hosts }).start()
      expect(await ada.exists('/')).not.toBeNull()
      expect(seen).toEqual(['127.0.0.1'])
    })

    it('is done before all else where the server requires it', async () => {
      await using zk = await serve(of, { sessionRequireClientSASLAuth: 'true' })
      await logIn('ada')
      await using ada = await client(zk, {}, { authData: [{ scheme: 'digest', credential: 'ada:1' }] }).start()
      expect(await ada.exists('/')).not.toBeNull()
    })

    it('fails at once with a server that has no SASL', async () => {
      await using zk = await ownZooKeeper({}, of).start()
      await logIn('ada')
      const error = await failure(client(zk).start())
      expect(error).toBeInstanceOf(AuthFailedError)
      expect(error.message).toContain('does not take part in GSSAPI')
    })
  })
})
