import { expect, it } from 'vitest'

import { KazooClient } from '../../../../src/index.ts'
import { EmbeddedEnsemble } from '../../../../src/server/index.ts'
import { simulate } from '../../../support/simulate.ts'

it('the leader alone deletes containers and TTL znodes: a member that lags shows them until it has caught up', () =>
  simulate(async (sim) => {
    const ensemble = await new EmbeddedEnsemble({
      runtime: sim.runtime('servers'),
      host: '0.0.0.0',
      observers: 1,
    }).start()
    const [follower, other, leader, observer] = await Promise.all(
      ensemble.members.map(({ port }) =>
        new KazooClient({ hosts: `servers:${port}`, runtime: sim.runtime('client') }).start(),
      ),
    )
    expect(ensemble.leader).toBe(3)
    await follower!.create('/brief', '', { ttl: 1_000 })
    await follower!.create('/container', '', { container: true })
    await follower!.create('/container/x')
    await follower!.delete('/container/x')
    const lagging = ensemble.members.filter(({ id }) => id !== ensemble.leader)
    for (const member of lagging) member.lag = 3_600_000
    const gone = new Set<string>()
    for (const path of ['/brief', '/container']) {
      const watch = (): void => void gone.add(path)
      // Whoever deleted it before the lag began has not waited for its time.
      expect(await leader!.exists(path, { watch })).not.toBeNull()
    }
    await sim.until(() => gone.size === 2)
    await sim.sleep(5_000)
    for (const client of [follower, other, observer]) {
      for (const path of gone) expect(await client!.exists(path)).not.toBeNull()
      await client!.sync('/')
      for (const path of gone) expect(await client!.exists(path)).toBeNull()
    }
    await ensemble.stop()
  }))
