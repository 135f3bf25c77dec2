import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { EmbeddedServer } from '../../src/server/index.ts'
import { localServers, nameIfNotRun, ownZooKeeper } from '../support/real-servers.ts'
import { describeTree, populate } from './populate.ts'

// What a member of a real ensemble leaves behind, opened by the embedded server, and by a real standalone server after that.

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kazoo-quorum-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const client = (hosts: string): Promise<KazooClient> => new KazooClient({ hosts, sessionTimeout: 10_000 }).start()

/** Without what each member writes into its own tree at its start, and into no log: how the ensemble is configured. */
async function visibleTree(zk: KazooClient): Promise<Record<string, unknown>> {
  const { '/zookeeper/config': _, ...tree } = await describeTree(zk)
  return tree
}

nameIfNotRun('the directory of a member of a quorum')
describe.each(localServers())('the directory of a member of a quorum: $name', (server) => {
  it(
    'opens with the tree that the member served, goes on, and opens in a real server again',
    { timeout: 120_000 },
    async () => {
      await using ensemble = await ownZooKeeper(
        { size: 3, jvmFlags: ['-Dzookeeper.snapCount=700', '-Dzookeeper.preAllocSize=64'] },
        server,
      ).start()
      await using zk = await client(ensemble.hosts)
      await populate(zk)
      await zk.create('/many')
      for (let round = 0; round < 2; round++) {
        const from = round * 500
        await Promise.all(Array.from({ length: 500 }, (_, i) => zk.create(`/many/n${from + i}`, `round ${round}`)))
        const leader = await ensemble.leader()
        await leader?.kill()
        await ensemble.waitForLeader()
        await leader?.start()
        await ensemble.waitForLeader()
        await zk.retry(() => zk.sync('/'))
      }
      // A follower learns of a new epoch with its first write: until then it refuses whoever the leader has told of it.
      await zk.set('/many', 'in the last epoch')
      const member = ensemble.members[1]!
      zk.setHosts(member.address)
      await zk.retry(() => zk.sync('/'))
      const written = await visibleTree(zk)
      for (const each of ensemble.members) await each.kill()

      const [dataDir, dataLogDir] = [join(folder, 'data'), join(folder, 'log')]
      await cp(join(member.folder, 'data'), dataDir, { recursive: true })
      await cp(join(member.folder, 'log'), dataLogDir, { recursive: true })
      const epochs = async (): Promise<number[]> =>
        await Promise.all(
          ['acceptedEpoch', 'currentEpoch'].map(async (name) =>
            Number(await readFile(join(dataDir, 'version-2', name), 'utf8')),
          ),
        )
      const [accepted = 0, current = 0] = await epochs()
      expect(accepted).toBeGreaterThanOrEqual(current)
      expect(current).toBeGreaterThanOrEqual(3)

      const own = await new EmbeddedServer({ dataDir, dataLogDir, tickTime: 500, snapCount: 200 }).start()
      expect(own.notices).toEqual([])
      zk.setHosts(own.hosts)
      await zk.retry(() => zk.sync('/'))
      expect(await visibleTree(zk)).toEqual(written)
      await Promise.all(Array.from({ length: 450 }, (_, i) => zk.create(`/many/more${i}`)))
      const { czxid } = (await zk.exists('/many/more449'))!
      // Neither ahead of what the member agreed to, nor behind what it had.
      expect(Number(czxid >> 32n)).toBeLessThanOrEqual(current)
      const more = await visibleTree(zk)
      await own.stop()
      expect(await epochs()).toEqual([accepted, current])

      await using real = await ownZooKeeper({ config: { dataDir, dataLogDir } }, server).start()
      zk.setHosts(real.hosts)
      await zk.retry(() => zk.sync('/'))
      expect(await visibleTree(zk)).toEqual(more)
      expect(real.members[0]?.log).not.toMatch(/digest|CRC|corrupt|problem reading/i)
    },
  )
})
