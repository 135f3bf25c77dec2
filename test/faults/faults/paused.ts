import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import type { Trial } from '../trial.ts'
import { sleep } from '../until.ts'

/** Milliseconds. */
const timeout = 1_000

/** A member stands still for less than the session timeout. */
export const pausedBriefly: Fault = {
  name: 'member-paused-briefly',
  run: (trial) => paused(trial, trial.random.between(50, timeout * 0.9)),
}

/** A member stands still for longer than the session timeout. */
export const pausedLong: Fault = {
  name: 'member-paused-long',
  run: (trial) => paused(trial, trial.random.between(timeout * 1.1, timeout * 2.5)),
}

async function paused(trial: Trial, duration: number): Promise<void> {
  const { random, target } = trial
  await underLoad(trial, { sessionTimeout: timeout }, async (crew) => {
    const member = random.pick(target.members)
    await sleep(random.between(0, 300))
    const pause = async (): Promise<void> => {
      member.pause()
      await sleep(duration)
    }
    // A peer that is silent for so long is taken for dead, whatever its socket says.
    if (duration > timeout) await crew.disconnect(member, pause)
    else await pause()
    member.resume()
  })
}
