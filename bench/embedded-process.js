// @ts-check
/** The embedded server in a process that tells how long it took to start and, when asked, what it holds in memory. */
import { performance } from 'node:perf_hooks'

import { EmbeddedServer } from 'kazoo-ts/server'

const start = performance.now()
const server = await new EmbeddedServer().start()
process.send?.({ hosts: server.hosts, elapsed: performance.now() - start })
process.on('message', () => {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  process.send?.(heapUsed + external)
})
process.on('disconnect', () => process.exit())
