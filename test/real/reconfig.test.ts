import { describe, expect, it } from 'vitest'

import { deferred } from '../../src/common/deferred.ts'
import {
  BadArgumentsError,
  BadVersionError,
  KazooClient,
  makeAcl,
  NewConfigNoQuorumError,
  NoAuthError,
  ReconfigDisabledError,
  type KazooClientOptions,
  type KazooState,
  type ReconfigChange,
  type WatchedEvent,
} from '../../src/index.ts'
import { EmbeddedEnsemble, EmbeddedServer } from '../../src/server/index.ts'
import type { MemberPlan } from '../../src/testing/index.ts'
import { localServers, nameIfNotRun, ownZooKeeper } from '../support/real-servers.ts'

interface Ensemble extends AsyncDisposable {
  /** Those of the members, in the order of their ids. */
  readonly hosts: readonly string[]
  readonly leader: number
}

/** What these tests are held against: the model, and whatever real ZooKeepers there are. */
interface Target {
  readonly name: string
  /** Three members that vote, but for an observer among them. */
  readonly start: (observer?: number) => Promise<Ensemble>
  /** A server that stands alone and may not be changed. */
  readonly startAlone: () => Promise<AsyncDisposable & { readonly hosts: string }>
}

// `super:admin`, which alone may change the members.
const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs='
const jvmFlags = [`-Dzookeeper.DigestAuthenticationProvider.superDigest=${superDigest}`]

const embedded: Target = {
  name: 'the embedded ensemble',
  async start(observer) {
    const size = observer === undefined ? 3 : 2
    const options = { size, observers: 3 - size, tickTime: 500, reconfig: true, superDigest }
    const ensemble = await new EmbeddedEnsemble(options).start()
    return {
      hosts: ensemble.members.map(({ hosts }) => hosts),
      leader: ensemble.leader!,
      [Symbol.asyncDispose]: () => ensemble.stop(),
    }
  },
  startAlone: () => new EmbeddedServer({ superDigest }).start(),
}

function real(of: ReturnType<typeof localServers>[number]): Target {
  return {
    name: of.name,
    async start(observer) {
      const config = ({ ensemble }: MemberPlan): Record<string, string> => {
        const ports = ensemble[(observer ?? 0) - 1]
        if (observer === undefined || ports === undefined) return {}
        const { quorum, election, client } = ports
        return { [`server.${observer}`]: `127.0.0.1:${quorum}:${election}:observer;127.0.0.1:${client}` }
      }
      const zk = await ownZooKeeper({ size: 3, jvmFlags, config }, of).start()
      const { id: leader } = await zk.waitForLeader()
      return { hosts: zk.hosts.split(','), leader, [Symbol.asyncDispose]: () => zk.stop() }
    },
    startAlone: () => ownZooKeeper({ config: { reconfigEnabled: 'false' }, jvmFlags }, of).start(),
  }
}

const targets = [embedded, ...localServers().map(real)]

nameIfNotRun('a real ensemble whose members change')

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

/** What a client's member is at the moment. */
async function modeOf(client: KazooClient): Promise<string | undefined> {
  return /^Mode: (\w+)$/m.exec(await client.retry(() => client.command('srvr')))?.[1]
}

