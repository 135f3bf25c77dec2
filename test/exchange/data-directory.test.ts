import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { EmbeddedServer } from '../../src/server/index.ts'
import type { RealZooKeeper } from '../../src/testing/index.ts'
import { localServers, nameIfNotRun, ownZooKeeper } from '../support/real-servers.ts'
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

interface Last {
  readonly start: number
  readonly end: number
}

/** Where the last transaction of a log stands. */
function lastOf(bytes: Buffer): Last {
  let start = 16
  for (let end = start; ; start = end) {
    end = start + 13 + bytes.readInt32BE(start + 8)
    if (end >= bytes.length || bytes.readInt32BE(end + 8) === 0) return { start, end }
  }
}

/** What a real server reads differently from what was written is in its log. */
function expectNoComplaint(real: RealZooKeeper): void {
  const { log = '' } = real.members[0] ?? {}
  expect(log).not.toMatch(/digest|CRC|corrupt|problem reading/i)
}

const files = async (): Promise<string[]> => (await readdir(join(dataDir, 'version-2'))).toSorted()

nameIfNotRun('data directories, exchanged with a real ZooKeeper')
describe.each(localServers())('data directories: $name', (server) => {
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

  it.each([
    [
      'a last transaction of a wrong checksum',
      true,
      (bytes: Buffer, { start }: Last) => void (bytes[start + 40]! ^= 1),
    ],
    ['the checksum itself', true, (bytes: Buffer, { start }: Last) => void (bytes[start + 6]! ^= 1)],
    ['one without its end mark', false, (bytes: Buffer, { end }: Last) => void (bytes[end - 1] = 0)],
    ['the length of the last', false, (bytes: Buffer, { start }: Last) => void (bytes[start + 11]! ^= 0x10)],
    ['half of it', false, (bytes: Buffer, { end }: Last) => void bytes.fill(0, end - 20)],
  ])('both take %s for damage, or for a write that was never finished: refused is %s', async (_, isRefused, damage) => {
    await using written = await embedded()
    await using zk = await client(written.hosts)
    for (const name of ['a', 'b', 'c']) await zk.create(`/${name}`, 'some data')
    await written.stop()
    await zk.stop()
    const path = join(dataDir, 'version-2/log.1')
    const bytes = await readFile(path)
    damage(bytes, lastOf(bytes))
    await writeFile(path, bytes)

    const real = realOn()
    try {
      if (isRefused) {
        await expect(real.start()).rejects.toThrow('CRC check failed')
        await expect(embedded()).rejects.toThrow(/log\.1: damaged after 0x3, .*wrong checksum/)
        // Neither has taken anything away.
        expect(await readFile(path)).toEqual(bytes)
        return
      }
      // The real one comes first: what the embedded server leaves out, it also cuts off.
      await real.start()
      await using reader = await client(real.hosts)
      const found = await reader.getChildren('/')
      expect(found.toSorted()).toEqual(['a', 'b', 'zookeeper'])
    } finally {
      await real.stop()
    }
    for (const name of await files())
      if (!/^(snapshot\.0|log\.1)$/.test(name)) await rm(join(dataDir, 'version-2', name))
    await using server = await embedded()
    await using reader = await client(server.hosts)
    expect((await reader.getChildren('/')).toSorted()).toEqual(['a', 'b', 'zookeeper'])
    expect(server.notices).toEqual([expect.stringContaining('kept as')])
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
