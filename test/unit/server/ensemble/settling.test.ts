import { describe, expect, it } from 'vitest'

import type { KazooState } from '../../../../src/index.ts'
import { EmbeddedEnsemble } from '../../../../src/server/index.ts'
import { tickTime, world } from './world.ts'

const rolesOf = ({ members }: EmbeddedEnsemble): string => members.map(({ role }) => role).join(' ')

describe('the parts of the members', () => {
  it.each([
    ['a follower', 1],
    ['the leader', 3],
  ])('stay what they are where %s is cut off and reached again in time, by whatever call', (_, id) =>
    world(async ({ sim, ensemble, connect }) => {
      const client = await connect([id])
      const states: KazooState[] = []
      client.addListener((state) => void states.push(state))
      ensemble.partition(
        [id],
        [1, 2, 3].filter((other) => other !== id),
      )
      const writing = client.create('/a')
      await sim.sleep(tickTime)
      ensemble.partition([1, 2, 3])
      await writing
      await sim.sleep(10 * tickTime)
      await client.create('/b')
      expect(rolesOf(ensemble)).toBe('follower follower leader')
      expect(states).toEqual([])
    }),
  )

  it('are those of the last election, whoever slept through it', () =>
    world(async ({ sim, ensemble, connect }) => {
      const client = await connect([1])
      ensemble.partition([3], [1, 2])
      ensemble.changeLeader(2)
      expect(rolesOf(ensemble)).toBe('follower leader leader')
      await client.retry(() => client.create('/a'))
      ensemble.heal()
      expect(rolesOf(ensemble)).toBe('follower leader follower')
      expect(await (await connect([3])).exists('/a')).not.toBeNull()
      // A follower of the old one has to leave its clients, too.
      ensemble.partition([1], [2, 3])
      ensemble.changeLeader(3)
      await sim.until(() => client.connected)
      ensemble.heal()
      await sim.until(() => client.state === 'SUSPENDED')
      await sim.until(() => client.connected)
      expect(rolesOf(ensemble)).toBe('follower follower leader')
    }))

  it('change once the time is over for each that is cut off, from when it was', () =>
    world(
      async ({ sim, ensemble }) => {
        ensemble.partition([1], [2, 3, 4, 5])
        await sim.sleep(600)
        // The one that was cut off first has not been reached since.
        ensemble.partition([1, 2], [3, 4, 5])
        await sim.sleep(600)
        expect(rolesOf(ensemble)).toBe('looking follower follower follower leader')
        await sim.sleep(600)
        expect(rolesOf(ensemble)).toBe('looking looking follower follower leader')
        ensemble.partition([1, 2, 3, 4, 5])
        expect(rolesOf(ensemble)).toBe('follower follower follower follower leader')
      },
      { size: 5, noticeAfter: 1_000 },
    ))

  it('do not change for one that is cut off when another stops', () =>
    world(
      async ({ sim, ensemble }) => {
        ensemble.partition([1], [2, 3, 4, 5])
        await ensemble.stopMember(2)
        expect(rolesOf(ensemble)).toBe('follower stopped follower follower leader')
        await ensemble.stopMember(5)
        // Nobody can lead with those two alone, until the one that is cut off has noticed, too, or is reached.
        expect(rolesOf(ensemble)).toBe('follower stopped looking looking stopped')
        ensemble.heal()
        expect(rolesOf(ensemble)).toBe('follower stopped follower leader stopped')
        await sim.sleep(10 * tickTime)
        expect(rolesOf(ensemble)).toBe('follower stopped follower leader stopped')
      },
      { size: 5 },
    ))

  it('are read-only for a member that starts without a quorum, where that is allowed', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        await (await connect([3])).create('/a')
        ensemble.partition([1], [2, 3])
        await ensemble.stopMember(1)
        await ensemble.startMember(1)
        await sim.until(() => ensemble.member(1).role === 'read-only')
        const reader = await connect([1], { readOnly: true })
        expect(await reader.exists('/a')).not.toBeNull()
        ensemble.heal()
        expect(rolesOf(ensemble)).toBe('follower follower leader')
        for (const { id } of ensemble.members) await ensemble.stopMember(id)
        await ensemble.startMember(2)
        await sim.until(() => ensemble.member(2).role === 'read-only')
        await sim.until(() => reader.state !== 'CONNECTED')
        await ensemble.startMember(1)
        expect(rolesOf(ensemble)).toBe('follower leader stopped')
      },
      { readOnlyMode: true },
    ))

  it('come to one leader whatever happened before', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const ids = ensemble.members.map(({ id }) => id)
        for (let round = 0; round < 300; round++) {
          const id = sim.random.pick(ids)
          const member = ensemble.member(id)
          const calls = [
            () => void ensemble.stopMember(id),
            () => void ensemble.startMember(id),
            () => void ensemble.startMember(id),
            () => {
              const sides = ids.map(() => sim.random.integer(1, 3))
              ensemble.partition(...[1, 2, 3].map((side) => ids.filter((_, index) => sides[index] === side)))
            },
            () => ensemble.heal(),
            () => {
              try {
                ensemble.changeLeader()
              } catch {
                // Nobody can lead.
              }
            },
            () => {
              member.lag = sim.random.integer(0, 300)
            },
          ]
          sim.random.pick(calls)()
          if (sim.random.chance(0.5)) await sim.sleep(sim.random.between(0, 500))
        }
        ensemble.heal()
        await Promise.all(ids.map((id) => ensemble.startMember(id)))
        for (const member of ensemble.members) member.lag = 0
        const roles = ensemble.members.map(({ role }) => role)
        expect(roles.filter((role) => role === 'leader')).toHaveLength(1)
        expect(roles.filter((role) => role === 'follower')).toHaveLength(4)
        expect(roles.at(-1)).toBe('observer')
        for (const id of ids) await (await connect([id])).create(`/${id}`)
        expect(ensemble.members.map(({ behind }) => behind)).toEqual(ids.map(() => 0))
        await sim.sleep(10 * tickTime)
        expect(ensemble.members.map(({ role }) => role)).toEqual(roles)
      },
      { size: 5, observers: 1, readOnlyMode: true },
    ))
})

