import { faults } from './faults.ts'
import type { Fault, Fixture } from './fault.ts'
import type { Target } from './target.ts'
import { Trial } from './trial.ts'
import { within } from './until.ts'

/** Milliseconds for one trial; those that take long take a few seconds. */
const trialLimit = 120_000

/** What became of the trials of one fault. */
export interface FaultOutcome {
  readonly fault: string
  readonly trials: number
  /** The trials that failed, and what was wrong. */
  readonly failures: readonly { readonly trial: number; readonly problems: readonly string[] }[]
  /** Sums over all trials. */
  readonly counts: ReadonlyMap<string, number>
  readonly seconds: number
}

export interface CampaignOptions {
  readonly target: Target
  readonly seed: number
  readonly trials: number
  /** The number of the first trial. @defaultValue 0 */
  readonly first?: number
  /** Names of faults. @defaultValue all */
  readonly only?: readonly string[]
  readonly progress?: (outcome: FaultOutcome) => void
  readonly failed?: (fault: string, trial: number, problems: readonly string[]) => void
}

/** Tries each fault so many times. */
export async function runCampaign(options: CampaignOptions): Promise<FaultOutcome[]> {
  const outcomes: FaultOutcome[] = []
  for (const fault of chosen(options.only)) {
    const outcome = await tryFault(fault, options)
    options.progress?.(outcome)
    outcomes.push(outcome)
  }
  return outcomes
}

function chosen(only: readonly string[] | undefined): readonly Fault[] {
  if (only === undefined) return faults
  for (const name of only) {
    if (!faults.some((fault) => fault.name === name)) throw new RangeError(`no fault is called ${name}`)
  }
  return faults.filter(({ name }) => only.includes(name))
}

async function tryFault(fault: Fault, options: CampaignOptions): Promise<FaultOutcome> {
  const { target, seed, trials, first = 0 } = options
  const started = performance.now()
  const failures: { trial: number; problems: readonly string[] }[] = []
  const counts = new Map<string, number>()
  await target.heal()
  const fixture = await fault.open?.(target)
  try {
    for (let index = first; index < first + trials; index++) {
      const trial = new Trial(target, fault.name, seed, index)
      await tryOnce(trial, fixture ?? { run: fault.run! })
      for (const [what, count] of trial.counts) counts.set(what, (counts.get(what) ?? 0) + count)
      if (trial.problems.length === 0) continue
      failures.push({ trial: index, problems: trial.problems })
      options.failed?.(fault.name, index, trial.problems)
    }
  } finally {
    await fixture?.[Symbol.asyncDispose]()
  }
  const seconds = (performance.now() - started) / 1_000
  return { fault: fault.name, trials, failures, counts, seconds }
}

async function tryOnce(trial: Trial, fixture: Pick<Fixture, 'run'>): Promise<void> {
  const uncaught = (error: unknown): void => trial.problem(`uncaught: ${describe(error)}`)
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  try {
    await within('the end of the trial', fixture.run(trial), trialLimit)
  } catch (error) {
    trial.problems.unshift(describe(error))
  }
  try {
    await trial.target.heal()
    await trial.end()
  } catch (error) {
    trial.problem(`after the trial: ${describe(error)}`)
  } finally {
    process.off('uncaughtException', uncaught)
    process.off('unhandledRejection', uncaught)
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error.stack ?? String(error)).split('\n').slice(0, 4).join('\n')
}
