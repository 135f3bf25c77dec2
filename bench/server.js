// @ts-check
/**
 * The embedded server: `kazoo server` beside a real standalone ZooKeeper under the same load in turns, and what it costs in
 * time and memory. A measurement, not a test.
 *
 * Usage: server.js [ROUNDS]
 *
 * The real one runs in memory (forceSync=no), compiled in full and with a heap of 2 GiB; without one, its figures are left
 * out. Prints one table.
 */
import { execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { KazooClient } from 'kazoo-ts'
import { RealZooKeeper } from 'kazoo-ts/testing'

import { runScript } from './support/child.js'
import { pipeline } from './support/pipeline.js'
import { median, medianRatio } from './support/statistics.js'
import { table } from './support/table.js'
import { benchData } from './support/wire.js'

const rounds = Number(process.argv[2] ?? 3)
const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const inProcess = fileURLToPath(new URL('embedded-process.js', import.meta.url))
const window = 1_000
const znodes = 1_000_000
const watchers = 10_000
/** Operations, how often each, and how many times a real server's rate is required. */
const loads = /** @type {const} */ ([
  ['get', 300_000, 10],
  ['exists', 300_000, 10],
  ['set', 150_000, 5],
  ['create', 100_000, 5],
])

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

/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')

/** `kazoo server` in a process of its own, and how long it took until it said that it is ready. */
async function startCli() {
  const start = performance.now()
  const child = spawn(process.execPath, [cli, 'server', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  const elapsed = performance.now() - start
  const hosts = String(line).trim().split(' ').at(-1) ?? ''
  const stop = async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return { hosts, elapsed, pid: child.pid, stop }
}

/** An embedded server in a process that tells of itself. */
async function startInProcess() {
  const child = fork(inProcess, { execArgv: ['--expose-gc'] })
  const [{ hosts, elapsed }] = await once(child, 'message')
  const memory = async () => {
    child.send('memory')
    const [bytes] = await once(child, 'message')
    return Number(bytes)
  }
  const stop = async () => {
    child.disconnect()
    await once(child, 'exit')
  }
  return { hosts, elapsed, memory, stop }
}

async function measureStart() {
  /** @type {number[]} */
  const started = []
  /** @type {number[]} */
  const typed = []
  for (let i = 0; i < 5; i++) {
    const server = await startInProcess()
    started.push(server.elapsed)
    await server.stop()
    const command = await startCli()
    typed.push(command.elapsed)
    await command.stop()
  }
  row('start() in process', `${median(started).toFixed(1)} ms`, '≤ 50 ms', median(started) <= 50)
  row('ready from `kazoo server` typed', `${whole(median(typed))} ms`, '≤ 250 ms', median(typed) <= 250)
}

async function measureIdle() {
  const server = await startCli()
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(server.pid)])
  await server.stop()
  const megabytes = Number(stdout) / 1024
  row('idle resident memory of `kazoo server`', `${megabytes.toFixed(1)} MB`, '≤ 80 MB', megabytes <= 80)
}

async function measureLoads() {
  const real = await startReal()
  const embedded = await startCli()
  try {
    for (const [op, count, required] of loads) {
      /** @type {number[]} */
      const ours = []
      /** @type {number[]} */
      const theirs = []
      // The first round warms both up.
      for (let round = 0; round <= rounds; round++) {
        const mine = await load(embedded.hosts, op, count)
        const its = real === null ? 0 : await load(real.hosts, op, Math.ceil(count / 4))
        if (round > 0) {
          ours.push(mine)
          theirs.push(its)
        }
      }
      row(`${op}, window ${whole(window)}, median of ${rounds}`, `${whole(median(ours))}/s`)
      if (real === null) continue
      const ratio = medianRatio(ours, theirs)
      row(`  ZooKeeper ${real.version}`, `${whole(median(theirs))}/s`)
      row('  ratio', `${ratio.toFixed(1)} x`, `≥ ${required} x`, ratio >= required)
    }
  } finally {
    await embedded.stop()
    await real?.stop()
  }
}

async function startReal() {
  const jvmFlags = ['-Xmx2g', '-XX:-UseSerialGC', '-XX:+UseG1GC', '-XX:TieredStopAtLevel=4']
  try {
    return await new RealZooKeeper({ jvmFlags, tickTime: 2_000 }).start()
  } catch (error) {
    console.error('no real ZooKeeper:', error)
    return null
  }
}

/**
 * @param {string} hosts
 * @param {string} op
 * @param {number} count
 * @returns {Promise<number>} calls in a second
 */
async function load(hosts, op, count) {
  return Number((await runScript('bench/load.js', [hosts, op, String(count), String(window)])).ops_s)
}

async function measureZnodes() {
  const server = await startInProcess()
  const zk = await new KazooClient({ hosts: server.hosts, sessionTimeout: 30_000 }).start()
  try {
    await zk.create('/znodes')
    const before = await server.memory()
    await pipeline(znodes, window, (index) => zk.create(`/znodes/n${String(index).padStart(8, '0')}`, benchData))
    const each = ((await server.memory()) - before) / znodes - benchData.length
    row(`${whole(znodes)} znodes: each, beyond its data`, `${whole(each)} bytes`, '≤ 450 bytes', each <= 450)
  } finally {
    await zk.stop()
    await server.stop()
  }
}

async function measureWatches() {
  const server = await startCli()
  try {
    for (const sessions of [100, 1_000, watchers]) {
      const each = watchers / sessions
      const { ms } = await runScript('bench/deliveries.js', [server.hosts, String(sessions), String(each)])
      const figure = `a write that triggers ${whole(watchers)} watches of ${whole(sessions)} sessions, delivered`
      row(figure, `${whole(ms)} ms`, '< 100 ms', ms < 100)
    }
  } finally {
    await server.stop()
  }
}

for (const part of [measureStart, measureIdle, measureLoads, measureZnodes, measureWatches]) {
  console.error(`${part.name} …`)
  try {
    await part()
  } catch (error) {
    console.error(error)
    row(part.name, 'failed', '', false)
  }
}
console.log(table(rows))
