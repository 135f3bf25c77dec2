import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import { Participant } from '../participant.ts'
import { sleep, until } from '../until.ts'
import { Workload } from '../workload.ts'

/**
 * A second client takes the session of the first to another member, and both work; then the second leaves the session to
 * the first, or ends it for both.
 */
export const sessionMoved: Fault = {
  name: 'session-moved',
  run: (trial) =>
    // Who gives away its session cannot hold by it.
    underLoad(trial, { sessionTimeout: 2_000, holds: () => false }, async (crew) => {
      const { random, target } = trial
      const first = random.pick(crew.participants)
      const elsewhere = random.pick(target.members.filter((member) => !first.isAt(member)))
      const proxy = await trial.proxyTo(elsewhere)
      const session = first.client.session!
      const since = first.heard.length
      const second = new Participant('s', {
        hosts: `${proxy.hosts}${trial.root}`,
        sessionTimeout: 2_000,
        session,
      })
      await second.client.start()
      if (second.client.session?.id !== session.id) trial.problem('the session was not taken up')
      const workload = new Workload(second, crew.ledger, trial.randomOf('second'))
      workload.start()
      await first.hears('SUSPENDED', since)
      await sleep(random.between(0, 400))
      const isLeft = random.chance(0.5)
      if (isLeft) {
        await proxy.setMode('refuse')
        proxy.cut()
        await until('the second is disconnected', () => !second.client.connected)
      }
      // What waits for a connection that does not come ends with its client.
      crew.ledger.expect('CONNECTION_CLOSED')
      workload.halt()
      const [problems] = await Promise.all([second.stop(), workload.stop()])
      for (const problem of problems) trial.problem(problem)
      trial.count(isLeft ? 'left' : 'ended')
      await until('the first is connected', () => first.client.connected)
    }),
}
