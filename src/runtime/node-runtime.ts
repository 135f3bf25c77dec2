import { randomBytes, randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { performance } from 'node:perf_hooks'

import { nodeFiles } from './node-files.ts'
import { dialNode } from './node-sockets.ts'
import type { ResolvedAddress, Runtime } from './runtime.ts'

/** The real world, as Node offers it. */
export const nodeRuntime: Runtime = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  setTimer: (delay, callback) => {
    const timer = setTimeout(callback, delay)
    return { cancel: () => clearTimeout(timer) }
  },
  setImmediate: (callback) => {
    const immediate = setImmediate(callback)
    return { cancel: () => clearImmediate(immediate) }
  },
  // Runs once the microtask queue is empty: everything that one chunk of input led to is in by then.
  defer: (callback) => process.nextTick(callback),
  random: () => Math.random(),
  randomBytes: (size) => randomBytes(size),
  randomUuid: () => randomUUID(),
  resolve: async (host): Promise<ResolvedAddress[]> => {
    const family = isIP(host)
    if (family !== 0) return [{ address: host, family: family as 4 | 6 }]
    const found = await lookup(host, { all: true })
    return found.map((entry) => ({ address: entry.address, family: entry.family as 4 | 6 }))
  },
  dial: dialNode,
  // Loaded when wanted: a client never listens, and should not carry it.
  listen: async (options, accept) => (await import('./node-listener.ts')).listenNode(options, accept),
  files: nodeFiles,
}
