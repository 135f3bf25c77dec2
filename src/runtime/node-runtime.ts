import { randomBytes, randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { performance } from 'node:perf_hooks'

import { dialNode } from './node-sockets.ts'
import type { Files, ResolvedAddress, Runtime } from './runtime.ts'

/** Loaded when wanted, as what listens is: a client has no use for files. */
const load = async (): Promise<Files> => (await import('./node-files.ts')).nodeFiles

const files: Files = {
  readFile: async (path) => (await load()).readFile(path),
  writeFile: async (path, data) => (await load()).writeFile(path, data),
  makeDirectory: async (path) => (await load()).makeDirectory(path),
  makeTemporaryDirectory: async (prefix) => (await load()).makeTemporaryDirectory(prefix),
  list: async (path) => (await load()).list(path),
  exists: async (path) => (await load()).exists(path),
  rename: async (from, to) => (await load()).rename(from, to),
  remove: async (path) => (await load()).remove(path),
  append: async (path) => (await load()).append(path),
  open: async (path, options) => (await load()).open(path, options),
  syncDirectory: async (path) => (await load()).syncDirectory(path),
}

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
  files,
}
