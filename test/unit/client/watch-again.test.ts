import { describe, expect, it } from 'vitest'

import { KazooClient, NoAuthError, ThrottledOpError, type PersistentWatch } from '../../../src/index.ts'
import { eventTypes } from '../../../src/protocol/constants.ts'
import { Simulation } from '../../../src/testing/index.ts'
import { eventFrame, ScriptedServer, type ScriptedConnection } from '../../support/scripted-server.ts'

const throttled = ThrottledOpError.errno

interface World {
  readonly sim: Simulation
  readonly server: ScriptedServer
  readonly client: KazooClient
  readonly watch: PersistentWatch
  readonly events: string[]
  /** The connection that the watch was made on. */
  readonly connection: ScriptedConnection
}

/** A client with a watch that lasts. */
async function world(script: (world: World) => Promise<void>): Promise<void> {
  const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
  await sim.run(async () => {
    const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
    server.words.set('srvr', 'Zookeeper version: 3.9.5-x\nMode: standalone\n')
    const client = new KazooClient({ hosts: 'server', runtime: sim.runtime('client'), maxPending: 3 })
    const starting = client.start()
    const connection = await server.next()
    await connection.accept()
    await starting
    const events: string[] = []
    const watching = client.watch('/a', { listener: ({ type }) => void events.push(type) })
    connection.answer(await connection.expect('addWatch'), 'addWatch', { err: 0 })
    const watch = await watching
    await script({ sim, server, client, watch, events, connection })
    await server.stop()
    await client.stop()
  })
}

/** The next connection, in a new session, which knows nothing of the watch. */
async function newSession({ server, connection }: World): Promise<ScriptedConnection> {
  connection.socket.destroy()
  await (await server.next()).refuse()
  const next = await server.next()
  await next.accept({ sessionId: 0x2_0000n })
  return next
}

/** The next request that sets the watch: what takes it away before is passed over, for it is not there. */
async function addition(connection: ScriptedConnection): Promise<{ readonly xid: number }> {
  for (;;) {
    const request = await connection.next()
    if (request.op === 'addWatch') return request
    connection.fail(request, request.op === 'removeWatches' ? -121 : 0)
  }
}

describe('a watch that a new session could not set again', () => {
  it('is tried again on the same connection when the server was overloaded, and says RESYNC once it is set', () =>
    world(async (it) => {
      const { sim, events } = it
      const connection = await newSession(it)
      for (let i = 0; i < 3; i++) connection.fail(await addition(connection), throttled)
      const last = await addition(connection)
      expect(events).toEqual([])
      connection.answer(last, 'addWatch', { err: 0 })
      await sim.until(() => events.length === 1)
      connection.socket.write(eventFrame(eventTypes.dataChanged, '/a'))
      await sim.until(() => events.length === 2)
      expect(events).toEqual(['RESYNC', 'CHANGED'])
    }))

  it('is tried again when the client had too much to do', () =>
    world(async (it) => {
      const { sim, server, client, events } = it
      let busy: Promise<unknown>[] = []
      client.addListener((state) => {
        if (state === 'CONNECTED') busy = [1, 2, 3].map((i) => client.exists(`/${i}`))
      })
      const connection = await newSession(it)
      await sim.until(() => server.asked.length === 2)
      await sim.sleep(100)
      for (let i = 0; i < 3; i++) connection.fail(await connection.expect('exists'), -101)
      await Promise.all(busy)
      connection.answer(await addition(connection), 'addWatch', { err: 0 })
      await sim.until(() => events.length > 0)
      expect(events).toEqual(['RESYNC'])
    }))

  it('is left alone once it was stopped meanwhile', () =>
    world(async (it) => {
      const { sim, client, watch } = it
      const connection = await newSession(it)
      connection.fail(await addition(connection), throttled)
      connection.fail(await connection.expect('removeWatches'), -121)
      await watch.stop()
      await sim.sleep(1_500)
      const reading = client.exists('/b')
      connection.fail(await connection.expect('exists'), -101)
      await reading
    }))

  it('is set once by the next connection, not by the one before it, too', () =>
    world(async (it) => {
      const { sim, server, client, events } = it
      const connection = await newSession(it)
      connection.fail(await addition(connection), throttled)
      await connection.expect('removeWatches')
      connection.socket.destroy()
      const next = await server.next()
      await next.accept({ sessionId: 0x2_0000n })
      next.answer(await next.expect('addWatch'), 'addWatch', { err: 0 })
      await sim.until(() => events.length > 0)
      await sim.sleep(1_500)
      const reading = client.exists('/b')
      next.fail(await next.expect('exists'), -101)
      await reading
      expect(events).toEqual(['RESYNC'])
    }))

  it('ends where it may not be set any more', () =>
    world(async (it) => {
      const connection = await newSession(it)
      connection.fail(await addition(connection), NoAuthError.errno)
      expect(await it.watch.closed).toBeInstanceOf(NoAuthError)
    }))
})
