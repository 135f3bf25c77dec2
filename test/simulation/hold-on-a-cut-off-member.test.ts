import { expect, it } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { EmbeddedEnsemble } from '../../src/server/index.ts'
import { simulate } from '../support/simulate.ts'

const sessionTimeout = 4_000

it('a hold is lost before the leader expires the session, though the follower does not know that it is cut off', () =>
  simulate(
    async (sim) => {
      const ensemble = await new EmbeddedEnsemble({
        runtime: sim.runtime('servers'),
        host: '0.0.0.0',
        tickTime: 500,
        noticeAfter: 600_000,
      }).start()
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
      const load = { goesOn: sim.random.chance(0.5) }
      const work = (async () => {
        while (load.goesOn) {
          await (sim.random.chance(0.5) ? holder.exists('/held') : holder.set('/busy', 'x')).catch(() => {})
          await sim.sleep(sim.random.between(1, 500))
        }
      })()

      await sim.sleep(sim.random.between(0, 20_000))
      expect(times).toEqual({})
      expect(hold.signal.aborted).toBe(false)
      ensemble.partition([follower], [ensemble.leader!, ...others.slice(1)])
      const cutOffAt = sim.now
      await sim.until(() => times.expired !== undefined)
      expect(times.lost).toBeLessThan(times.expired!)
      expect(times.lost! - cutOffAt).toBeLessThan(sessionTimeout)
      load.goesOn = false
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
        tickTime: 500,
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
