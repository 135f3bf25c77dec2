import { expect, it } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { EmbeddedEnsemble } from '../../src/server/index.ts'
import { simulate } from '../support/simulate.ts'

/** Two ticks, the least that is granted: so much of it as can be may lie between what a follower hears and what its leader does. */
const tickTime = 2_000
const sessionTimeout = 2 * tickTime

it('a hold is lost before the leader expires the session, though the follower does not know that it is cut off', () =>
  simulate(
    async (sim) => {
      const ensemble = await new EmbeddedEnsemble({
        runtime: sim.runtime('servers'),
        host: '0.0.0.0',
        tickTime,
        noticeAfter: 600_000,
      }).start()
      // Followers report every half tick from the election on, and sessions expire at the end of a tick: late, unless the reports
      // come shortly before.
      const phase = sim.random.between(0.3, 0.5) * tickTime
      await sim.sleep(2 * tickTime - (sim.now % tickTime) + phase)
      ensemble.changeLeader()
      const others = ensemble.members.map(({ id }) => id).filter((id) => id !== ensemble.leader)
      const follower = others[0]!
      const connect = (id: number, name: string): Promise<KazooClient> =>
        new KazooClient({
          hosts: `servers:${ensemble.member(id).port}`,
          runtime: sim.runtime(name),
          sessionTimeout,
        }).start()
      const [holder, witness] = await Promise.all([connect(follower, 'holder'), connect(ensemble.leader!, 'witness')])
      await holder.create('/held', '', { ephemeral: true })
      await holder.create('/busy')
      const hold = await holder.hold()
      const { session } = holder
      expect(hold.sessionId).toBe(session?.id)

      const times: { lost?: number; expired?: number } = {}
      hold.signal.addEventListener('abort', () => void (times.lost = sim.now))
      await witness.exists('/held', { watch: () => void (times.expired = sim.now) })
      // Each burst comes behind a heartbeat. Where that is right behind a report, and the burst shortly before the next, the leader
      // has confirmed the burst, and was told of neither.
      const heartbeat = sessionTimeout / 3
      for (let bursts = sim.random.integer(1, 10); bursts > 0; bursts--) {
        await sim.sleep(heartbeat + sim.random.between(0, tickTime / 3))
        for (let left = sim.random.integer(1, 3); left > 0; left--) {
          if (sim.random.chance(0.2)) await holder.exists('/held')
          await holder.set('/busy', 'x')
        }
        expect(times).toEqual({})
        expect(hold.signal.aborted).toBe(false)
      }
      if (sim.random.chance(0.3)) await sim.sleep(sim.random.between(0, sessionTimeout))
      ensemble.partition([follower], [ensemble.leader!, ...others.slice(1)])
      const work = holder.set('/busy', 'x').catch(() => {})
      const cutOffAt = sim.now
      await sim.until(() => times.expired !== undefined)
      expect(times.lost ?? Infinity).toBeLessThan(times.expired!)
      expect(times.lost! - cutOffAt).toBeLessThan(sessionTimeout)
      ensemble.heal()
      await Promise.all([work, holder.stop(), witness.stop()])
      await ensemble.stop()
    },
    { seeds: 50 },
  ))

it('a hold outlives a leader that dies, where the election takes no longer than the session allows', () =>
  simulate(
    async (sim) => {
      const ensemble = await new EmbeddedEnsemble({
        runtime: sim.runtime('servers'),
        host: '0.0.0.0',
        tickTime,
      }).start()
      const client = await new KazooClient({
        hosts: ensemble.members.map(({ port }) => `servers:${port}`),
        runtime: sim.runtime('client'),
        sessionTimeout,
      }).start()
      const hold = await client.hold()
      for (let death = 0; death < 5; death++) {
        const leader = ensemble.leader!
        await ensemble.stopMember(leader)
        await sim.sleep(sim.random.between(2_000, 10_000))
        await ensemble.startMember(leader)
      }
      expect(hold.signal.aborted).toBe(false)
      expect(client.session?.id).toBe(hold.sessionId)
      await client.stop()
      expect(hold.signal.aborted).toBe(true)
      await ensemble.stop()
    },
    { seeds: 50 },
  ))
