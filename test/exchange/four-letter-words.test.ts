import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { EmbeddedEnsemble, EmbeddedServer } from '../../src/server/index.ts'
import { command } from '../support/four-letter-word.ts'
import { openAcl, RawClient } from '../support/raw-client.ts'
import { localServers, ownZooKeeper } from '../support/real-servers.ts'

// Programs read what four-letter words answer: what the embedded server says has the shape of what ZooKeeper 3.9 says.

const server = localServers().find(({ version }) => version.startsWith('3.9.'))

/** One session that writes, reads and watches; returns what the words say then, and after a reset. */
async function answers(hosts: string): Promise<Record<string, string>> {
  const port = Number(hosts.slice(hosts.lastIndexOf(':') + 1))
  await using zk = await new KazooClient({ hosts, sessionTimeout: 8_000 }).start()
  await zk.create('/a', 'data', { ephemeral: true })
  await zk.exists('/a', { watch: () => {} })
  for (let i = 0; i < 300; i++) await zk.set('/', `${i}`)
  const found: Record<string, string> = {}
  for (const word of ['srvr', 'stat', 'cons', 'conf', 'dirs', 'hash', 'mntr', 'wchs', 'crst', 'srst']) {
    found[word] = await command(port, word)
  }
  for (const word of ['srvr', 'cons']) found[`${word} after a reset`] = await command(port, word)
  return found
}

/** What is left when all that differs from run to run is taken away. */
function shapeOf(answer: string): string[] {
  return answer
    .replaceAll(/(Zookeeper version: |[dD]ata(?:Log)?Dir=).*/g, '$1')
    .replaceAll(/0x[0-9a-f]+/g, '0x#')
    .replaceAll(/^[0-9a-f]+: -?\d+$/gm, '# #')
    .replaceAll(/\d+/g, '#')
    .replaceAll(/#\.#/g, '#')
    .split('\n')
    .toSorted()
}

const keys = (answer: string, separator: string): string[] =>
  answer.split('\n').map((line) => line.slice(0, Math.max(0, line.indexOf(separator))))

describe.skipIf(server === undefined)('four-letter words (not run without a real 3.9 to compare with)', () => {
  it('have the shape of those of a real 3.9', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'kazoo-words-'))
    try {
      await using real = await ownZooKeeper({}, server).start()
      await using own = await new EmbeddedServer({ dataDir, tickTime: 500 }).start()
      const [theirs, ours] = [await answers(real.hosts), await answers(own.hosts)]
      for (const [word, answer] of Object.entries(theirs)) {
        if (word === 'mntr') continue
        expect([word, shapeOf(ours[word] ?? '')]).toEqual([word, shapeOf(answer)])
      }
      const known = new Set(keys(theirs['mntr'] ?? '', '\t'))
      expect(keys(ours['mntr'] ?? '', '\t').filter((key) => !known.has(key))).toEqual([])
      expect(Number(/^datadir_size: (\d+)$/m.exec(ours['dirs'] ?? '')?.[1])).toBeGreaterThan(300)
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  it('tell of a connection what those of a real 3.9 tell', async () => {
    await using real = await ownZooKeeper({}, server).start()
    await using own = await new EmbeddedServer({ tickTime: 500 }).start()
    expect(await lastRequests(own.port)).toEqual(await lastRequests(real.members[0]!.port))
  })

  it('tell of the members of an ensemble what those of a real one tell', async () => {
    await using real = await ownZooKeeper({ size: 3 }, server).start()
    await using own = await new EmbeddedEnsemble({ size: 3, tickTime: 500 }).start()
    const theirs = await tellOfEnsemble(real.members.map(({ port }) => port))
    const ours = await tellOfEnsemble(own.members.map(({ port }) => port))
    const sizes = /^Proposal sizes last\/min\/max: .*$/m
    expect(sizes.exec(ours.leader)?.[0]).toBe(sizes.exec(theirs.leader)?.[0] ?? '')
    expect(shapeOf(ours.leader)).toEqual(shapeOf(theirs.leader))
    expect([...ours.names.keys()].toSorted()).toEqual([...theirs.names.keys()].toSorted())
    for (const [state, names] of ours.names) {
      const known = new Set(theirs.names.get(state))
      expect(names.filter((name) => !known.has(name))).toEqual([])
    }
  })
})

/** The names in `mntr` of a leader and of a follower, and the leader's `srvr`, once one client has written a little. */
async function tellOfEnsemble(ports: readonly number[]): Promise<{ names: Map<string, string[]>; leader: string }> {
  const names = new Map<string, string[]>()
  let leader = 0
  for (const port of ports) {
    const answer = await command(port, 'mntr')
    const state = /^zk_peer_state\t(.*)$/m.exec(answer)![1]!
    if (state.startsWith('leading')) leader = port
    names.set(state, keys(answer, '\t'))
  }
  await command(leader, 'srst')
  await using client = await RawClient.connect({ port: leader })
  await client.request('create', { path: '/a', data: Buffer.from('some'), acl: openAcl, flags: 0 })
  await client.request('create', { path: '/a', data: null, acl: openAcl, flags: 0 })
  await client.request('delete', { path: '/a', version: -1 })
  return { names, leader: await command(leader, 'srvr') }
}

/** What `cons` and `wchs` say after each of some requests, and `mntr` after most of them; no addresses, no times. */
async function lastRequests(port: number): Promise<string[]> {
  const found: string[] = []
  const look = async (): Promise<void> => {
    const fields = (await command(port, 'cons')).matchAll(/(?:lop|to|lcxid|lzxid)=\w+/g)
    found.push([...fields].join(' '), await command(port, 'wchs'))
  }
  await using client = await RawClient.connect({ port })
  await look()
  await client.settle()
  await look()
  const make = { path: '/a', data: null, acl: openAcl, flags: 0 }
  for (let i = 0; i < 2; i++) {
    await client.request('create', make)
    await look()
  }
  await client.request('getData', { path: '/a', watch: true })
  await look()
  await client.request('auth', { type: 0, scheme: 'digest', auth: Buffer.from('a:b') }, -4)
  await look()
  await client.request('setData', { path: '/a', data: null, version: -1 })
  await look()
  await client.settle()
  await look()
  const counts =
    /^zk_(?:(?:last|min|max)_client_response_size|watch_bytes|(?:cnt|sum|max)_node_.*|stale_.*_expired|snap_.*)\t/
  found.push(
    ...(await command(port, 'mntr'))
      .split('\n')
      .filter((row) => counts.test(row))
      .toSorted(),
  )
  await command(port, 'crst')
  await look()
  const { sessionId, password } = client
  await using again = await RawClient.connect({ port }, { sessionId, password })
  await client.closed
  await look()
  await again.settle()
  await look()
  return found
}
