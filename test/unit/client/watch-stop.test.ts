import { describe, expect, it } from 'vitest'

import { ConnectionClosedError, KazooClient } from '../../../src/index.ts'
import { Simulation } from '../../../src/testing/index.ts'
import { ScriptedServer, someStat, type ScriptedConnection } from '../../support/scripted-server.ts'

const release = 'Zookeeper version: 3.9.5-x\nMode: standalone\n'

interface World {
  readonly sim: Simulation
  readonly server: ScriptedServer
  readonly client: KazooClient
  readonly connection: ScriptedConnection
}

async function world(script: (world: World) => Promise<void>): Promise<void> {
  const sim = new Simulation({ fragmentation: 0 })
  await sim.run(async () => {
    const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
    server.words.set('srvr', release)
    const client = new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client'), sessionTimeout: 6_000 })
    const starting = client.start()
    const connection = await server.next()
    await connection.accept()
    await starting
    await script({ sim, server, client, connection })
    await server.stop()
    await client.stop()
  })
}

/** `srvr` is taken, and not answered. */
function silence(server: ScriptedServer): void {
  server.words.delete('srvr')
  server.words.set('ruok', 'imok')
}

async function armed({ client, connection }: World) {
  const watching = client.watch('/a')
  connection.answer(await connection.expect('addWatch'), 'addWatch', { err: 0 })
  return watching
}

/** The next connection, in a new session. */
async function newSession({ server, connection }: World): Promise<ScriptedConnection> {
  connection.socket.destroy()
  await (await server.next()).refuse()
  const next = await server.next()
  await next.accept({ sessionId: 0x2_0000n })
  return next
}

async function answerExists(connection: ScriptedConnection): Promise<void> {
  connection.answer(await connection.expect('exists'), 'exists', { stat: someStat })
}

describe('a watch that is stopped', () => {
  it('does not come back when a new session was about to set it again', () =>
    world(async (it) => {
      const { sim, server, client } = it
      const watch = await armed(it)
      silence(server)
      const connection = await newSession(it)
      await sim.until(() => server.asked.length === 2)
      await watch.stop()
      // Whatever the version would have led to comes before this.
      await new Promise<void>((resolve) => sim.runtime('client').setTimer(2_500, resolve))
      const reading = client.exists('/b')
      await answerExists(connection)
      await reading
      server.words.set('srvr', release)
      connection.socket.destroy()
      const next = await server.next()
      await next.accept({ sessionId: 0x2_0000n })
      const again = client.exists('/b')
      await answerExists(next)
      await again
    }))

  it('is removed where its request was on its way, and the answer does not bring it back', () =>
    world(async (it) => {
      const { server, client } = it
      const watch = await armed(it)
      const connection = await newSession(it)
      const add = await connection.expect('addWatch')
      const stopping = watch.stop()
      const remove = await connection.expect('removeWatches')
      connection.answer(add, 'addWatch', { err: 0 })
      connection.answer(remove, 'removeWatches', undefined)
      await stopping
      connection.socket.destroy()
      const next = await server.next()
      await next.accept({ sessionId: 0x2_0000n })
      const reading = client.exists('/b')
      await answerExists(next)
      await reading
    }))

  it('waits for no server', () =>
    world(async (it) => {
      const { sim, client, connection } = it
      const watch = await armed(it)
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      await watch.stop()
      expect(client.state).toBe('SUSPENDED')
    }))

  it('while it asks for the version, waits no longer than its connection', () =>
    world(async (it) => {
      const { sim, server, client, connection } = it
      const watch = await armed(it)
      silence(server)
      connection.socket.destroy()
      const next = await server.next()
      await next.accept()
      await next.expect('setWatches2')
      const stopping = watch.stop()
      await sim.until(() => server.asked.length === 2)
      await server.stop()
      await stopping
      expect(client.state).toBe('SUSPENDED')
    }))

  it('leaves reads that wait for a connection their watch', () =>
    world(async (it) => {
      const { sim, server, client, connection } = it
      const watch = await armed(it)
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const reading = client.exists('/a', { watch: () => {} })
      await watch.stop()
      const next = await server.next()
      await next.accept()
      await answerExists(next)
      await reading
      await answerExists(next)
      const restored = await next.expect('setWatches')
      expect(restored.values.dataWatches).toEqual(['/a'])
    }))

  it('leaves one alone that was set on the path meanwhile', () =>
    world(async (it) => {
      const { server, client, connection } = it
      const first = await armed(it)
      connection.socket.destroy()
      const next = await server.next()
      await next.accept()
      await next.expect('setWatches2')
      const stopping = first.stop()
      const watching = client.watch('/a')
      const received: (string | undefined)[] = []
      for (;;) {
        const request = await next.request()
        received.push(request.op)
        if (request.op === 'removeWatches') next.answer(request, 'removeWatches', undefined)
        if (request.op !== 'addWatch') continue
        next.answer(request, 'addWatch', { err: 0 })
        break
      }
      await Promise.all([stopping, watching])
      expect(received).toEqual(['addWatch'])
      // One question for both: no answer can overtake the other.
      expect(server.asked).toEqual(['srvr', 'srvr'])
    }))
})

