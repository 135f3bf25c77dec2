import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { realServers } from '../support/real-servers.ts'
import { runCampaign } from './campaign.ts'
import { startEmbedded } from './embedded-target.ts'
import { faults } from './faults.ts'
import { startReal } from './real-target.ts'
import type { Target } from './target.ts'

/** Those that a real ensemble gets over in a few seconds; `npm run faults` tries all of them. */
const onReal: readonly string[] = [
  'leader-killed',
  'follower-cut-off',
  'member-paused-long',
  'reply-cut',
  'black-hole-first',
  'session-moved',
  'auth-changed',
  'event-loop-blocked',
]

const real = realServers().find(({ classpath }) => classpath !== null)

function tryOut(start: () => Promise<Target>, names: readonly string[], trials: number): void {
  let target: Target

  beforeAll(async () => {
    target = await start()
  })

  afterAll(async () => {
    await target?.[Symbol.asyncDispose]()
  })

  it.each(names)('are told the truth: %s', { timeout: 300_000 }, async (name) => {
    const seed = Math.floor(Math.random() * 0x1_0000_0000)
    console.log(`faults: ${trials} of ${name} on ${target.name}, seed ${seed}`)
    const [outcome] = await runCampaign({ target, seed, trials, only: [name] })
    expect(outcome?.failures).toEqual([])
    expect(outcome?.trials).toBe(trials)
  })
}

describe('clients of the embedded ensemble', () => {
  tryOut(
    startEmbedded,
    faults.map(({ name }) => name),
    2,
  )
})

// The title says why: without ZooKeeper's jars there is nothing to do it to.
describe.skipIf(real === undefined)('clients of a real ensemble (not run without one)', () => {
  tryOut(() => startReal({ version: real!.version, classpath: real!.classpath! }), onReal, 1)
})