describe('a member that stops and starts', () => {
  it('ends as the last call says, however soon it came', () =>
    world(async ({ ensemble, connect }) => {
      await Promise.all([ensemble.stopMember(1), ensemble.startMember(1)])
      expect(rolesOf(ensemble)).toBe('follower follower leader')
      await (await connect([3])).create('/a')
      expect(await (await connect([1])).exists('/a')).not.toBeNull()
      await Promise.all([ensemble.stopMember(1), ensemble.startMember(1), ensemble.stopMember(1)])
      expect(rolesOf(ensemble)).toBe('stopped follower leader')
      await Promise.all([ensemble.startMember(1), ensemble.stopMember(1), ensemble.startMember(1)])
      expect(rolesOf(ensemble)).toBe('follower follower leader')
    }))

  it('does so with all others, and what they knew is there again', () =>
    world(async ({ ensemble, connect }) => {
      await (await connect()).create('/a')
      const { hosts } = ensemble
      await Promise.all([ensemble.stop(), ensemble.start()])
      expect(rolesOf(ensemble)).toBe('follower follower leader')
      expect(ensemble.hosts).toBe(hosts)
      expect(await (await connect([1])).exists('/a')).not.toBeNull()
      await Promise.all([ensemble.stop(), ensemble.start(), ensemble.stop()])
      expect(rolesOf(ensemble)).toBe('stopped stopped stopped')
    }))

  it('knows what it knew, and what its leader tells it', () =>
    world(
      async ({ ensemble, connect }) => {
        const client = await connect([3])
        await client.create('/early')
        await ensemble.stopMember(1)
        await client.create('/late')
        ensemble.partition([1], [2, 3])
        await ensemble.startMember(1)
        expect(ensemble.member(1).behind).toBe(1)
        const reader = await connect([1], { readOnly: true })
        expect([await reader.exists('/early'), await reader.exists('/late')]).toEqual([expect.anything(), null])
        ensemble.heal()
        expect(ensemble.member(1).behind).toBe(0)
      },
      { readOnlyMode: true },
    ))

  it('goes on from where it was, though what all have is forgotten', () =>
    world(async ({ ensemble, connect }) => {
      const client = await connect([3])
      await client.create('/a')
      const write = async (count: number): Promise<void> => {
        for (let done = 0; done < count; done += 100) {
          await Promise.all(Array.from({ length: 100 }, () => client.set('/a', 'x')))
        }
      }
      await write(3_000)
      expect(ensemble.kept).toBeLessThan(1_100)
      await ensemble.stopMember(1)
      await write(3_000)
      expect(ensemble.kept).toBeGreaterThan(2_999)
      await ensemble.startMember(1)
      expect(ensemble.member(1).behind).toBe(0)
      expect((await (await connect([1])).exists('/a'))?.version).toBe(6_000)
      await write(1_100)
      expect(ensemble.kept).toBeLessThan(1_100)
    }))

  it('has to be one of an ensemble that is started, so that it ends with it', async () => {
    const ensemble = new EmbeddedEnsemble()
    await expect(ensemble.startMember(1)).rejects.toThrow(/not started/)
    expect(() => ensemble.partition([1], [2, 3])).toThrow(/not started/)
    await ensemble.start()
    ensemble.partition([1], [2, 3])
    await ensemble.stop()
    await expect(ensemble.startMember(1)).rejects.toThrow(/not started/)
    expect(() => ensemble.partition([1], [2, 3])).toThrow(/not started/)
    ensemble.heal()
    expect(rolesOf(ensemble)).toBe('stopped stopped stopped')
  })
})

describe('the lag of a member', () => {
  it('is that of each transaction', () =>
    world(async ({ sim, ensemble, connect }) => {
      const client = await connect([3])
      const member = ensemble.member(1)
      member.lag = 1_000
      await client.create('/a')
      await sim.sleep(800)
      await client.create('/b')
      expect(member.behind).toBe(2)
      await sim.sleep(250)
      expect(member.behind).toBe(1)
      await sim.sleep(650)
      expect(member.behind).toBe(1)
      await sim.sleep(200)
      expect(member.behind).toBe(0)
    }))

  it('may change for what waits, and be of any length', () =>
    world(async ({ sim, ensemble, connect }) => {
      const client = await connect([3])
      const member = ensemble.member(1)
      for (const lag of [60_000, 2 ** 31, Infinity]) {
        member.lag = lag
        await client.create('/a-', '', { sequence: true })
        await sim.sleep(1_000)
        expect(member.behind).toBe(1)
        member.lag = 1_500
        await sim.sleep(400)
        expect(member.behind).toBe(1)
        await sim.sleep(200)
        expect(member.behind).toBe(0)
      }
      for (const lag of [-1, NaN, '5' as unknown as number]) {
        expect(() => {
          member.lag = lag
        }).toThrow(/lag/)
      }
    }))
})
