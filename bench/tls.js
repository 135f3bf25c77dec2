// @ts-check
/**
 * What TLS costs: pipelined `get` and `set` over TLS beside the same on a plain connection to the same server, in turns.
 * The servers are the embedded one and a real ZooKeeper, each in a process of its own.
 *
 * Usage: node bench/tls.js [ROUNDS]; the jars of a real ZooKeeper as for the tests.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

import { KazooClient } from 'kazoo-ts'
import { findZooKeepers, RealZooKeeper } from 'kazoo-ts/testing'

import { startServer } from './support/child.js'
import { pipeline } from './support/pipeline.js'
import { median, medianRatio } from './support/statistics.js'
import { table } from './support/table.js'
import { benchData, benchPath } from './support/wire.js'

const rounds = Number(process.argv[2] ?? 7)
const window = 1_000
/** Calls in a round. */
const count = 50_000
/** Rounds for the compilers of both sides. */
const warmUp = 2

/** @param {string} name */
const fixture = (name) => fileURLToPath(new URL(`../test/fixtures/tls/${name}`, import.meta.url))

const rows = [['', 'plain', 'TLS', 'TLS / plain', 'by processor time']]

/**
 * @param {string} name
 * @param {string} plainHosts
 * @param {string} secureHosts
 */
async function measure(name, plainHosts, secureHosts) {
  const ca = await readFile(fixture('ca.pem'))
  const plain = await new KazooClient({ hosts: plainHosts, sessionTimeout: 10_000 }).start()
  const secure = await new KazooClient({ hosts: secureHosts, sessionTimeout: 10_000, tls: { ca } }).start()
  try {
    await plain.create(benchPath, benchData)
    for (const op of /** @type {const} */ (['get', 'set'])) {
      /** @type {{ wall: number[], cpu: number[] }[]} */
      const measured = [
        { wall: [], cpu: [] },
        { wall: [], cpu: [] },
      ]
      for (let round = -warmUp; round < rounds; round++) {
        for (const [index, zk] of [plain, secure].entries()) {
          const { wall, cpu } = await time(() =>
            pipeline(count, window, op === 'get' ? () => zk.get(benchPath) : () => zk.set(benchPath, benchData)),
          )
          if (round < 0) continue
          measured[index]?.wall.push(wall)
          measured[index]?.cpu.push(cpu)
        }
      }
      const [plainly, securely] = measured
      if (plainly === undefined || securely === undefined) throw new Error('nothing was measured')
      rows.push([
        `${name}, ${op}, window ${window}, median of ${rounds}`,
        ...[plainly, securely].map(
          ({ wall }) => `${Math.round(count / (median(wall) / 1_000)).toLocaleString('en')}/s`,
        ),
        // Times above each other are rates the other way round.
        `${medianRatio(plainly.wall, securely.wall).toFixed(2)} x`,
        `${medianRatio(plainly.cpu, securely.cpu).toFixed(2)} x`,
      ])
    }
  } finally {
    await secure.stop()
    await plain.stop()
  }
}

/** Milliseconds on the clock, and of this process's processor. @param {() => Promise<void>} run */
async function time(run) {
  const before = process.cpuUsage()
  const start = performance.now()
  await run()
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  return { wall, cpu: (user + system) / 1_000 }
}

async function measureEmbedded() {
  const server = await startServer('tls-server.js', fixture('server.pem'), fixture('server-key.pem'))
  try {
    const hosts = `${server.host}:${server.port}`
    await measure('embedded server', hosts, hosts)
  } finally {
    await server.stop()
  }
}

async function measureReal() {
  const [found] = await findZooKeepers()
  if (found === undefined) {
    console.error('no Apache ZooKeeper found: see KAZOO_ZOOKEEPERS_DIR')
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'kazoo-bench-tls-'))
  const keyStore = join(folder, 'server.pem')
  const both = await Promise.all(['server-key.pem', 'server.pem'].map((name) => readFile(fixture(name), 'utf8')))
  await writeFile(keyStore, both.join('\n'))
  const zookeeper = new RealZooKeeper({
    version: found.version,
    classpath: found.classpath,
    secure: true,
    jvmFlags: ['-XX:TieredStopAtLevel=4', '-Xmx1g'],
    config: {
      'ssl.keyStore.location': keyStore,
      'ssl.keyStore.type': 'PEM',
      'ssl.trustStore.location': fixture('ca.pem'),
      'ssl.trustStore.type': 'PEM',
      'ssl.clientAuth': 'none',
      // TLS needs it; so it serves the plain port, too.
      serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
    },
  })
  try {
    await zookeeper.start()
    await measure(`ZooKeeper ${found.version}`, zookeeper.hosts, zookeeper.secureHosts)
  } finally {
    await zookeeper.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

await measureEmbedded()
await measureReal()
console.log(table(rows))
