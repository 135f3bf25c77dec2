import { KazooClient, type KazooClientOptions } from '../../../../src/index.ts'
import { EmbeddedEnsemble, type EmbeddedEnsembleOptions } from '../../../../src/server/index.ts'
import { Simulation } from '../../../../src/testing/index.ts'

export interface World {
  readonly sim: Simulation
  readonly ensemble: EmbeddedEnsemble
  /** A client of these members, all by default. */
  readonly connect: (ids?: readonly number[], options?: KazooClientOptions) => Promise<KazooClient>
}

export const tickTime = 500

/** Runs a script with an ensemble and its clients, in virtual time. */
export async function world(
  script: (world: World) => Promise<void>,
  options: EmbeddedEnsembleOptions = {},
): Promise<void> {
  const sim = new Simulation()
  await sim.run(async () => {
    const runtime = sim.runtime('servers')
    const ensemble = await new EmbeddedEnsemble({ runtime, host: '0.0.0.0', tickTime, ...options }).start()
    const clients: KazooClient[] = []
    const connect: World['connect'] = async (ids = ensemble.members.map(({ id }) => id), more = {}) => {
      const client = new KazooClient({
        hosts: ids.map((id) => `servers:${ensemble.member(id).port}`),
        runtime: sim.runtime(`client${clients.length}`),
        sessionTimeout: 4_000,
        ...more,
      })
      clients.push(client)
      return client.start()
    }
    await script({ sim, ensemble, connect })
    await Promise.all(clients.map((client) => client.stop()))
    await ensemble.stop()
  })
}
