import { parseArgs } from 'node:util'

import { fuzz } from './fuzz.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    first: { type: 'string', default: '0' },
  },
})
const seed = values.seed === undefined ? Math.floor(Math.random() * 0x1_0000_0000) : Number(values.seed)
console.log(`fuzz: ${values.inputs} inputs for the embedded server, --seed ${seed}`)
const started = Date.now()
let told = started
const { inputs, bytes, answers, growth, connections } = await fuzz({
  seed,
  first: Number(values.first),
  count: Number(values.inputs),
  progress: (done) => {
    if (Date.now() - told < 10_000) return
    told = Date.now()
    console.log(`  ${done} inputs`)
  },
})
const memory = growth === null ? 'not measured (node --expose-gc)' : `${(growth / 1_048_576).toFixed(1)} MiB more`
console.log(
  `${inputs} inputs, ${bytes} bytes, ${answers} answers, ${connections} connections left, memory ${memory}, ` +
    `seed ${seed}, ${Math.round((Date.now() - started) / 1_000)} s`,
)
