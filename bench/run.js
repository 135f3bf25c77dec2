// @ts-check
/**
 * All figures in one table, each beside what is required of it. A measurement, not a test: it ends with exit code 0
 * whatever the figures are.
 *
 * Usage: npm run bench
 */
import { cpus, release, totalmem, type } from 'node:os'

import { runScript } from './support/child.js'
import { table } from './support/table.js'

/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')
/** @param {number} value */
const times = (value) => `${value.toFixed(2)} x`

/** @type {string[][]} */
const rows = [['figure', 'measured', 'required', '']]

/**
 * @param {string} figure
 * @param {string} measured
 * @param {string} [required]
 * @param {boolean} [met]
 */
function row(figure, measured, required = '', met) {
  rows.push([figure, measured, required, met === undefined ? '' : met ? 'met' : 'NOT MET'])
}

/**
 * A part that fails is a line of the table, and no reason to lose the others.
 *
 * @param {string} name
 * @param {() => Promise<void>} run
 */
async function part(name, run) {
  console.error(`${name} …`)
  try {
    await run()
  } catch (error) {
    console.error(error)
    row(name, 'failed', '', false)
  }
}

await part('pipelined and one at a time', async () => {
  const { pipelined, single, window, rounds } = await runScript('bench/throughput.js')
  for (const [name, { ops_s, cpu_us }] of Object.entries(pipelined)) {
    row(`get, window ${whole(window)}, median of ${rounds}: ${name}`, `${whole(ops_s)}/s, ${cpu_us.toFixed(2)} µs CPU`)
  }
  const floor = pipelined.floor.ratio
  row('  kazoo-ts / floor', times(floor), '≥ 0.4 x (aim 0.8)', floor >= 0.4)
  row('  kazoo-ts / floor, by processor time', times(pipelined.floor.cpu_ratio))
  const peer = pipelined['node-zookeeper-client'].ratio
  row('  kazoo-ts / node-zookeeper-client', times(peer), '≥ 15 x', peer >= 15)
  for (const [name, { us }] of Object.entries(single)) row(`get, one at a time: ${name}`, `${us.toFixed(1)} µs`)
  const latency = 1 / single.bare.ratio
  row('  kazoo-ts / bare socket', times(latency), '≤ 1.25 x', latency <= 1.25)
})

await part('one-shot watches', async () => {
  const { count, server, shared_bytes, closure_bytes, rearm_ms } = await runScript(
    'bench/watches.js',
    [],
    ['--expose-gc'],
  )
  const name = `${whole(count)} one-shot watches`
  row(`${name}, heap of each, one function`, `${whole(shared_bytes)} bytes`, '≤ 300', shared_bytes <= 300)
  row(`${name}, heap of each, a closure each`, `${whole(closure_bytes)} bytes`, '≤ 300', closure_bytes <= 300)
  row(`${name}, cut to armed again (${server} server)`, `${whole(rearm_ms)} ms`, '< 2,000', rearm_ms < 2000)
})

await part("import 'kazoo-ts'", async () => {
  const { ms, cpu_ms, node_ms, processes } = await runScript('bench/import.js')
  const figure = `import 'kazoo-ts', median of ${processes}, less Node's start of ${whole(node_ms)} ms`
  row(figure, `${whole(ms)} ms`, '≤ 60', ms <= 60)
  row('  the same, processor time', `${whole(cpu_ms)} ms`)
})

await part('size', async () => {
  const [{ name, size, sizeLimit }] = await runScript('node_modules/size-limit/bin.js', ['--json'])
  row(name, `${(size / 1000).toFixed(1)} kB`, `≤ ${sizeLimit / 1000} kB`, size <= sizeLimit)
})

const processors = cpus()
const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
console.log(
  `${processors.length} x ${processors[0]?.model.trim()}, ${memory}, ${type()} ${release()}, Node ${process.version}`,
)
console.log(
  'Each contender has a process of its own, as has the stub server; rounds in turns; medians of rates and of ratios.',
)
console.log()
console.log(table(rows))
