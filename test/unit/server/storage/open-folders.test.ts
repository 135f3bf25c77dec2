import { describe, expect, it, vi } from 'vitest'

import { EmbeddedServer } from '../../../../src/server/index.ts'
import { simulate } from '../../../support/simulate.ts'
import { History } from './history.ts'

describe('a data directory in use', () => {
  it('is refused to a second server of the process, until the first has stopped', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('server')
      const first = await new EmbeddedServer({ host: '0.0.0.0', port: 2181, dataDir: '/data', runtime }).start()
      const second = new EmbeddedServer({ host: '0.0.0.0', port: 2182, dataDir: '/other/../data', runtime })
      await expect(second.start()).rejects.toThrow('/data/version-2: another server of this process has it open')
      await first.stop()
      await second.start()
      await expect(first.start()).rejects.toThrow('has it open')
      await second.stop()
      await first.start()
      await first.stop()
    }))

  it('is free again when it could not be read', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      sim.disk('a').makeDirectory('/data/version-2')
      sim.disk('a').write('/data/version-2/log.1', Buffer.from('a text that has come here by mistake'))
      await expect(History.open(runtime)).rejects.toThrow('ZKLG')
      await runtime.files.remove('/data/version-2/log.1')
      expect((await History.open(runtime)).zxid).toBe(0)
    }))

  it('loses nothing of a log that another process began', () =>
    simulate(async (sim) => {
      const onFailure = vi.fn<(error: Error) => void>()
      const runtime = sim.runtime('a')
      const first = await History.open(runtime)
      // As a process sees the disk that cannot see the other one, in another container or on another machine.
      const processes = { own: async () => 'far', isRunning: async () => false }
      Object.assign(runtime, { files: { ...runtime.files }, processes })
      const second = await History.open(runtime, { onFailure })
      first.create('/first')
      await first.settle()
      second.create('/second')
      await second.directory.close()
      expect(onFailure.mock.calls.join()).toMatch(/log\.1: is there already: another server/)
      expect(second.acknowledged).toBe(0)
      first.create('/more')
      await first.directory.close()
      sim.kill('a')
      expect((await History.open(sim.runtime('a'))).describe()).toBe(first.describe())
    }))

  it('goes on where a log was begun and nothing written to it', () =>
    simulate(async (sim) => {
      const history = await History.open(sim.runtime('a'))
      history.create('/first')
      await history.directory.close()
      const header = Buffer.from(sim.disk('a').read('/data/version-2/log.1')!).subarray(0, 16)
      for (const rest of [Buffer.alloc(0), Buffer.alloc(100), Buffer.from('torn')]) {
        sim.kill('a')
        sim.disk('a').write('/data/version-2/log.2', Buffer.concat([header, rest]))
        const again = await History.open(sim.runtime('a'))
        expect(again.zxid).toBe(1)
        again.create('/second')
        await again.settle()
        expect(again.acknowledged).toBe(2)
        await again.directory.close()
      }
    }))
})
