// @ts-check
/**
 * What 100,000 one-shot watches cost: bytes of heap each, with one function for all and with a closure for each; and how
 * long it takes, from the cut of the connection, until they are armed again and a request behind them is answered.
 *
 * The server is the embedded one. Where it does not start it is the stub, which says yes to everything.
 *
 * Usage: node --expose-gc watches.js [COUNT]; prints a JSON document.
 */
import { performance } from 'node:perf_hooks'

import { KazooClient } from 'kazoo-ts'

import { startServer } from './support/child.js'
import { pipeline } from './support/pipeline.js'
import { benchPath } from './support/wire.js'

const count = Number(process.argv[2] ?? 100_000)
const window = 1000

async function start() {
  try {
    return { name: 'embedded', ...(await startServer('embedded-server.js')) }
  } catch {
    return { name: 'stub', ...(await startServer('stub-server.js')) }
  }
}

async function heapUsed() {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('to be run with --expose-gc')
  // What is freed by one collection may let go of more.
  for (let i = 0; i < 4; i++) {
    gc()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  return process.memoryUsage().heapUsed
}

const server = await start()
const base = new KazooClient().runtime
/** @type {import('kazoo-ts').Socket | undefined} */
let socket
const runtime = {
  ...base,
  /** @type {typeof base.dial} */
  dial: (address, handler) => (socket = base.dial(address, handler)),
}

/** @param {number} index */
const pathOf = (index) => `${benchPath}-watched-${String(index).padStart(6, '0')}`

/**
 * Sets the watches; returns the client that has them and what they cost.
 *
 * @param {(index: number) => () => void} watchOf
 */
async function arm(watchOf) {
  const zk = await new KazooClient({ hosts: `${server.host}:${server.port}`, sessionTimeout: 30_000, runtime }).start()
  // So that what the first calls leave behind (compiled code, queues that have grown) is there already.
  await pipeline(50_000, window, () => zk.exists('/'))
  const before = await heapUsed()
  await pipeline(count, window, (index) => zk.exists(pathOf(index), { watch: watchOf(index) }))
  return { zk, bytes: ((await heapUsed()) - before) / count }
}

/** @param {KazooClient} zk */
async function cutAndRearm(zk) {
  const start = performance.now()
  const suspended = new Promise((resolve) => {
    zk.addListener(resolve)
  })
  socket?.destroy()
  await suspended
  // It waits for the connection, and is sent behind the watches.
  await zk.exists('/')
  return performance.now() - start
}

let called = 0
const shared = () => {
  called++
}
try {
  const first = await arm(() => shared)
  const rearm = await cutAndRearm(first.zk)
  if (server.name === 'embedded') {
    // They are armed indeed: the last one hears of a change, once.
    await first.zk.create(pathOf(count - 1))
    await first.zk.exists('/')
    if (called !== 1) throw new Error(`a watch was called ${called} times`)
  }
  await first.zk.stop()
  const second = await arm((index) => () => {
    called += index
  })
  await second.zk.stop()
  console.log(
    JSON.stringify({
      count,
      server: server.name,
      shared_bytes: first.bytes,
      closure_bytes: second.bytes,
      rearm_ms: rearm,
    }),
  )
} finally {
  await server.stop()
}
