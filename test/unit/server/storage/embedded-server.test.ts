import { describe, expect, it, vi } from 'vitest'

import { KazooClient } from '../../../../src/index.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { simulate } from '../../../support/simulate.ts'

const options = { host: '0.0.0.0', port: 2181, dataDir: '/data' } as const

describe('an embedded server with a data directory', () => {
  it('goes on after a crash with all that it acknowledged, sessions included', () =>
    simulate(async (sim) => {
      await new EmbeddedServer({ ...options, runtime: sim.runtime('server') }).start()
      const runtime = sim.runtime('client')
      const zk = await new KazooClient({ hosts: 'server:2181', runtime }).start()
      const id = zk.session?.id
      await zk.create('/mine', '', { ephemeral: true })
      const acknowledged: string[] = []
      const write = async (writer: number): Promise<void> => {
        for (let i = 0; i < 20; i++) acknowledged.push(await zk.create(`/n${writer}-${i}`))
      }
      const writing = Promise.allSettled([1, 2, 3, 4, 5].map(write))
      const enough = sim.random.integer(1, 60)
      await sim.until(() => acknowledged.length >= enough)
      sim.powerOff('server')
      await writing
      expect(acknowledged.length).toBeLessThan(100)
      await new EmbeddedServer({ ...options, runtime: sim.runtime('server') }).start()
      const children = await zk.retry(() => zk.getChildren('/'))
      for (const path of acknowledged) expect(children).toContain(path.slice(1))
      expect(children).toContain('mine')
      expect(zk.session?.id).toBe(id)
      await zk.stop()
    }))

  it('shows nobody what is not on disk', () =>
    simulate(async (sim) => {
      const server = await new EmbeddedServer({ ...options, runtime: sim.runtime('server') }).start()
      const writer = await new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('writer') }).start()
      const reader = await new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('reader') }).start()
      const seen: string[] = []
      await reader.exists('/a', { watch: () => seen.push(...onDisk()) })
      const onDisk = (): string[] => [String(sim.disk('server').read('/data/version-2/log.1')?.includes('/a'))]
      await writer.create('/a')
      expect(onDisk()).toEqual(['true'])
      expect((await reader.get('/a')).stat.version).toBe(0)
      expect(seen).toEqual(['true'])
      await server.stop()
    }))

  it('ends when the disk is full, and acknowledges nothing', () =>
    simulate(async (sim) => {
      const onFailure = vi.fn<(error: Error) => void>()
      const runtime = sim.runtime('server')
      // A log takes 4 MiB at a time.
      sim.disk('server').capacity = 1_000_000
      const server = await new EmbeddedServer({ ...options, runtime, onFailure }).start()
      const zk = new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') })
      await expect(zk.start({ timeout: 3000 })).rejects.toThrow(/3000|connect/)
      expect(onFailure).toHaveBeenCalledTimes(1)
      expect(onFailure.mock.calls[0]?.[0]).toMatchObject({ name: 'DataDirectoryError' })
      await server.stop()
      expect(server.connectionCount).toBe(0)
    }))

  it('ends when the disk is full, whatever the callback throws', () =>
    simulate(async (sim) => {
      const thrown = new Error('thrown by the callback')
      const uncaught: unknown[] = []
      const defer = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((callback) => {
        try {
          callback()
        } catch (error) {
          uncaught.push(error)
        }
      })
      try {
        sim.disk('server').capacity = 1_000_000
        const server = await new EmbeddedServer({
          ...options,
          runtime: sim.runtime('server'),
          onFailure: () => {
            throw thrown
          },
        }).start()
        const zk = new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') })
        await expect(zk.start({ timeout: 3000 })).rejects.toThrow(/3000|connect/)
        expect(uncaught).toEqual([thrown])
        expect(() => server.port).toThrow('not started')
        expect(server.connectionCount).toBe(0)
        // The end that has begun is over: the directory is free.
        await server.stop()
        sim.disk('server').capacity = Number.POSITIVE_INFINITY
        await server.start()
        await server.stop()
      } finally {
        defer.mockRestore()
      }
    }))

  it('tells what arises while it runs, as of its start, to whom it was told to', () =>
    simulate(async (sim) => {
      const notices: string[] = []
      const onNotice = (notice: string): void => void notices.push(notice)
      const runtime = sim.runtime('server')
      await (await new EmbeddedServer({ ...options, runtime }).start()).stop()
      sim.disk('server').write('/data/version-2/log.1', Buffer.from('ZK'))
      const server = await new EmbeddedServer({ ...options, runtime, onNotice, snapCount: 10 }).start()
      expect(notices).toEqual([expect.stringContaining('log.1: ends in an unfinished write')])
      const zk = await new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') }).start()
      const open = runtime.files.open.bind(runtime.files)
      vi.spyOn(runtime.files, 'open').mockImplementation(async (path, how) => {
        if (path.includes('unfinished.')) throw new Error('no room for it')
        return await open(path, how)
      })
      for (let i = 0; i < 10; i++) await zk.create(`/n${i}`)
      await sim.until(() => notices.length > 1)
      expect(notices[1]).toMatch(/no snapshot could be written: .*no room for it/)
      expect(server.notices).toEqual(notices)
      await zk.stop()
      await server.stop()
    }))

  it('starts again on the same directory, and says what it mended', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('server')
      const server = await new EmbeddedServer({ ...options, runtime }).start()
      await using zk = await new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') }).start()
      await zk.create('/a')
      await server.stop()
      const file = await runtime.files.append('/data/version-2/log.1')
      await file.write(Buffer.from('what was never finished'))
      await file.close()
      await server.start()
      expect(server.notices).toHaveLength(1)
      expect(await zk.exists('/a')).not.toBeNull()
      await zk.stop()
      await server.stop()
      sim.disk('server').write('/data/version-2/log.1', Buffer.from('something else entirely'))
      await expect(server.start()).rejects.toThrow('ZKLG')
    }))
})
