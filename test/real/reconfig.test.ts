import { describe, expect, it } from 'vitest'

import { deferred } from '../../src/common/deferred.ts'
import {
  BadArgumentsError,
  BadVersionError,
  KazooClient,
  NewConfigNoQuorumError,
  NoAuthError,
  ReconfigDisabledError,
  type KazooClientOptions,
  type KazooState,
  type WatchedEvent,
} from '../../src/index.ts'
import { ownZooKeeper, realServers } from '../support/real-servers.ts'

const local = realServers().filter(({ classpath }) => classpath !== null)

// `super:admin`, which alone may change the members.
const superUser = '-Dzookeeper.DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs='
const authData = [{ scheme: 'digest', credential: 'super:admin' }]

/** The lines of a configuration that are about members, by their ids. */
function membersOf(config: Buffer): Map<number, string> {
  const lines = config.toString().split('\n')
  return new Map(lines.flatMap((line) => (line.startsWith('server.') ? [[Number(line[7]), line]] : [])))
}

/** Which member serves a client. */
async function memberOf(client: KazooClient): Promise<number> {
  return Number(/^serverId=(\d)/m.exec(await client.retry(() => client.command('conf')))?.[1])
}

// The run says in its first line which there are.
describe.skipIf(local.length === 0)('an ensemble of real servers whose members change', () => {
  describe.each(local)('$name', (of) => {
    const client = (hosts: string, options: KazooClientOptions = {}): Promise<KazooClient> =>
      new KazooClient({ hosts, sessionTimeout: 8_000, ...options }).start()

    it('is followed by clients that track it, and told of by getConfig', { timeout: 120_000 }, async () => {
      await using zk = await ownZooKeeper({ size: 3, jvmFlags: [superUser] }, of).start()
      const hosts = zk.hosts.split(',')
      // The leader stays, so that nothing is lost to an election.
      const leader = (await zk.waitForLeader()).id
      const leaving = [3, 2].find((id) => id !== leader)!
      const staying = [1, 2, 3].filter((id) => id !== leaving)
      const left = staying.map((id) => hosts[id - 1]!)
      await using admin = await client(hosts[leader - 1]!, { authData })
      await admin.ensurePath('/app')

      // It is read outside of the chroot, and watched.
      const app = admin.withChroot('/app')
      const changed = deferred<WatchedEvent>()
      const { data, stat } = await app.getConfig({ watch: (event) => changed.resolve(event) })
      expect([...membersOf(data).keys()]).toEqual([1, 2, 3])
      expect(data.toString()).toMatch(/^version=[0-9a-f]+$/m)
      for (const [index, line] of [...membersOf(data).values()].entries()) expect(line).toContain(`;${hosts[index]!}`)

      // All of them know one member alone to begin with; what is ephemeral shows that their sessions go on.
      const states = new Map<KazooClient, KazooState[]>()
      const followers = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const follower = await client(hosts[leaving - 1]!, { trackEnsemble: true })
          const seen: KazooState[] = []
          follower.addListener((state) => void seen.push(state))
          states.set(follower, seen)
          await follower.create('/app/f-', '', { ephemeral: true, sequence: true })
          return follower
        }),
      )
      await using bystander = await client(hosts[leaving - 1]!)
      try {
        for (const follower of followers) await expect.poll(() => follower.hosts.toSorted()).toEqual(hosts.toSorted())
        // They were on a member of it, and stayed there.
        for (const follower of followers) expect(await memberOf(follower)).toBe(leaving)

        const without = await app.reconfig({ leaving: String(leaving), fromConfig: BigInt(`0x${versionOf(data)}`) })
        expect([...membersOf(without.data).keys()]).toEqual(staying)
        expect(without.stat.mzxid).toBeGreaterThan(stat.mzxid)
        for (const follower of followers) {
          await expect.poll(() => follower.hosts.toSorted(), { timeout: 20_000 }).toEqual(left.toSorted())
          expect(staying).toContain(await memberOf(follower))
          expect(states.get(follower)).not.toContain('LOST')
        }
        expect(await changed.promise).toMatchObject({ type: 'CHANGED', path: '/zookeeper/config' })
        expect(bystander.hosts).toEqual([hosts[leaving - 1]])
        expect(await app.retry(() => app.getChildren('/'))).toHaveLength(6)

        const again = await admin.reconfig({ joining: membersOf(data).get(leaving)! })
        expect([...membersOf(again.data).keys()]).toEqual([1, 2, 3])
        for (const follower of followers) {
          await expect.poll(() => follower.hosts.toSorted(), { timeout: 20_000 }).toEqual(hosts.toSorted())
          expect(await follower.retry(() => follower.exists('/app'))).not.toBeNull()
          expect(states.get(follower)).not.toContain('LOST')
        }
        expect(await app.retry(() => app.getChildren('/'))).toHaveLength(6)
      } finally {
        await Promise.all(followers.map((follower) => follower.stop()))
      }
    })

    it(
      'refuses a change that is not allowed, not understood, late or without a quorum',
      { timeout: 90_000 },
      async () => {
        await using zk = await ownZooKeeper({ size: 3, jvmFlags: [superUser] }, of).start()
        await using admin = await client(zk.hosts, { authData })
        await using anyone = await client(zk.hosts)
        const { data } = await admin.getConfig()
        const version = BigInt(`0x${versionOf(data)}`)
        await expect(anyone.reconfig({ leaving: '3' })).rejects.toBeInstanceOf(NoAuthError)
        await expect(admin.reconfig({ leaving: '3', fromConfig: version + 7n })).rejects.toBeInstanceOf(BadVersionError)
        for (const joining of ['server.4=127.0.0.1', 'nonsense']) {
          await expect(admin.reconfig({ joining })).rejects.toBeInstanceOf(BadArgumentsError)
        }
        const dead = [4, 5, 6, 7].map((id) => `server.${id}=127.0.0.1:${id}:1${id}:participant;127.0.0.1:2${id}`)
        await expect(admin.reconfig({ joining: dead.join(',') })).rejects.toBeInstanceOf(NewConfigNoQuorumError)
        // Nothing of it has changed anything, and the connections stand.
        expect((await anyone.getConfig()).data.equals(data)).toBe(true)
        expect([admin.state, anyone.state]).toEqual(['CONNECTED', 'CONNECTED'])
      },
    )

    it(
      'may not change at all, or have nothing to change; tracking changes nothing then',
      { timeout: 90_000 },
      async () => {
        await using alone = await ownZooKeeper(
          { config: { reconfigEnabled: 'false' }, jvmFlags: [superUser] },
          of,
        ).start()
        await using zk = await client(alone.hosts, { authData, trackEnsemble: true })
        await expect(zk.reconfig({ leaving: '3' })).rejects.toBeInstanceOf(ReconfigDisabledError)
        expect([...membersOf((await zk.getConfig()).data)]).toEqual([])
        expect(zk.hosts).toEqual([alone.hosts])
      },
    )
  })
})

function versionOf(config: Buffer): string {
  return /^version=([0-9a-f]+)$/m.exec(config.toString())![1]!
}
