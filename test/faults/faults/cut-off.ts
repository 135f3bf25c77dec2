import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import type { Participant } from '../participant.ts'
import type { Ephemerals } from '../ephemerals.ts'
import { syncLimit, tickTime, type Member } from '../target.ts'
import type { Trial } from '../trial.ts'
import { sleep } from '../until.ts'
import { follower } from './member-lost.ts'

/** Milliseconds until a member notices that it does not hear of its leader. */
const noticeAfter = syncLimit * tickTime

/**
 * A follower is parted from its leader, and its clients are not parted from it: until it notices, it answers reads and
 * pings, while the leader may end the sessions of its clients.
 */
export const followerCutOff: Fault = { name: 'follower-cut-off', run: (trial) => cutOff(trial, () => follower(trial)) }

/** The leader is parted from the others, which look for another; it takes all of them a while to notice. */
export const leaderCutOff: Fault = {
  name: 'leader-cut-off',
  run: (trial) => cutOff(trial, () => trial.target.leader()),
}

async function cutOff(trial: Trial, choose: () => Promise<Member>): Promise<void> {
  const { random, target } = trial
  await underLoad(trial, { sessionTimeout: random.pick([800, 1_200, 4_000]) }, async (crew) => {
    const member = await choose()
    const index = crew.participants.findIndex((participant) => participant.isAt(member))
    target.cutOff(member)
    const until = performance.now() + random.between(0.2 * noticeAfter, 2 * noticeAfter)
    const others = crew.participants.filter((_, other) => other !== index)
    while (performance.now() < until) {
      if (index !== -1) await observe(trial, crew.participants[index]!, crew.ephemerals[index]!, others)
      await sleep(20)
    }
  })
}

/** Counts how often a session has ended for all but its own client. */
async function observe(trial: Trial, held: Participant, { current }: Ephemerals, others: readonly Participant[]) {
  const other = others.find(({ client }) => client.connected)
  if (current === null || other === undefined || !held.client.connected || trial.counts.has('unaware')) return
  const gone = await other.client.exists(current, { timeout: 100 }).then(
    (stat) => stat === null,
    () => false,
  )
  if (gone && held.client.connected) trial.count('unaware')
}
