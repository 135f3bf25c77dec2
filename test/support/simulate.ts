import { Simulation, type SimulationOptions } from '../../src/testing/index.ts'

export interface SimulateOptions extends SimulationOptions {
  /** How many seeds to try: the first of them are always the same, the last is a fresh one. Default 5. */
  readonly seeds?: number
  /** Virtual ms for each. Default: an hour. */
  readonly limit?: number
}

/**
 * Runs a script under several seeds, each in a world of its own. A failure names its seed, and
 * `KAZOO_TEST_SEED=<seed>` runs that one alone.
 */
export async function simulate(
  script: (sim: Simulation) => Promise<void>,
  options: SimulateOptions = {},
): Promise<void> {
  const { seeds = 5, limit, ...world } = options
  for (const seed of chooseSeeds(seeds)) {
    const sim = new Simulation({ ...world, seed })
    await sim.run(() => script(sim), { limit })
  }
}

function chooseSeeds(count: number): (number | undefined)[] {
  const wanted = process.env['KAZOO_TEST_SEED']
  if (wanted !== undefined && wanted !== '') return [Number(wanted)]
  return Array.from({ length: count }, (_, index) => (index === count - 1 ? undefined : index + 1))
}
