import { describe, expect, it } from 'vitest'

import { DataDirectoryError } from '../../../../src/server/storage/data-directory-error.ts'
import { lockFolder } from '../../../../src/server/storage/folder-lock.ts'
import type { Runtime } from '../../../../src/runtime/runtime.ts'
import { simulate } from '../../../support/simulate.ts'
import { History } from './history.ts'

/** Several processes of one machine; those in `running` run. */
function machine(runtime: Runtime, running: Set<string>): (id: string) => Runtime {
  return (id) => {
    running.add(id)
    const processes = { own: async () => id, isRunning: async (other: string) => running.has(other) }
    const setTimer: Runtime['setTimer'] = (delay, callback) => runtime.setTimer(delay, callback)
    return { files: runtime.files, processes, setTimer, random: () => runtime.random() } as Runtime
  }
}

const locks = (names: readonly string[]): readonly string[] => names.filter((name) => name.includes('kazoo.lock'))

describe('the lock of a data directory', () => {
  it('refuses a second process, names the first, and is given back', () =>
    simulate(async (sim) => {
      const process = machine(sim.runtime('a'), new Set())
      await sim.runtime('a').files.makeDirectory('/data')
      const unlock = await lockFolder(process('1234-5'), '/data')
      await expect(lockFolder(process('77-8'), '/data')).rejects.toThrow(
        new DataDirectoryError('/data', 'process 1234 has it open, says its file kazoo.lock.1234-5'),
      )
      await expect(lockFolder(process('1234-5'), '/data')).rejects.toThrow('this process has it open')
      expect(sim.disk('a').list()).toEqual(['/data/kazoo.lock.1234-5'])
      await unlock()
      await (
        await lockFolder(process('77-8'), '/data')
      )()
      expect(sim.disk('a').list()).toEqual([])
    }))

  it('is taken over from a process that was killed, by one alone of many that start at once', () =>
    simulate(
      async (sim) => {
        const running = new Set<string>()
        const process = machine(sim.runtime('a'), running)
        await sim.runtime('a').files.makeDirectory('/data')
        await lockFolder(process('1-1'), '/data')
        running.delete('1-1')
        const starters = ['2-1', '3-1', '4-1'].map((id) => lockFolder(process(id), '/data'))
        const started = (await Promise.allSettled(starters)).filter(({ status }) => status === 'fulfilled')
        expect(started.length).toBeLessThan(2)
        expect(locks(sim.disk('a').list())).toHaveLength(started.length)
      },
      { seeds: 30 },
    ))

  it('is in both folders while they are used, whatever a killed process left there', () =>
    simulate(async (sim) => {
      const options = { dataLogDir: '/logs' }
      const killed = await History.open(sim.runtime('a'), options)
      killed.create('/a')
      await killed.settle()
      expect(locks(sim.disk('a').list())).toEqual(['/data/version-2/kazoo.lock.1', '/logs/version-2/kazoo.lock.1'])
      sim.kill('a')
      const history = await History.open(sim.runtime('a'), options)
      expect(history.zxid).toBe(1)
      expect(locks(sim.disk('a').list())).toEqual(['/data/version-2/kazoo.lock.2', '/logs/version-2/kazoo.lock.2'])
      await history.directory.close()
      expect(locks(sim.disk('a').list())).toEqual([])
    }))
})
