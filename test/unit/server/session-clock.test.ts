import { describe, expect, it } from 'vitest'

import { KazooClient } from '../../../src/index.ts'
import { EmbeddedEnsemble, EmbeddedServer } from '../../../src/server/index.ts'
import type { Simulation } from '../../../src/testing/index.ts'
import { simulate } from '../../support/simulate.ts'

const tickTime = 1_000
const timeout = 4_000

/**
 * Makes a session whose client has just fallen silent, and gives a function that tells when it has expired: its
 * ephemeral is deleted then.
 */
async function silentSession(sim: Simulation, hosts: string): Promise<() => Promise<number>> {
  const silent = await new KazooClient({ hosts, runtime: sim.runtime('silent'), sessionTimeout: timeout }).start()
  const witness = await new KazooClient({ hosts, runtime: sim.runtime('witness'), sessionTimeout: 20_000 }).start()
  await silent.create('/silent', '', { ephemeral: true })
  sim.network.partition(['silent'], ['servers'])
  let deletedAt: number | null = null
  await witness.exists('/silent', { watch: () => (deletedAt = sim.now) })
  return async () => {
    await sim.until(() => deletedAt !== null)
    return deletedAt!
  }
}

/** When a session expires that has its whole timeout from then on: at the end of a tick. */
function expectWhole(expiredAt: number, since: number): void {
  expect(expiredAt - since).toBeGreaterThanOrEqual(timeout)
  expect(expiredAt - since).toBeLessThan(timeout + tickTime + 500)
}

describe('a session has its whole timeout again', () => {
  it.each([
    ['shorter than what it had left', 200],
    ['longer than that', 6_000],
  ])('after a pause of the server %s', (_name, pause) =>
    simulate(async (sim) => {
      const runtime = sim.runtime('servers')
      const server = await new EmbeddedServer({ runtime, host: '0.0.0.0', port: 2181, tickTime }).start()
      const expired = await silentSession(sim, 'servers')
      await sim.sleep(timeout - 1_000)
      server.faults.pause()
      await sim.sleep(pause)
      server.faults.resume()
      const resumedAt = sim.now
      expectWhole(await expired(), resumedAt)
      await server.stop()
    }),
  )

  it('with a new leader', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('servers')
      const ensemble = await new EmbeddedEnsemble({ runtime, host: '0.0.0.0', tickTime }).start()
      const hosts = ensemble.members.map(({ port }) => `servers:${port}`).join()
      const expired = await silentSession(sim, hosts)
      await sim.sleep(timeout - 1_000)
      ensemble.changeLeader()
      const changedAt = sim.now
      expectWhole(await expired(), changedAt)
      await ensemble.stop()
    }))
})
