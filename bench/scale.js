// @ts-check
/**
 * How the embedded server's cost grows: from 1,000 to 1,000,000 znodes, and from 1 to 1,000 sessions. Prints a row for each
 * size with the server's processor time per operation, which on a busy machine says more than the clock.
 *
 * Usage: node bench/scale.js [MOST_ZNODES]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { KazooClient } from 'kazoo-ts'

import { pipeline } from './support/pipeline.js'

const most = Number(process.argv[2] ?? 1_000_000)
const child = fork(fileURLToPath(new URL('metered-server.js', import.meta.url)))
const [{ hosts }] = await once(child, 'message')

/** Microseconds of processor time that the server has used. */
async function used() {
  child.send('usage')
  const [microseconds] = await once(child, 'message')
  return /** @type {number} */ (microseconds)
}

/**
 * @param {string} what
 * @param {number} size
 * @param {number} count
 * @param {(index: number) => Promise<unknown>} call
 * @param {number} window
 */
async function measure(what, size, count, call, window = 1_000) {
  const before = await used()
  await pipeline(count, window, call)
  const perOperation = ((await used()) - before) / count
  console.log(`${what.padEnd(28)} ${String(size).padStart(9)}  ${perOperation.toFixed(2).padStart(7)} µs`)
}

console.log(`${'operation'.padEnd(28)} ${'size'.padStart(9)}  server CPU per operation`)
const zk = await new KazooClient({ hosts, sessionTimeout: 30_000 }).start()
const data = Buffer.alloc(100, 'x')
/** @param {number} index */
const path = (index) => `/scale/${index % 1_000}/n${index}`
await zk.ensurePath('/scale')
await pipeline(1_000, 1_000, (index) => zk.create(`/scale/${index}`))
let made = 0
for (let size = 1_000; size <= most; size *= 10) {
  const from = made
  await measure('create, up to so many znodes', size, size - from, (index) => zk.create(path(from + index), data))
  made = size
  const step = 7_919
  await measure('get, among so many znodes', size, 50_000, (index) => zk.get(path((index * step) % size)))
  await measure('set, among so many znodes', size, 50_000, (index) => zk.set(path((index * step) % size), data))
}

for (const size of [1, 10, 100, 1_000]) {
  const clients = await Promise.all(
    Array.from({ length: size }, () => new KazooClient({ hosts, sessionTimeout: 30_000 }).start()),
  )
  await measure('get, from so many sessions', size, 100_000, async (index) => clients[index % size]?.get('/scale'))
  await Promise.all(clients.map((client) => client.stop()))
}
await zk.stop()
child.disconnect()
