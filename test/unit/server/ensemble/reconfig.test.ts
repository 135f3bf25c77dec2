import { describe, expect, it } from 'vitest'

import { KazooClient, type KazooState } from '../../../../src/index.ts'
import { EmbeddedEnsemble, type EmbeddedEnsembleOptions } from '../../../../src/server/index.ts'
import { FaultProxy } from '../../../../src/testing/index.ts'
import { world, type World } from './world.ts'

const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs='
const authData = [{ scheme: 'digest', credential: 'super:admin' }]
const ports = [2181, 2182, 2183, 2184, 2185]

/** With `server.ID` of each member, as it is at first. */
interface Changing extends World {
  readonly admin: KazooClient
  readonly line: (id: number, role?: string, client?: string) => string
}

const changing = (script: (world: Changing) => Promise<void>, options: EmbeddedEnsembleOptions = {}): Promise<void> => {
  const { size = 3, observers = 0 } = options
  const more = { reconfig: true, superDigest, ports: ports.slice(0, size + observers), ...options }
  return world(async (whole) => {
    const line: Changing['line'] = (id, role = 'participant', client = `0.0.0.0:${2180 + id}`) =>
      `server.${id}=127.0.0.1:${2887 + id}:${3887 + id}:${role};${client}`
    await script({ ...whole, line, admin: await whole.connect(undefined, { authData }) })
  }, more)
}

const textOf = async (client: KazooClient): Promise<string> =>
  (await client.retry(() => client.getConfig())).data.toString()

