// @ts-check
/**
 * What it costs the embedded server to keep what it acknowledges: writes with a data directory, beside a real ZooKeeper that
 * syncs its log on the same disk, in turns; and how long a million znodes take to load from a snapshot.
 *
 * Usage: node bench/durable.js [ZNODES]; the jars of a real ZooKeeper as for the tests.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'

import { KazooClient } from 'kazoo-ts'
import { EmbeddedServer } from 'kazoo-ts/server'
import { RealZooKeeper } from 'kazoo-ts/testing'

import { runScript, startServer } from './support/child.js'
import { pipeline } from './support/pipeline.js'
import { median } from './support/statistics.js'

const znodes = Number(process.argv[2] ?? 1_000_000)
const rounds = 3
const folder = await mkdtemp(join(tmpdir(), 'kazoo-bench-durable-'))

/** @param {string} hosts @param {string} op */
const load = (hosts, op) => runScript('bench/load.js', [hosts, op, '40000', '1000'])

async function measureWrites() {
  const embedded = await startServer('embedded-server.js', join(folder, 'writes'))
  const real = await new RealZooKeeper({
    jvmFlags: ['-Dzookeeper.forceSync=yes', '-XX:TieredStopAtLevel=4', '-Xmx2g'],
  }).start()
  for (const op of ['set', 'create']) {
    /** @type {number[]} */
    const ours = []
    /** @type {number[]} */
    const theirs = []
    for (let round = 0; round < rounds; round++) {
      ours.push((await load(`${embedded.host}:${embedded.port}`, op)).ops_s)
      theirs.push((await load(real.hosts, op)).ops_s)
    }
    const ratio = median(ours.map((rate, index) => rate / (theirs[index] ?? 1)))
    console.log(
      `durable ${op}, window 1,000, median of ${rounds}: ${Math.round(median(ours))}/s, ` +
        `ZooKeeper ${real.version} ${Math.round(median(theirs))}/s, ratio ${ratio.toFixed(2)} (at least 1)`,
    )
  }
  await real.stop()
  await embedded.stop()
}

/** Replays the log, and writes until there is a snapshot of it all. @param {string} dataDir */
async function leaveSnapshot(dataDir) {
  const server = await new EmbeddedServer({ dataDir, snapCount: 1_000 }).start()
  const zk = await new KazooClient({ hosts: server.hosts, sessionTimeout: 30_000 }).start()
  const before = await snapshots(dataDir)
  while ((await snapshots(dataDir)) === before) await zk.set('/', '')
  await zk.stop()
  await server.stop()
}

/** The newest snapshot, by its name. @param {string} dataDir */
async function snapshots(dataDir) {
  const names = await readdir(join(dataDir, 'version-2'))
  return names.filter((name) => /^snapshot\.[0-9a-f]+$/.test(name)).reduce((a, b) => (order(a) > order(b) ? a : b), '')
}

/** @param {string} name */
const order = (name) => Number.parseInt(name.slice('snapshot.'.length) || '-1', 16)

async function measureLoad() {
  const dataDir = join(folder, 'load')
  const data = Buffer.alloc(100, 'x')
  const writer = await new EmbeddedServer({ dataDir, snapCount: 10_000_000 }).start()
  const zk = await new KazooClient({ hosts: writer.hosts, sessionTimeout: 30_000 }).start()
  for (let i = 0; i < 1_000; i++) await zk.create(`/d${i}`)
  await pipeline(znodes, 1_000, (index) => zk.create(`/d${index % 1_000}/n${index}`, data))
  await zk.stop()
  await writer.stop()
  await leaveSnapshot(dataDir)
  const before = performance.now()
  const server = await new EmbeddedServer({ dataDir }).start()
  const seconds = (performance.now() - before) / 1_000
  const reader = await new KazooClient({ hosts: server.hosts }).start()
  const found = await reader.getAllChildrenNumber('/')
  await reader.stop()
  await server.stop()
  console.log(`${found} znodes of 100 bytes loaded in ${seconds.toFixed(1)} s (at most 5 for a million)`)
}

try {
  await measureWrites()
  await measureLoad()
} finally {
  await rm(folder, { recursive: true, force: true })
}
