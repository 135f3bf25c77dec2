import { Simulation, type SimulationOptions } from '../../src/testing/index.ts'

export interface SimulateOptions extends SimulationOptions {
  /** How many seeds to try: the first of them are always the same, the last is a fresh one. Default 5. */
  readonly seeds?: number
  /** Virtual ms for each. Default: an hour. */
  readonly limit?: number
  /** Checks what the seeds have shown together: no single one has to, so it is not called where one is run alone. */
  readonly together?: () => void
}

/**
 * Runs a script under several seeds, each in a world of its own. A failure names its seed, and
 * `KAZOO_TEST_SEED=<seed>` runs that one alone.
 */
export async function simulate(
  script: (sim: Simulation) => Promise<void>,
  options: SimulateOptions = {},
): Promise<void> {
  const { seeds = 5, limit, together, ...world } = options
  const alone = replayedSeed()
  for (const seed of alone === undefined ? chooseSeeds(seeds) : [alone]) {
    const sim = new Simulation({ ...world, seed })
    await sim.run(() => script(sim), { limit })
  }
  if (alone === undefined) together?.()
}

/** The seed of a failure that is looked into, and run alone. */
export function replayedSeed(): number | undefined {
  const wanted = process.env['KAZOO_TEST_SEED']
  return wanted === undefined || wanted === '' ? undefined : Number(wanted)
}

function chooseSeeds(count: number): (number | undefined)[] {
  return Array.from({ length: count }, (_, index) => (index === count - 1 ? undefined : index + 1))
}
