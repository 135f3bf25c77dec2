import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import { until } from '../until.ts'

/**
 * All members end and come back with empty directories, as after a restore of the wrong machine. What was written is gone
 * with its sessions: the clients learn so, begin anew, and whatever watches shows what there is now.
 */
export const allWiped: Fault = {
  name: 'all-wiped',
  run: (trial) =>
    underLoad(trial, { sessionTimeout: trial.random.pick([800, 2_000]) }, async (crew) => {
      const { members } = trial.target
      const sessions = crew.participants.map(({ client }) => client.session?.id)
      await Promise.all(members.map((member) => member.kill()))
      const lost = crew.participants.map((participant) => participant.hears('LOST', participant.heard.length))
      crew.halt()
      await until('all have noticed', () => crew.participants.every(({ client }) => !client.connected))
      crew.ledger.forget()
      await trial.target.wipeAll()
      await crew.prepare()
      await Promise.all(lost)
      await crew.rest()
      for (const { name, client } of crew.participants) await until(`${name} is back`, () => client.connected)
      for (const [index, { name, client }] of crew.participants.entries()) {
        if (client.session?.id === sessions[index]) trial.problem(`${name} has a session that nobody can know`)
      }
      crew.work()
    }),
}
