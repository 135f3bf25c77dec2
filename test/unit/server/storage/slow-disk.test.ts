import { describe, expect, it, vi } from 'vitest'

import { KazooClient } from '../../../../src/index.ts'
import { Database } from '../../../../src/server/database.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { standalone } from '../../../../src/server/membership.ts'
import { DataDirectory } from '../../../../src/server/storage/data-directory.ts'
import { simulate } from '../../../support/simulate.ts'

describe('a server whose disk is slower than its clients', () => {
  it('handles no more of what they ask than the disk can be behind, and goes on when it has caught up', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('server')
      let blocked: Promise<void> | null = null
      const open = runtime.files.open.bind(runtime.files)
      vi.spyOn(runtime.files, 'open').mockImplementation(async (path, options) => {
        const file = await open(path, options)
        return {
          ...file,
          sync: async () => {
            await blocked
            await file.sync()
          },
        }
      })
      const fail = (error: Error): void => {
        throw error
      }
      const storage = new DataDirectory({ runtime, dataDir: '/data', maxPending: 20_000, onFailure: fail })
      const state = await storage.load()
      const server = await new EmbeddedServer(
        { host: '0.0.0.0', port: 2181, runtime },
        (settings) => new Database(settings, standalone, undefined, { storage, state }),
      ).start()
      const clients = await Promise.all(
        ['one', 'two'].map((name) => new KazooClient({ hosts: 'server:2181', runtime: sim.runtime(name) }).start()),
      )
      let unblock = (): void => {}
      blocked = new Promise((resolve) => (unblock = resolve))
      const writes = clients.flatMap((zk, client) =>
        Array.from({ length: 200 }, (_, index) => zk.create(`/n${client}-${index}`, 'x'.repeat(1000))),
      )
      await sim.until(() => storage.isFull)
      await sim.sleep(1000)
      // What was handled is in the tree already: 20 kB and one more.
      const handled = state.tree.find('/')!.numChildren - 1
      expect(handled).toBeGreaterThan(10)
      expect(handled).toBeLessThan(25)
      unblock()
      blocked = null
      expect(await Promise.all(writes)).toHaveLength(400)
      expect(storage.isFull).toBe(false)
      for (const zk of clients) await zk.stop()
      await server.stop()
    }))
})
