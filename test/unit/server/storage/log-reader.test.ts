import { describe, expect, it } from 'vitest'

import { readLog } from '../../../../src/server/storage/log-reader.ts'
import { simulate } from '../../../support/simulate.ts'
import { History } from './history.ts'

const path = '/data/version-2/log.1'
const log = { path, name: 'log.1', zxid: 1, extension: '' }

describe('reading a log', () => {
  it('looks for whole transactions behind a torn one in next to no time, whatever a client has written', () =>
    simulate(
      async (sim) => {
        const runtime = sim.runtime('a')
        const history = await History.open(runtime, { preallocate: 0 })
        history.create('/first')
        // Each twelve bytes of it read as the beginning of an entry of half a megabyte, end mark and all.
        const plausible = Buffer.from([0, 0, 0, 0, 0x42, 0x42, 0x42, 0x42, 0, 0x07, 0x42, 0x42])
        history.create('/adverse', Buffer.alloc(2_000_000, plausible).toString('latin1'))
        await history.directory.close()
        const good = Buffer.from(sim.disk('a').read(path)!)
        const torn = good.subarray(0, good.length - 20)
        sim.disk('a').write(path, torn)
        const end = await readLog(runtime.files, log, () => {})
        expect(end).toMatchObject({ lastZxid: 1, torn: 'it ends in the middle of a transaction' })
        // A whole one among them is found all the same.
        sim.disk('a').write(path, Buffer.concat([torn, good.subarray(16, end.size)]))
        await expect(readLog(runtime.files, log, () => {})).rejects.toThrow(
          `whole transactions behind it at byte ${torn.length}.`,
        )
      },
      { seeds: 1 },
    ))

  it('takes a transaction for whole however many chunks it is long, and for torn where the file ends in it', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      const history = await History.open(runtime, { preallocate: 0 })
      history.create('/first')
      history.create('/long', 'x'.repeat(100_000))
      history.create('/last')
      await history.directory.close()
      const good = Buffer.from(sim.disk('a').read(path)!)

      const zxids: number[] = []
      const read = async () => {
        zxids.length = 0
        return await readLog(runtime.files, log, ({ header }) => zxids.push(header.zxid), 64)
      }
      expect(await read()).toEqual({ size: good.length, lastZxid: 3, torn: null })
      expect(zxids).toEqual([1, 2, 3])
      sim.disk('a').write(path, good.subarray(0, 90_000))
      expect(await read()).toMatchObject({ lastZxid: 1, torn: 'it ends in the middle of a transaction' })
    }))
})
