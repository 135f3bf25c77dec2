import { compareTraces, type Difference } from './compare.ts'
import { Executor } from './execute.ts'
import { countOps, type Program } from './program.ts'
import { generateProgram } from './generate.ts'
import { shrink } from './shrink.ts'
import type { Target } from './targets.ts'

/** A program on which the servers differ, as small as it could be made. */
export interface Finding {
  readonly index: number
  readonly difference: Difference
  readonly program: Program
}

export interface CampaignOptions {
  readonly left: Target
  readonly right: Target
  readonly seed: number
  /** Programs `first` up to, but not including, `first + count` of the seed. */
  readonly first?: number
  readonly count: number
  /** Differences after which to stop. @defaultValue 1 */
  readonly most?: number
  /** How many programs may be run to make one that differs smaller. @defaultValue 1,500 */
  readonly shrinkBudget?: number
  readonly progress?: (done: number, operations: number, findings: number) => void
  readonly found?: (finding: Finding) => void
}

export interface Outcome {
  readonly programs: number
  readonly operations: number
  readonly findings: readonly Finding[]
}

let roots = 0

/** Runs programs side by side on two servers. */
export class Duel {
  readonly #left: Executor
  readonly #right: Executor

  constructor(left: Target, right: Target) {
    this.#left = new Executor(left)
    this.#right = new Executor(right)
  }

  /** Where the servers first differ; null for nowhere. */
  async fight(program: Program): Promise<Difference | null> {
    const root = `/p${roots++}`
    const [left, right] = await Promise.all([this.#left.run(program, root), this.#right.run(program, root)])
    return compareTraces(left, right)
  }
}

export async function runCampaign(options: CampaignOptions): Promise<Outcome> {
  const { left, right, seed, first = 0, count, most = 1, shrinkBudget = 1_500, progress, found } = options
  const duel = new Duel(left, right)
  const findings: Finding[] = []
  let programs = 0
  let operations = 0
  for (let index = first; index < first + count && findings.length < most; index++) {
    const program = generateProgram(seed, index)
    const difference = await duel.fight(program)
    programs++
    operations += countOps(program)
    // Sessions of a real server end by the clock: on a machine that stands still for seconds they end within a program, and
    // not when it is run again.
    if (difference !== null && (await duel.fight(program)) === null) {
      console.log(
        `differential: program ${index} of seed ${seed} differed once, and not again: ${difference.left} | ${difference.right}`,
      )
    } else if (difference !== null) {
      const finding = { index, ...(await minimize(duel, program, difference, shrinkBudget)) }
      findings.push(finding)
      found?.(finding)
    }
    progress?.(programs, operations, findings.length)
  }
  return { programs, operations, findings }
}

async function minimize(
  duel: Duel,
  program: Program,
  first: Difference,
  budget: number,
): Promise<Omit<Finding, 'index'>> {
  let difference = first
  const small = await shrink(
    program,
    async (candidate) => {
      const found = await duel.fight(candidate)
      if (found !== null) difference = found
      return found !== null
    },
    budget,
  )
  return { program: small, difference }
}

/** A finding as a person reads it. */
export function describeFinding({ index, difference, program }: Finding, left: string, right: string): string {
  const { session, line, before } = difference
  return [
    `program ${index}, session ${session}, line ${line}:`,
    ...before.map((text) => `    ${text}`),
    `  ${left}: ${difference.left}`,
    `  ${right}: ${difference.right}`,
    `  shrunk to: ${JSON.stringify(program)}`,
  ].join('\n')
}
