// @ts-check
/**
 * Pipelined and one-at-a-time `get` against the stub server: the bare socket, the floor, kazoo-ts and
 * node-zookeeper-client, each in its own process, in turns, for several rounds.
 *
 * Usage: throughput.js [ROUNDS [CONTENDER…]]; prints a JSON document.
 */
import { startContender, startServer } from './support/child.js'
import { median, medianRatio } from './support/statistics.js'

const window = 1000
/** Calls in a round: enough for a few tenths of a second. */
const counts = new Map([
  ['bare', { pipelined: 1_000_000, single: 2_000 }],
  ['floor', { pipelined: 300_000, single: 2_000 }],
  ['kazoo-ts', { pipelined: 300_000, single: 2_000 }],
  ['node-zookeeper-client', { pipelined: 10_000, single: 1_000 }],
])

const rounds = Number(process.argv[2] ?? 7)
const names = process.argv.length > 3 ? process.argv.slice(3) : [...counts.keys()]
const server = await startServer('stub-server.js')
const contenders = await Promise.all(names.map((name) => startContender(name, server)))

/**
 * @param {'pipelined' | 'single'} mode
 * @param {number} rounds
 */
async function measure(mode, rounds) {
  /** @type {Record<string, { wall: number[], cpu: number[] }>} */
  const measured = Object.fromEntries(names.map((name) => [name, { wall: [], cpu: [] }]))
  // The first two rounds are for the compiler.
  for (let round = -2; round < rounds; round++) {
    for (const contender of contenders) {
      const count = counts.get(contender.module)?.[mode] ?? 0
      const { wall, cpu } = await contender.run({ count, window: mode === 'single' ? 1 : window })
      if (round < 0) continue
      measured[contender.module]?.wall.push(wall)
      measured[contender.module]?.cpu.push(cpu)
    }
  }
  return measured
}

/** @param {Record<string, { wall: number[], cpu: number[] }>} measured */
function summary(measured) {
  const own = measured['kazoo-ts']?.wall
  return Object.fromEntries(
    Object.entries(measured).map(([name, { wall, cpu }]) => [
      name,
      {
        us: median(wall),
        ops_s: 1e6 / median(wall),
        cpu_us: median(cpu),
        // How fast kazoo-ts is beside it: above 1 is faster.
        ratio: own === undefined ? undefined : medianRatio(wall, own),
        cpu_ratio: own === undefined ? undefined : medianRatio(cpu, measured['kazoo-ts']?.cpu ?? []),
      },
    ]),
  )
}

try {
  const pipelined = summary(await measure('pipelined', rounds))
  const single = summary(await measure('single', rounds * 3))
  console.log(JSON.stringify({ rounds, window, pipelined, single }))
} finally {
  await Promise.all(contenders.map((contender) => contender.stop()))
  await server.stop()
}
