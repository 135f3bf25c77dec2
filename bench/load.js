// @ts-check
/**
 * A load of one operation on any server.
 *
 * Usage: load.js HOST:PORT get|set|exists|create COUNT WINDOW
 *
 * Prints one line of JSON: `{ client, op, n, window, ops_s, cpu_us }`, where `cpu_us` is this process's processor time for
 * each operation. `get`, `set` and `exists` use `/bench`, which holds 100 bytes and is created if it is missing. `create`
 * makes children of a znode of its own, at most a million, and deletes them afterwards.
 */
import { performance } from 'node:perf_hooks'

import { KazooClient } from 'kazoo-ts'

import { pipeline } from './support/pipeline.js'
import { benchData, benchPath } from './support/wire.js'

const usage = 'usage: load.js HOST:PORT get|set|exists|create COUNT WINDOW'
const mostCreated = 1_000_000
/** Calls that are made before the clock starts, so that it is compiled code that is measured. */
const warmUp = 10_000

/** @param {string | undefined} text */
function positive(text) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new RangeError(usage)
  return value
}

/**
 * @param {number} count
 * @param {number} window
 * @param {(index: number) => Promise<unknown>} call
 */
async function measure(count, window, call) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await pipeline(count, window, call)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { ops_s: Math.round(count / seconds), cpu_us: Number(((user + system) / count).toFixed(3)) }
}

/**
 * @param {KazooClient} zk
 * @param {number} count
 * @param {number} window
 */
async function measureCreate(zk, count, window) {
  const parent = `${benchPath}-create-${process.pid}-${Date.now()}`
  /** @param {number} index */
  const child = (index) => `${parent}/${index}`
  await zk.create(parent)
  // Names before the measured ones, so that both may be told apart by their number.
  const before = Math.min(count, warmUp)
  let made = 0
  try {
    await pipeline(before, window, () => zk.create(child(made++), benchData))
    return await measure(count, window, () => zk.create(child(made++), benchData))
  } finally {
    // Whichever was not created after all, because a call failed, is not there to be deleted.
    await pipeline(made, 1000, (index) => zk.delete(child(index)).catch(() => {}))
    await zk.delete(parent)
  }
}

/**
 * @param {KazooClient} zk
 * @param {string} op
 * @returns {() => Promise<unknown>}
 */
function verb(zk, op) {
  switch (op) {
    case 'get':
      return () => zk.get(benchPath)
    case 'set':
      return () => zk.set(benchPath, benchData)
    case 'exists':
      return () => zk.exists(benchPath)
    default:
      throw new RangeError(usage)
  }
}

const [hosts, op = '', ...numbers] = process.argv.slice(2)
if (hosts === undefined || !['get', 'set', 'exists', 'create'].includes(op)) throw new RangeError(usage)
const n = positive(numbers[0])
const window = positive(numbers[1])
if (op === 'create' && n > mostCreated) throw new RangeError(`create: COUNT is at most ${mostCreated}`)

const zk = await new KazooClient({ hosts, sessionTimeout: 30_000 }).start()
try {
  /** @type {{ ops_s: number, cpu_us: number }} */
  let figures
  if (op === 'create') {
    figures = await measureCreate(zk, n, window)
  } else {
    if ((await zk.exists(benchPath)) === null) await zk.create(benchPath, benchData)
    if (op === 'get' && (await zk.get(benchPath)).data.length !== benchData.length) await zk.set(benchPath, benchData)
    const call = verb(zk, op)
    await pipeline(Math.min(n, warmUp), window, call)
    figures = await measure(n, window, call)
  }
  console.log(JSON.stringify({ client: 'kazoo-ts', op, n, window, ...figures }))
} finally {
  await zk.stop()
}
