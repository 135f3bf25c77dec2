import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import { type Member, syncLimit, tickTime } from '../target.ts'
import type { Trial } from '../trial.ts'
import { sleep } from '../until.ts'
import { follower } from './member-lost.ts'

/** Milliseconds until a member notices that it does not hear of its leader. */
const noticeAfter = syncLimit * tickTime

/**
 * A follower is parted from its leader, and its clients are not parted from it: until it notices, it answers reads and
 * pings, while the leader may end the sessions of its clients. Who holds something is told before that.
 */
export const followerCutOff: Fault = { name: 'follower-cut-off', run: (trial) => cutOff(trial, () => follower(trial)) }

/** The leader is parted from the others, which look for another; it takes all of them a while to notice. */
export const leaderCutOff: Fault = {
  name: 'leader-cut-off',
  run: (trial) => cutOff(trial, () => trial.target.leader()),
}

async function cutOff(trial: Trial, choose: () => Promise<Member>): Promise<void> {
  const { random, target } = trial
  const member = await choose()
  // Who writes learns of it by the silence; who reads alone does not. One of these holds, the other does not.
  const reader = { hosts: trial.hostsFrom(member.id - 1) }
  const sessionTimeout = random.pick([1_000, 1_200, 4_000])
  const holds = (index: number): boolean => index !== 3
  await underLoad(trial, { sessionTimeout, readers: [reader, reader], holds }, async () => {
    target.cutOff(member)
    await sleep(random.between(0.2 * noticeAfter, 2 * noticeAfter))
  })
}
