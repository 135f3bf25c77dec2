import { parseArgs } from 'node:util'

import { runCampaign } from './campaign.ts'
import { startEmbedded } from './embedded-target.ts'
import { startReal } from './real-target.ts'

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '50' },
    seed: { type: 'string' },
    first: { type: 'string', default: '0' },
    on: { type: 'string', default: 'embedded' },
    only: { type: 'string', multiple: true },
    version: { type: 'string' },
  },
})
const seed = values.seed === undefined ? Math.floor(Math.random() * 0x1_0000_0000) : Number(values.seed)
if (values.on !== 'real' && values.on !== 'embedded') throw new RangeError('--on must be real or embedded')
const start = (): ReturnType<typeof startReal> =>
  values.on === 'embedded'
    ? startEmbedded()
    : startReal(values.version === undefined ? {} : { version: values.version })
await using target = await start()
console.log(`faults: ${target.name}, ${values.trials} trials of each, --seed ${seed}`)
const started = performance.now()
const outcomes = await runCampaign({
  target,
  seed,
  trials: Number(values.trials),
  first: Number(values.first),
  ...(values.only === undefined ? {} : { only: values.only }),
  failed: (fault, trial, problems) => {
    console.log(`${fault}: trial ${trial} failed (--only ${fault} --seed ${seed} --first ${trial} --trials 1)`)
    for (const problem of problems.slice(0, 10)) console.log(`  ${problem}`)
  },
  progress: ({ fault, trials, failures, counts, seconds }) => {
    const counted = [...counts].map(([what, count]) => `${count} ${what}`).join(', ')
    console.log(`${fault}: ${trials} trials, ${failures.length} failures (${counted}), ${seconds.toFixed(1)} s`)
  },
})
const failures = outcomes.reduce((sum, outcome) => sum + outcome.failures.length, 0)
const trials = outcomes.reduce((sum, outcome) => sum + outcome.trials, 0)
const minutes = ((performance.now() - started) / 60_000).toFixed(1)
console.log(`${target.name}: ${trials} trials, ${failures} failures, seed ${seed}, ${minutes} min`)
if (failures > 0) process.exitCode = 1