// The run says in its first line which real ones there are.
describe('an ensemble whose members change', () => {
  describe.each(targets)('$name', ({ start, startAlone }) => {
    const client = (hosts: string, options: KazooClientOptions = {}): Promise<KazooClient> =>
      new KazooClient({ hosts, sessionTimeout: 8_000, ...options }).start()

    it('is followed by clients that track it, and told of by getConfig', { timeout: 120_000 }, async () => {
      await using ensemble = await start()
      // The leader stays, so that nothing is lost to an election.
      const { hosts, leader } = ensemble
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
        await using ensemble = await start()
        const hosts = ensemble.hosts.join(',')
        await using admin = await client(hosts, { authData })
        await using anyone = await client(hosts)
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

    it('keeps its configuration as a znode, and answers with it', { timeout: 90_000 }, async () => {
      await using ensemble = await start()
      const { hosts, leader } = ensemble
      await using admin = await client(hosts[leader - 1]!, { authData })
      const { data, stat } = await admin.getConfig()
      const port = String.raw`\d+`
      for (const [id, line] of membersOf(data)) {
        expect(line).toMatch(new RegExp(`^server.${id}=127.0.0.1:${port}:${port}:participant;${hosts[id - 1]!}$`))
      }
      const fixed = { czxid: 0n, ctime: 0, version: -1, cversion: 0, aversion: -1, numChildren: 0, pzxid: 0n }
      expect(stat).toMatchObject({ ...fixed, mzxid: 1n << 32n, dataLength: data.length })
      expect(data.toString()).toMatch(/\nversion=100000000$/)
      const { acls } = await admin.getAcls('/zookeeper/config')
      expect(acls).toEqual([{ perms: 1, id: { scheme: 'world', id: 'anyone' } }])

      const events: string[] = []
      await admin.getConfig({ watch: ({ type }) => void events.push(`once ${type}`) })
      await using _ = await admin.watch('/zookeeper/config', { listener: ({ type }) => void events.push(type) })
      const leaving = String(leader === 1 ? 2 : 1)
      const changed = await admin.reconfig({ leaving })
      expect(changed.stat).toMatchObject({ ...fixed, dataLength: changed.data.length })
      expect(changed.data.toString()).toContain(`\nversion=${changed.stat.mzxid.toString(16)}`)
      expect(await admin.getConfig()).toEqual(changed)
      // A watch that lasts is told twice: of what a member takes up, and of the transaction.
      expect(events.toSorted()).toEqual(['CHANGED', 'CHANGED', 'once CHANGED'])

      // A member that was left out goes on, without a vote.
      await using left = await client(hosts[Number(leaving) - 1]!)
      expect(await modeOf(left)).toBe('follower')
      await left.create('/a')
      await left.sync('/')
      expect((await left.getConfig()).data.equals(changed.data)).toBe(true)
      // The same members again are another configuration.
      const same = await admin.reconfig({ leaving })
      expect([...membersOf(same.data)]).toEqual([...membersOf(changed.data)])
      expect(versionOf(same.data)).not.toBe(versionOf(changed.data))
    })

    it('says what is wrong with a change in its order of checks', { timeout: 90_000 }, async () => {
      await using ensemble = await start(3)
      const { hosts, leader } = ensemble
      await using admin = await client(hosts[leader - 1]!, { authData })
      await using anyone = await client(hosts[leader - 1]!)
      const lines = [...membersOf((await admin.getConfig()).data).values()]
      const all = lines.join(',')
      // Nothing is dialled at these addresses: no change with them is made.
      const four = 'server.4=192.0.2.1'
      const refused: [ReconfigChange, string][] = [
        ...['server.4', '=', `${four}=1:2;3`, four, `${four}:1;3`, `${four}:1:2:observer`].map(
          (joining): [ReconfigChange, string] => [{ joining }, 'BAD_ARGUMENTS'],
        ),
        [{ joining: `${four}:1:2:observer;` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:watcher;3` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:observer:x;3` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:1:observer;3` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:x:2:observer;3` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}: 1:2:observer;3` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:observer;b` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:observer;a:b:3` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:observer;3;4` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2|192.0.2.2:1:2:observer;3` }, 'BAD_ARGUMENTS'],
        [{ joining: 'server.4=[::1:1:2:observer;3' }, 'BAD_ARGUMENTS'],
        [{ joining: 'server.4=[::1]:' }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:observer;3,server.5=192.0.2.1:2:5:observer;4` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:observer;192.0.2.1:3,server.5=192.0.2.1:3:5:observer;4` }, 'BAD_ARGUMENTS'],
        [{ joining: 'server.x=192.0.2.1:1:2;3' }, 'MARSHALLING_ERROR'],
        [{ joining: `${four}:1:70000:observer;3` }, 'MARSHALLING_ERROR'],
        [{ joining: `${four}:-1:2:observer;3` }, 'MARSHALLING_ERROR'],
        [{ joining: `${four}:1:2:observer;70000` }, 'MARSHALLING_ERROR'],
        [{ joining: `${four}:1:2:observer;:` }, 'MARSHALLING_ERROR'],
        [{ joining: `${four}:1:2:observer;a:` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:2:observer;[::1]:` }, 'BAD_ARGUMENTS'],
        [{ joining: `${four}:1:99999999999:observer;3` }, 'BAD_ARGUMENTS'],
        [{ joining: 'server.4=;' }, 'MARSHALLING_ERROR'],
        [{ leaving: 'x' }, 'MARSHALLING_ERROR'],
        [{ leaving: 'server.3' }, 'MARSHALLING_ERROR'],
        [{ leaving: '1' }, 'BAD_ARGUMENTS'],
        [{ leaving: '1,2' }, 'BAD_ARGUMENTS'],
        [{ newMembers: '' }, 'BAD_ARGUMENTS'],
        [{ newMembers: 'x' }, 'BAD_ARGUMENTS'],
        [{ newMembers: `${all},tickTime=5` }, 'BAD_ARGUMENTS'],
        [{ newMembers: `${all},${four}` }, 'BAD_ARGUMENTS'],
        [{ newMembers: `${all},server.4` }, 'BAD_ARGUMENTS'],
        [{ newMembers: lines[0]! }, 'BAD_ARGUMENTS'],
        [{ newMembers: `${lines[0]!},${lines[2]!}` }, 'MARSHALLING_ERROR'],
        [{ newMembers: lines[2]! }, 'MARSHALLING_ERROR'],
        [{ newMembers: `${all},version=zz` }, 'MARSHALLING_ERROR'],
        [{ newMembers: `${all},server.x=192.0.2.1:1:2;3` }, 'MARSHALLING_ERROR'],
        [{ newMembers: `${all},server.4=;` }, 'MARSHALLING_ERROR'],
        // What comes first decides.
        [{ newMembers: 'x', fromConfig: 5 }, 'BAD_VERSION'],
        [{ leaving: '1,x' }, 'MARSHALLING_ERROR'],
        [
          { joining: [4, 5, 6].map((id) => `server.${id}=192.0.2.1:${id}:1${id};2${id}`).join(',') },
          'NEW_CONFIG_NO_QUORUM',
        ],
        // An observer that would vote does not count before it does.
        [
          { newMembers: `${lines[leader - 1]!},${lines[2]!.replace('observer', 'participant')}` },
          'NEW_CONFIG_NO_QUORUM',
        ],
      ]
      const codeOf = (change: ReconfigChange, zk = admin): Promise<string> =>
        zk.reconfig(change).then(
          ({ data }) => data.toString(),
          (error: { code: string }) => error.code,
        )
      for (const [change, code] of refused) {
        expect([change, await codeOf(change)]).toEqual([change, code])
        // Whether somebody may ask at all is looked at last.
        expect([change, await codeOf(change, anyone)]).toEqual([change, code])
      }
      expect(await codeOf({ leaving: '3' }, anyone)).toBe('NO_AUTH')
      expect([...membersOf((await anyone.getConfig()).data).values()]).toEqual(lines)

      // Whoever may write the znode may change the members.
      await admin.setAcls('/zookeeper/config', [makeAcl('world', 'anyone', { read: true, write: true })])
      for (const change of [
        { joining: '' },
        { leaving: ' 9 ,' },
        { leaving: '3', joining: ` a.b.3 = ${lines[2]!.slice(9).replace('observer', 'Observer')}` },
        { newMembers: `# all\r\n${all.replace('=', ' : ').replaceAll(',', '\n')}\nversion=5` },
      ]) {
        const text = await codeOf(change, anyone)
        expect([change, ...text.split('\n').slice(0, -1)]).toEqual([change, ...lines])
      }
    })

    it.each(['leaves', 'becomes an observer'])(
      'has another leader when its own %s, and keeps its sessions',
      { timeout: 90_000 },
      async (what) => {
        await using ensemble = await start()
        const { hosts, leader } = ensemble
        const clients = await Promise.all(hosts.map((host) => client(host, { authData })))
        try {
          const states: KazooState[] = []
          for (const each of clients) each.addListener((state) => void states.push(state))
          for (const [index, each] of clients.entries()) await each.create(`/e${index}`, '', { ephemeral: true })
          const admin = clients[leader - 1]!
          const line = membersOf((await admin.getConfig()).data).get(leader)!
          const observes = what !== 'leaves'
          const joining = line.replace('participant', 'observer')
          const { data } = await admin.reconfig(observes ? { joining } : { leaving: String(leader) })
          expect([...membersOf(data).keys()]).toEqual([1, 2, 3].filter((id) => observes || id !== leader))
          // All of them have to connect again, and go on.
          const seen = (state: KazooState) => () => states.filter((each) => each === state).length
          await expect.poll(seen('CONNECTED'), { timeout: 20_000 }).toBe(3)
          const modes = async (): Promise<string[]> =>
            (await Promise.all(clients.map(async (each) => String(await modeOf(each))))).toSorted()
          const others = observes ? ['leader', 'observer'] : ['follower', 'leader']
          await expect.poll(modes, { timeout: 20_000 }).toEqual(['follower', ...others])
          expect(await modeOf(admin)).toBe(observes ? 'observer' : 'follower')
          for (const [index, each] of clients.entries()) {
            await each.retry(() => each.set(`/e${index}`, 'still here'))
            await each.retry(() => each.sync('/'))
            expect((await each.retry(() => each.getConfig())).data.equals(data)).toBe(true)
          }
          expect(states).not.toContain('LOST')
          // It comes back as a voter, and is told to be one.
          if (observes) {
            await admin.retry(() => admin.reconfig({ joining: line }))
            await expect.poll(() => modeOf(admin), { timeout: 20_000 }).toBe('follower')
          }
        } finally {
          await Promise.all(clients.map((each) => each.stop()))
        }
      },
    )

    it(
      'may not change at all, or have nothing to change; tracking changes nothing then',
      { timeout: 90_000 },
      async () => {
        await using alone = await startAlone()
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
