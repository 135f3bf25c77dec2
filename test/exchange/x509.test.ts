import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { JsonNameParams } from '@peculiar/x509'
import { describe, expect, it } from 'vitest'

import { EmbeddedServer } from '../../src/server/index.ts'
import { Authority, type Certificate } from '../support/certificates.ts'
import { openAcl, RawClient } from '../support/raw-client.ts'
import { ownZooKeeper, realServers } from '../support/real-servers.ts'

// Whom a certificate is of, and which ids an ACL may name, is told by Java's own classes: the embedded server has to come
// to the same.

const server = realServers().find(({ version, classpath }) => classpath !== null && version.startsWith('3.9.'))

const superUser = 'CN=admin,1.2.840.113549.1.9.1=#16056140622e63'

const subjects: JsonNameParams[] = [
  [{ C: ['DE'] }, { ST: ['By'] }, { L: ['Mu'] }, { O: [{ utf8String: 'Acme, Inc.' }] }, { OU: ['a'] }, { CN: ['ada'] }],
  [{ DC: ['com'] }, { '0.9.2342.19200300.100.1.1': ['u1'] }, { '2.5.4.9': ['S 1'] }],
  [{ '1.2.840.113549.1.9.1': [{ ia5String: 'a@b.c' }] }, { CN: [{ utf8String: 'admin' }] }],
  [{ '2.5.4.5': [{ printableString: '12' }] }, { '2.5.4.12': [{ utf8String: 'Dr' }] }, { '2.5.4.42': ['Jo'] }],
  [{ CN: [{ utf8String: 'dora' }], '0.9.2342.19200300.100.1.1': [{ utf8String: '77' }] }],
  [{ CN: [{ utf8String: 'Jürgen "q" <x>; #y=+,\\' }] }],
  [{ CN: [{ utf8String: '#lead' }] }, { O: [{ utf8String: '  both ' }] }],
  [{ CN: [{ bmpString: 'b' }] }, { O: [{ universalString: 'u' }] }],
]

const ids = [
  '',
  'CN=a',
  'foo=bar',
  'CN=a,garbage',
  'CN=a+',
  'CN=a,',
  'CN="a',
  'CN="a,b"',
  'CN=a\\',
  '1.2.3=#0401aa',
  ' ',
]

interface Ports {
  readonly port: number
  readonly securePort: number
}

async function answers({ port, securePort }: Ports, ca: string, certificates: Certificate[]): Promise<unknown[]> {
  const found: unknown[] = []
  for (const [index, { cert, key }] of certificates.entries()) {
    await using client = await RawClient.connect({ port: securePort, tls: { ca, cert, key } })
    const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }]
    const created = await client.request('create', { path: `/of-${index}`, data: null, acl, flags: 0 })
    const identities = (await client.request('whoAmI', undefined))?.body?.clientInfo
    const known = identities?.map(({ authScheme, user }) => `${authScheme} ${user}`).toSorted()
    found.push([created?.err, known, (await client.request('getAcl', { path: `/of-${index}` }))?.body?.acl])
  }
  await using client = await RawClient.connect({ port })
  for (const [index, id] of ids.entries()) {
    const acl = [...openAcl, { perms: 31, id: { scheme: 'x509', id } }]
    const created = await client.request('create', { path: `/id-${index}`, data: null, acl, flags: 0 })
    found.push([id, created?.err])
  }
  return found
}

describe.skipIf(server === undefined)('x509', () => {
  it('names certificates, and takes names in ACLs, as a real 3.9 does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kazoo-x509-'))
    try {
      const authority = await Authority.make(folder)
      const { pem: ca } = authority
      const own = await authority.sign('server', [{ type: 'ip', value: '127.0.0.1' }])
      const certificates = await Promise.all(subjects.map((subject, i) => authority.sign(`client-${i}`, [], subject)))
      const jvmFlags = [`-Dzookeeper.X509AuthenticationProvider.superUser=${superUser}`]
      await using real = await ownZooKeeper(
        { secure: true, config: authority.config(own, 'need'), jvmFlags },
        server,
      ).start()
      const tls = { ca, cert: own.cert, key: own.key, requestCert: true }
      await using embedded = await new EmbeddedServer({ tls, securePort: 0, x509SuperUser: superUser }).start()
      const { port, securePort } = real.members[0]!
      const theirs = await answers({ port, securePort: securePort! }, ca, certificates)
      expect(await answers({ port: embedded.port, securePort: embedded.securePort! }, ca, certificates)).toEqual(theirs)
      expect(JSON.stringify(theirs)).toContain('super')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
