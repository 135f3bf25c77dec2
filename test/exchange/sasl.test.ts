import { describe, expect, it } from 'vitest'

import { EmbeddedServer } from '../../src/server/index.ts'
import { openAcl, RawClient } from '../support/raw-client.ts'
import { ownZooKeeper, realServers } from '../support/real-servers.ts'

// What the SASL of Java, and its names of Kerberos, make of what no client of ZooKeeper's sends.

const server = realServers().find(({ version, classpath }) => classpath !== null && version.startsWith('3.9.'))

const jaas = `Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="secret";
};`

const ids = [
  'bob',
  'a/b',
  'a/b/c',
  'a@b',
  'a/b@c',
  '@b',
  '/b@c',
  'a@',
  '',
  '/',
  'a/',
  'a@b@c',
  'a/b@c/d',
  'a/b/c@d',
  '@',
]

const long = 'x'.repeat(5_000)

const exchanges: (string | null)[][] = [['initial'], ['', 'nonsense'], ['', ''], [null], [long], ['', null]]

async function answers(port: number): Promise<unknown[]> {
  const found: unknown[] = []
  await using client = await RawClient.connect({ port })
  for (const [index, id] of ids.entries()) {
    const acl = [...openAcl, { perms: 31, id: { scheme: 'sasl', id } }]
    const created = await client.request('create', { path: `/id-${index}`, data: null, acl, flags: 0 })
    found.push([id, created?.err])
  }
  for (const tokens of exchanges) {
    await using speaker = await RawClient.connect({ port })
    for (const token of tokens) {
      const answer = await speaker.request('sasl', { token: token === null ? null : Buffer.from(token) })
      const text = answer?.body?.token?.toString().replace(/nonce="[^"]*"/, 'nonce')
      found.push([tokens, answer && [answer.err, answer.zxid, text]])
    }
  }
  return found
}

describe.skipIf(server === undefined)('SASL', () => {
  it('takes the ids and the tokens that a real 3.9 takes', async () => {
    await using real = await ownZooKeeper({ jaas }, server).start()
    await using embedded = await new EmbeddedServer({ saslUsers: { bob: 'secret' } }).start()
    expect(await answers(embedded.port)).toEqual(await answers(real.members[0]!.port))
  })
})
