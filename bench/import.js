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

/** @param {string} source */
function time(source) {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { cwd: root })
  if (status !== 0) throw new Error(String(stderr))
  return performance.now() - start
}

const processes = Number(process.argv[2] ?? 15)
/** @type {number[]} */
const bare = []
/** @type {number[]} */
const importing = []
for (let round = -1; round < processes; round++) {
  const pair = [time(''), time("import 'kazoo-ts'")]
  // The first pair fills the file system's cache.
  if (round < 0) continue
  bare.push(Number(pair[0]))
  importing.push(Number(pair[1]))
}
const start = median(bare)
console.log(
  JSON.stringify({ processes, node_ms: start, with_import_ms: median(importing), ms: median(importing) - start }),
)
