import { expect, it } from 'vitest'

import { simulate } from '../../../support/simulate.ts'
import { History } from './history.ts'

const file = (name: string): string => `/data/version-2/${name}`

it("keeps a quorum member's epoch files as they are, unless the transactions are ahead of them", () =>
  simulate(async (sim) => {
    const disk = sim.disk('a')
    const text = (name: string): string => disk.read(file(name))!.toString()
    let history = await History.open(sim.runtime('a'))
    expect(disk.list().filter((path) => path.endsWith('Epoch'))).toEqual([])
    history.zxid = 0x3_0000_0000
    history.create('/a')
    await history.directory.close()
    const reopen = async (accepted: string, current: string): Promise<readonly string[]> => {
      disk.write(file('acceptedEpoch'), Buffer.from(accepted))
      disk.write(file('currentEpoch'), Buffer.from(current))
      history = await History.open(sim.runtime('a'))
      return history.state.notices
    }
    expect(await reopen('4\n', '3')).toEqual([])
    expect([text('acceptedEpoch'), text('currentEpoch')]).toEqual(['4\n', '3'])
    // Four billion transactions later.
    history.zxid = 0x3_ffff_ffff
    history.create('/b')
    await history.directory.close()
    expect([text('acceptedEpoch'), text('currentEpoch')]).toEqual(['4\n', '4'])

    const [notice, ...rest] = await reopen('4', '3')
    expect(notice).toContain('currentEpoch: said "3", but the last transaction is of epoch 4')
    expect(rest).toEqual([])
    expect(text('currentEpoch')).toBe('4')
    await history.directory.close()
  }))