describe('a watch that is given up before it is there', () => {
  it('is removed from the server', () =>
    world(async ({ sim, client, connection }) => {
      const abort = new AbortController()
      const watching = client.watch('/a', { signal: abort.signal }).catch((error: unknown) => String(error))
      const add = await connection.expect('addWatch')
      abort.abort(new Error('enough'))
      expect(await watching).toContain('enough')
      const remove = await connection.expect('removeWatches')
      connection.answer(add, 'addWatch', { err: 0 })
      connection.answer(remove, 'removeWatches', undefined)
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
    }))
})

describe('the version of a server', () => {
  it('is asked for once per connection, even where no answer comes', () =>
    world(async ({ sim, server, client, connection }) => {
      silence(server)
      const begun = sim.runtime('client').now()
      for (const path of ['/a', '/b']) {
        const watching = client.watch(path)
        connection.answer(await connection.expect('addWatch'), 'addWatch', { err: 0 })
        await watching
      }
      expect(server.asked).toEqual(['srvr'])
      expect(sim.runtime('client').now() - begun).toBeLessThan(2_200)
    }))

  it('is not asked for any more once the client was stopped', () =>
    world(async ({ sim, server, client, connection }) => {
      silence(server)
      const calling = client.whoAmI().catch((error: unknown) => error)
      await sim.until(() => sim.network.connections('client') === 2)
      const stopping = client.stop()
      expect(sim.network.connections('client')).toBe(1)
      expect(await calling).toBeInstanceOf(ConnectionClosedError)
      connection.answer(await connection.expect('closeSession'), 'closeSession', undefined)
      await stopping
    }))

  it('costs no more than the time of the call', () =>
    world(async ({ sim, server, client, connection }) => {
      silence(server)
      const begun = sim.runtime('client').now()
      await expect(client.watch('/a', { timeout: 1_000 })).rejects.toThrow('timed out')
      expect(sim.runtime('client').now() - begun).toBeCloseTo(1_000, 3)
      const whoAmI = client.whoAmI({ timeout: 1_500 }).catch((error: unknown) => String(error))
      await connection.expect('whoAmI')
      expect(await whoAmI).toContain('timed out')
      expect(sim.runtime('client').now() - begun).toBeCloseTo(2_500, 3)
    }))
})

describe('the configuration', () => {
  it('is read without a watch of its own where one that lasts tells of it', () =>
    world(async ({ client, connection }) => {
      const watching = client.watch('/zookeeper/config')
      connection.answer(await connection.expect('addWatch'), 'addWatch', { err: 0 })
      await watching
      const reading = client.getConfig({ watch: () => {} })
      const read = await connection.expect('getData')
      expect(read.values.watch).toBe(false)
      connection.answer(read, 'getData', { data: Buffer.alloc(0), stat: someStat })
      await reading
    }))
})
