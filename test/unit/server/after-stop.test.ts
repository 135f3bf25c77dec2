import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it, vi } from 'vitest'

import { KazooClient } from '../../../src/index.ts'
import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'
import type { Runtime, Socket, SocketHandler } from '../../../src/runtime/runtime.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { deleted } from '../../support/deleted.ts'
import { RawClient } from '../../support/raw-client.ts'
import { simulate } from '../../support/simulate.ts'

const options = { host: '0.0.0.0', port: 2181, tickTime: 1_000, dataDir: '/data' } as const

describe('a server that has stopped', () => {
  it('changes nothing in a directory that is another server’s by now', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('server')
      const stopped = await new EmbeddedServer({ ...options, runtime }).start()
      const client = { hosts: 'server:2181', sessionTimeout: 6_000 }
      const gone = await new KazooClient({ ...client, runtime: sim.runtime('gone') }).start()
      await gone.create('/e', '', { ephemeral: true })
      const id = gone.session!.id
      stopped.faults.pause()
      await stopped.stop()
      sim.kill('gone')

      const onFailure = vi.fn<(error: Error) => void>()
      const server = await new EmbeddedServer({ ...options, runtime, onFailure }).start()
      const zk = await new KazooClient({ ...client, runtime: sim.runtime('client') }).start()
      expect(stopped.expireSession(id)).toBe(false)
      expect(stopped.faults.expireSession(id)).toBe(false)
      expect(stopped.dropConnections()).toBe(0)
      expect(() => stopped.faults.setReadOnly(true)).toThrow('not started')
      stopped.faults.clear()
      const files = sim.disk('server').list()
      // The session's time goes by on the server that is there, and on no other.
      await sim.sleep(5_000)
      expect(await zk.exists('/e')).not.toBeNull()
      await deleted(zk, '/e')
      expect(sim.disk('server').list()).toEqual(files)
      expect(onFailure).not.toHaveBeenCalled()
      await zk.stop()
      await server.stop()
    }))

  it('leaves no timer behind, whatever was held back', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('server')
      const timers = new Set<object>()
      const setTimer = runtime.setTimer.bind(runtime)
      vi.spyOn(runtime, 'setTimer').mockImplementation((delay, callback) => {
        const timer = setTimer(delay, () => {
          timers.delete(own)
          callback()
        })
        const own = {
          cancel: () => {
            timers.delete(own)
            timer.cancel()
          },
        }
        timers.add(own)
        return own
      })
      const server = await new EmbeddedServer({ ...options, runtime }).start()
      const zk = await new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') }).start()
      server.faults.delay(10_000)
      const before = timers.size
      zk.exists('/').catch(() => {})
      await sim.until(() => timers.size > before)
      sim.kill('client')
      server.faults.pause()
      await server.stop()
      await sim.until(() => server.connectionCount === 0)
      server.faults.clear()
      expect(timers.size).toBe(0)
    }))

  it('takes nobody in who was on the way', async () => {
    let accept = (_: Socket): SocketHandler => ({ received: () => {}, closed: () => {} })
    const runtime: Runtime = {
      ...nodeRuntime,
      listen: (listening, accepting) => {
        accept = accepting
        return nodeRuntime.listen(listening, accepting)
      },
    }
    const server = await new EmbeddedServer({ runtime }).start()
    await server.stop()
    const destroy = vi.fn<() => void>()
    accept({ destroy, pause: () => {} } as unknown as Socket)
    expect(destroy).toHaveBeenCalledOnce()
    expect(server.connectionCount).toBe(0)
  })

  it('has let go of those who came before its second port failed', async () => {
    const fixture = (name: string): Buffer =>
      readFileSync(fileURLToPath(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url)))
    let port = 0
    let client: RawClient | null = null
    const runtime: Runtime = {
      ...nodeRuntime,
      listen: async (listening, accept) => {
        if (port > 0) {
          client = await RawClient.connect({ port })
          throw new Error('no second port')
        }
        const listener = await nodeRuntime.listen(listening, accept)
        port = listener.port
        return listener
      },
    }
    const tls = { key: fixture('server-key'), cert: fixture('server') }
    await expect(new EmbeddedServer({ runtime, tls, securePort: 0 }).start()).rejects.toThrow('no second port')
    expect(client!.response).not.toBeNull()
    await client!.closed
  })
})
