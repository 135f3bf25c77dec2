import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import type { Member } from '../target.ts'
import type { Trial } from '../trial.ts'
import { sleep } from '../until.ts'

/** The leader's process ends; the others elect another, and it comes back. */
export const leaderKilled: Fault = {
  name: 'leader-killed',
  run: (trial) => killed(trial, () => trial.target.leader()),
}

/** A follower's process ends, and comes back. */
export const followerKilled: Fault = { name: 'follower-killed', run: (trial) => killed(trial, () => follower(trial)) }

/** A follower ends in good order, loses its disk, and comes back with an empty one. */
export const memberWiped: Fault = {
  name: 'member-wiped',
  run: (trial) =>
    killed(
      trial,
      () => follower(trial),
      async (member) => await member.wipe(),
    ),
}

/** All members are stopped and started again, one after the other. */
export const rollingRestart: Fault = {
  name: 'rolling-restart',
  run: (trial) =>
    underLoad(trial, {}, async (crew) => {
      for (const member of trial.random.shuffle(trial.target.members)) {
        await crew.disconnect(member, () => member.stop())
        await member.start()
      }
    }),
}

async function killed(trial: Trial, choose: () => Promise<Member>, meanwhile?: (member: Member) => Promise<void>) {
  const { random } = trial
  await underLoad(trial, {}, async (crew) => {
    const member = await choose()
    await sleep(random.between(0, 300))
    await crew.disconnect(member, () => member.kill())
    await meanwhile?.(member)
    await sleep(random.between(0, 300))
    await member.start()
    await sleep(random.between(0, 100))
  })
}

export async function follower(trial: Trial): Promise<Member> {
  const leader = await trial.target.leader()
  return trial.random.pick(trial.target.members.filter((member) => member !== leader))
}