describe('the configuration of an EmbeddedEnsemble', () => {
  it('names all members, and ports for them that are of nobody else', () =>
    changing(
      async ({ admin }) => {
        expect((await textOf(admin)).split('\n')).toEqual([
          'server.1=127.0.0.1:2889:3888:participant;0.0.0.0:2888',
          'server.2=127.0.0.1:2890:3890:participant;0.0.0.0:3889',
          'server.3=127.0.0.1:2891:3891:observer;0.0.0.0:2183',
          'version=100000000',
        ])
        expect(await admin.command('conf')).toMatch(
          /\nserverId=[123]\n(?:.*\n)*membership: \nserver.1=.*;0.0.0.0:2888\n/,
        )
      },
      { size: 2, observers: 1, ports: [2888, 3889, 2183] },
    ))

  it('cannot be changed without reconfig, and has no version then', () =>
    changing(
      async ({ ensemble, admin, line }) => {
        const text = `${[1, 2, 3].map((id) => line(id)).join('\n')}\nversion=0`
        expect(await textOf(admin)).toBe(text)
        await expect(admin.reconfig({ leaving: '3' })).rejects.toMatchObject({ code: 'RECONFIG_DISABLED' })
        await ensemble.stopMember(3)
        await ensemble.startMember(3)
        expect(await textOf(admin)).toBe(text)
      },
      { reconfig: false },
    ))

  it('has addresses as Java writes them', async () => {
    await using ensemble = await new EmbeddedEnsemble({ size: 1, host: '::1' }).start()
    await using zk = await new KazooClient({ hosts: ensemble.hosts }).start()
    const [first] = (await textOf(zk)).split('\n')
    const host = '[0:0:0:0:0:0:0:1]'
    expect(first).toBe(`server.1=${host}:2888:3888:participant;${host}:${ensemble.member(1).port}`)
  })

  it('decides how many it takes', () =>
    changing(
      async ({ ensemble, admin }) => {
        await admin.reconfig({ leaving: '1,2' })
        expect(ensemble.members.map(({ role }) => role)).toEqual([...Array<string>(4).fill('follower'), 'leader'])
        // Two of three that vote are enough; those that do not vote help nobody.
        await ensemble.stopMember(4)
        expect(ensemble.leader).toBe(5)
        await ensemble.stopMember(3)
        expect(ensemble.leader).toBeNull()
        expect(ensemble.members.slice(0, 2).map(({ role }) => role)).toEqual(['looking', 'looking'])
        await ensemble.startMember(3)
        expect(ensemble.leader).toBe(5)
        expect(() => ensemble.changeLeader(1)).toThrow(/1 cannot lead/)
        ensemble.changeLeader()
        expect(ensemble.leader).toBe(3)
      },
      { size: 5 },
    ))

  it('counts members that are not there as out of reach', () =>
    changing(async ({ ensemble, admin }) => {
      const dead = (id: number): string => `server.${id}=127.0.0.1:${id}:1${id}:participant;127.0.0.1:2${id}`
      const four = [4, 5, 6, 7].map(dead).join(',')
      await expect(admin.reconfig({ joining: four })).rejects.toMatchObject({ code: 'NEW_CONFIG_NO_QUORUM' })
      await admin.reconfig({ joining: dead(4) })
      expect(ensemble.leader).toBe(3)
      // Two of four are no majority.
      await ensemble.stopMember(1)
      expect(ensemble.leader).toBeNull()
    }))

  it('takes those alone for a quorum that follow the leader', () =>
    changing(async ({ ensemble, admin, line, connect }) => {
      await ensemble.stopMember(1)
      const left = `${line(1)},${line(3)}`
      await expect(admin.retry(() => admin.reconfig({ newMembers: left }))).rejects.toMatchObject({
        code: 'NEW_CONFIG_NO_QUORUM',
      })
      await ensemble.startMember(1)
      ensemble.partition([1], [2, 3])
      const third = await connect([3], { authData })
      await expect(third.reconfig({ newMembers: left })).rejects.toMatchObject({ code: 'NEW_CONFIG_NO_QUORUM' })
      ensemble.heal()
      expect(String((await third.reconfig({ newMembers: left })).data)).toContain('server.1=')
    }))

  it('turns voters into observers and back; their clients connect again', () =>
    changing(async ({ sim, ensemble, line, connect }) => {
      const [one, two, three] = await Promise.all([1, 2, 3].map((id) => connect([id], { authData })))
      const states = new Map<KazooClient, KazooState[]>()
      for (const client of [one!, two!, three!]) {
        const seen: KazooState[] = []
        states.set(client, seen)
        client.addListener((state) => void seen.push(state))
      }
      await one!.create('/e', '', { ephemeral: true })
      await one!.reconfig({ joining: line(1, 'observer') })
      await sim.until(() => ensemble.member(1).role === 'observer')
      expect(ensemble.members.map(({ observer }) => observer)).toEqual([true, false, false])
      await sim.until(() => states.get(one!)!.includes('CONNECTED'))
      expect(states.get(one!)).toEqual(['SUSPENDED', 'CONNECTED'])
      expect([states.get(two!), states.get(three!)]).toEqual([[], []])
      await three!.reconfig({ leaving: '1' })
      await sim.until(() => ensemble.member(1).role === 'follower')
      expect(ensemble.member(1).observer).toBe(false)
      await three!.reconfig({ joining: line(1) })
      await one!.retry(() => one!.sync('/'))
      expect(await one!.exists('/e')).not.toBeNull()
      expect(states.get(one!)).not.toContain('LOST')
    }))

  it('answers before another leads; the one named first, as a follower knows as much as any', () =>
    changing(async ({ sim, ensemble, admin, connect }) => {
      ensemble.changeLeader(1)
      const client = await connect([1], { authData })
      const { data } = await client.reconfig({ leaving: '1' })
      expect(String(data)).not.toContain('server.1=')
      await sim.until(() => ensemble.leader !== 1)
      expect(ensemble.members.map(({ role }) => role)).toEqual(['follower', 'leader', 'follower'])
      await admin.retry(() => admin.create('/a'))
      // Another epoch.
      expect((await admin.get('/a')).stat.czxid >> 32n).toBe(3n)
    }))

  it('has another lead when the address of its leader changes', () =>
    changing(async ({ sim, ensemble, admin, line }) => {
      await admin.reconfig({ joining: line(3).replace('2890', '2990') })
      await sim.until(() => ensemble.leader === 1)
      await admin.retry(() => admin.reconfig({ joining: line(1, 'participant', '127.0.0.1:5') }))
      await sim.sleep(1_000)
      expect(ensemble.leader).toBe(1)
    }))

  it('is known to a member that lags when it has caught up', () =>
    changing(async ({ ensemble, line, connect }) => {
      const [two, three] = await Promise.all([connect([2]), connect([3], { authData })])
      ensemble.member(2).lag = 60_000
      const events: string[] = []
      await two.getConfig({ watch: ({ type, zxid }) => void events.push(`${type} ${zxid}`) })
      const { data, stat } = await three.reconfig({ leaving: '1' })
      expect(await textOf(two)).toContain(line(1))
      expect(events).toEqual([])
      await two.sync('/')
      expect(await two.getConfig()).toEqual({ data, stat })
      expect(events).toEqual([`CHANGED ${stat.mzxid}`])
    }))

  it('is heard of by a member that was cut off when it is back', () =>
    changing(async ({ sim, ensemble, line, connect }) => {
      const three = await connect([3], { authData })
      ensemble.partition([1], [2, 3])
      await three.reconfig({ joining: line(1, 'observer') })
      await sim.sleep(500)
      expect(ensemble.member(1).role).toBe('follower')
      ensemble.heal()
      expect(ensemble.member(1).role).toBe('observer')
      expect(await textOf(await connect([1]))).toContain(line(1, 'observer'))
    }))

  it('outlives elections and restarts, whatever was written there', () =>
    changing(async ({ ensemble, admin, line }) => {
      const { data } = await admin.reconfig({ leaving: '1' })
      await admin.set('/zookeeper/config', 'nonsense')
      ensemble.changeLeader()
      await admin.retry(() => admin.exists('/'))
      expect(await textOf(admin)).toBe(String(data))
      await ensemble.stopMember(1)
      await expect(ensemble.startMember(1)).rejects.toThrow(/member 1 is not in the configuration/)
      await ensemble.stop()
      await ensemble.start()
      expect(ensemble.members.map(({ running }) => running)).toEqual([false, true, true])
      expect(await textOf(admin)).toBe(String(data))
      await admin.retry(() => admin.reconfig({ joining: line(1) }))
      await ensemble.startMember(1)
      expect(ensemble.member(1).role).toBe('follower')
    }))

  it('may show clients other addresses than those of the members', async () => {
    await using ensemble = await new EmbeddedEnsemble({ reconfig: true, superDigest }).start()
    const target = { host: '127.0.0.1', port: ensemble.member(1).port }
    await using proxy = await new FaultProxy({ target }).start()
    await using admin = await new KazooClient({ hosts: ensemble.member(2).hosts, authData }).start()
    await using client = await new KazooClient({ hosts: ensemble.hosts, trackEnsemble: true }).start()
    const config = await textOf(admin)
    await admin.reconfig({ joining: config.split('\n')[0]!.replace(/;.*/, `;${proxy.hosts}`) })
    await expect.poll(() => client.hosts.includes(proxy.hosts)).toBe(true)
    expect(client.hosts).toHaveLength(3)
    expect(ensemble.members.map(({ role }) => role)).toEqual(['follower', 'follower', 'leader'])
  })
})
