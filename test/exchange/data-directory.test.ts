import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { EmbeddedServer } from '../../src/server/index.ts'
import type { RealZooKeeper } from '../../src/testing/index.ts'
import { ownZooKeeper, realServers } from '../support/real-servers.ts'
import { describeTree, populate } from './populate.ts'

// One directory, opened in turn by a real ZooKeeper and by the embedded server: a client must find the same tree, down
// to every field of every Stat, and its session with its ephemerals.

const TIMEOUT = 10_000

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kazoo-exchange-'))
})
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true })
})

function client(hosts: string): Promise<KazooClient> {
  return new KazooClient({ hosts, sessionTimeout: TIMEOUT }).start()
}

function embedded(): Promise<EmbeddedServer> {
  return new EmbeddedServer({ dataDir, tickTime: 500, snapCount: 25 }).start()
}

/** What a real server reads differently from what was written is in its log. */
function expectNoComplaint(real: RealZooKeeper): void {
  const { log = '' } = real.members[0] ?? {}
  expect(log).not.toMatch(/digest|CRC|corrupt|problem reading/i)
}

const files = async (): Promise<string[]> => (await readdir(join(dataDir, 'version-2'))).toSorted()

const servers = realServers().filter(({ classpath }) => classpath !== null)

// A file without any test would be an error: where there is nobody to exchange with, the run says so.
it.skipIf(servers.length > 0)('data directories, exchanged with a real ZooKeeper (not run without one)', ({ skip }) =>
  skip(),
)

describe.each(servers)('data directories: $name', (server) => {
  function realOn(flags: readonly string[] = []): RealZooKeeper {
    return ownZooKeeper({ config: { dataDir, dataLogDir: dataDir }, jvmFlags: flags }, server)
  }

  it.each([
    ['in one log', []],
    ['in many logs and snapshots', ['-Dzookeeper.snapCount=8', '-Dzookeeper.preAllocSize=16']],
    ['without digests', ['-Dzookeeper.digest.enabled=false']],
    ['with gzipped snapshots', ['-Dzookeeper.snapshot.compression.method=gz', '-Dzookeeper.snapCount=8']],
  ])('the embedded server opens what a real one wrote, %s', async (_, flags) => {
    await using real = await realOn(flags).start()
    await using zk = await client(real.hosts)
    await populate(zk)
    const written = await describeTree(zk)
    const id = zk.session?.id
    await real.members[0]?.kill()

    await using server = await embedded()
    expect(server.notices).toEqual([])
    zk.setHosts(server.hosts)
    expect(await describeTree(zk)).toEqual(written)
    expect(zk.session?.id).toBe(id)
    expect(await zk.getEphemerals()).toHaveLength(3)
  })

  it('a real server opens what the embedded one wrote, and the other way round again', async () => {
    await using server = await embedded()
    await using zk = await client(server.hosts)
    await populate(zk)
    const written = await describeTree(zk)
    const id = zk.session?.id
    await server.stop()
    expect((await files()).filter((name) => name.startsWith('snapshot.')).length).toBeGreaterThan(1)

    await using real = await realOn().start()
    zk.setHosts(real.hosts)
    expect(await describeTree(zk)).toEqual(written)
    expect(zk.session?.id).toBe(id)
    expectNoComplaint(real)
    await zk.set('/plain', 'by the real one')
    await zk.create('/parent/seq-', 'next', { sequence: true })
    const changed = await describeTree(zk)
    await real.members[0]?.kill()

    await using again = await embedded()
    expect(again.notices).toEqual([])
    zk.setHosts(again.hosts)
    expect(await describeTree(zk)).toEqual(changed)
    expect(zk.session?.id).toBe(id)
  })

  it('a real server opens a snapshot that was taken while everything changed', async () => {
    await using server = await new EmbeddedServer({ dataDir, tickTime: 500, snapCount: 700 }).start()
    await using zk = await client(server.hosts)
    await zk.create('/a')
    for (let round = 0; round < 4; round++) {
      await Promise.all(
        Array.from({ length: 400 }, async (_, i) => {
          await zk.create(`/a/n${i}`, Buffer.alloc(2000, 'x'), { ephemeral: i % 3 === 0 })
          await zk.set(`/a/n${i}`, `round ${round}`)
          if (i % 2 === 0 || round < 3) await zk.delete(`/a/n${i}`)
        }),
      )
    }
    const written = await describeTree(zk)
    await server.stop()

    await using real = await realOn().start()
    zk.setHosts(real.hosts)
    expect(await describeTree(zk)).toEqual(written)
    expectNoComplaint(real)
  })
})
