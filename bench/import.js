// @ts-check
/**
 * How long `import 'kazoo-ts'` takes: fresh processes that import it and fresh ones that import nothing, in turns.
 *
 * Usage: import.js [PROCESSES]; prints a JSON document, times in milliseconds.
 */
import { spawnSync } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

import { median } from './support/statistics.js'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The time from start to end of a process that does no more than `statement`, and its processor time.
 *
 * @param {string} statement
 */
function time(statement) {
  const source = `${statement}; const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)`
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { cwd: root })
  if (status !== 0) throw new Error(String(stderr))
  return { wall: performance.now() - start, cpu: Number(stdout) }
}

const processes = Number(process.argv[2] ?? 15)
/** @type {ReturnType<typeof time>[]} */
const bare = []
/** @type {ReturnType<typeof time>[]} */
const importing = []
for (let round = -1; round < processes; round++) {
  const without = time('')
  const withImport = time("import 'kazoo-ts'")
  // The first two fill the file system's cache.
  if (round < 0) continue
  bare.push(without)
  importing.push(withImport)
}

/** @param {'wall' | 'cpu'} what */
const medians = (what) => [bare, importing].map((times) => median(times.map((each) => each[what])))
const [nodeMs = 0, importMs = 0] = medians('wall')
const [nodeCpu = 0, importCpu = 0] = medians('cpu')
console.log(JSON.stringify({ processes, node_ms: nodeMs, ms: importMs - nodeMs, cpu_ms: importCpu - nodeCpu }))
