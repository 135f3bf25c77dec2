import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import { sleep } from '../until.ts'

const second = 1_000
const year = 365 * 24 * 3_600 * second

/** The wall clock is set forward and back, by seconds or by years. Nobody notices. */
export const wallClock: Fault = {
  name: 'wall-clock',
  run: (trial) =>
    underLoad(trial, { sessionTimeout: 4_000 }, async ({ participants }) => {
      const { random, target } = trial
      for (let jumps = random.integer(4, 10); jumps > 0; jumps--) {
        const offset = random.pick([-1, 1]) * random.pick([second, 60 * second, 3_600 * second, year, 20 * year])
        for (const { runtime } of participants) if (random.chance(0.7)) runtime.wallClockOffset = offset
        if (random.chance(0.7)) target.setWallClock(offset)
        await sleep(random.between(10, 150))
      }
      for (const { name, heard } of participants) {
        if (heard.length > 1) trial.problem(`${name} was told ${heard.map(({ state }) => state).join(', ')}`)
      }
    }),
}
