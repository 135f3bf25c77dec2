import { parseArgs } from 'node:util'

import { describeFinding, runCampaign } from './campaign.ts'
import { startEmbedded, startReal } from './targets.ts'

const { values } = parseArgs({
  options: {
    programs: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    first: { type: 'string', default: '0' },
    differences: { type: 'string', default: '1' },
    version: { type: 'string' },
  },
})
const count = Number(values.programs)
const seed = values.seed === undefined ? Math.floor(Math.random() * 0x1_0000_0000) : Number(values.seed)

await using left = await startReal(values.version === undefined ? {} : { version: values.version })
await using right = await startEmbedded()
console.log(`differential: ${left.name} and the embedded server, ${count} programs, --seed ${seed}`)
const started = Date.now()
let told = started
const outcome = await runCampaign({
  left,
  right,
  seed,
  first: Number(values.first),
  count,
  most: Number(values.differences),
  found: (finding) => console.log(describeFinding(finding, left.name, right.name)),
  progress: (programs, operations, findings) => {
    if (Date.now() - told < 10_000) return
    told = Date.now()
    console.log(`  ${programs} programs, ${operations} operations, ${findings} differences`)
  },
})
const { programs, operations, findings } = outcome
const seconds = Math.round((Date.now() - started) / 1_000)
console.log(
  `${programs} programs, ${operations} operations, ${findings.length} differences, seed ${seed}, ${seconds} s`,
)
if (findings.length > 0) process.exitCode = 1
