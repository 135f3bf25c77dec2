import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { compareVersions } from '../../src/testing/real-zookeeper/find.ts'
import { realServers } from '../support/real-servers.ts'
import { describeFinding, Duel, runCampaign } from './campaign.ts'
import type { Program } from './program.ts'
import { startEmbedded, startReal, type Target } from './targets.ts'

/** What the embedded server stands for; older ones differ in what `docs/differences.md` says of them. */
const oldest = '3.9.5'
const fixedSeed = 3_9_5
const programs = 100

interface Regression {
  /** What differed. */
  readonly why: string
  readonly program: Program
}

const folder = join(import.meta.dirname, 'regressions')
const regressions = readdirSync(folder)
  .toSorted()
  .map((name) => ({ name, ...(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Regression) }))

const real = realServers().find(({ version, classpath }) => classpath !== null && compareVersions(version, oldest) >= 0)

// The title says why: without such a server there is nothing to compare with.
describe.skipIf(real === undefined)(
  `side by side with a real ZooKeeper (not run without one of at least ${oldest})`,
  () => {
    let left: Target
    let right: Target

    beforeAll(async () => {
      left = await startReal({ version: real!.version, classpath: real!.classpath! })
      right = await startEmbedded()
    })

    afterAll(async () => {
      await left?.[Symbol.asyncDispose]()
      await right?.[Symbol.asyncDispose]()
    })

    const campaign = async (seed: number): Promise<void> => {
      console.log(`differential: ${programs} programs of seed ${seed}`)
      const outcome = await runCampaign({ left, right, seed, count: programs, shrinkBudget: 300 })
      console.log(`differential: ${outcome.operations} operations of seed ${seed}`)
      expect(outcome.findings.map((finding) => describeFinding(finding, left.name, right.name))).toEqual([])
      expect(outcome.programs).toBe(programs)
    }

    it('does not differ in random programs of the fixed seed', { timeout: 300_000 }, () => campaign(fixedSeed))

    it('does not differ in random programs of a fresh seed', { timeout: 300_000 }, () =>
      campaign(Math.floor(Math.random() * 0x1_0000_0000)),
    )

    it.each(regressions)('$name: $why', async ({ program }) => {
      expect(await new Duel(left, right).fight(program)).toBeNull()
    })
  },
)
