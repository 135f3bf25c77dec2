import { describe, expect, it } from 'vitest'

import { ConnectionClosedError, KazooClient, OperationTimeoutError, type ZooKeeperError } from '../../../src/index.ts'
import { EmbeddedEnsemble } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { answerClose, failure, timeout, world, type World } from '../../support/world.ts'
import type { ScriptedConnection } from '../../support/scripted-server.ts'

/** Begins a protected create, and loses the reply to it. */
async function loseReply(
  { client, server, connect }: World,
  options: object,
): Promise<[Promise<ZooKeeperError>, string]> {
  const connection = await connect()
  const created = failure<ZooKeeperError>(client.create('/p/a', 'x', { protect: true, ...options }))
  const { values } = await connection.expect('create')
  connection.socket.destroy()
  expect(server.connections).toHaveLength(1)
  return [created, values.path]
}

async function reconnect({ server }: World): Promise<ScriptedConnection> {
  const connection = await server.next()
  await connection.accept({ timeout })
  return connection
}

const noNode = -101

const mayBeThere = { op: 'create', path: '/p/a', maybeApplied: true }

describe('a protected create whose reply was lost', () => {
  it('says that it may be applied when its time is up before there is a connection', () =>
    world(async (it) => {
      const [created] = await loseReply(it, { timeout: 500 })
      const error = await created
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject(mayBeThere)
      expect(error.message).toBe('timed out after 500 ms: create /p/a')
    }))

  it('says that it may be applied when its time is up during the search', () =>
    world(async (it) => {
      const [created] = await loseReply(it, { timeout: 500 })
      await (await reconnect(it)).expect('delete')
      const error = await created
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject(mayBeThere)
    }))

  it('says that it may be applied when the client is stopped before there is a connection', () =>
    world(async (it) => {
      const [created] = await loseReply(it, {})
      await it.sim.until(() => it.client.state === 'SUSPENDED')
      await it.client.stop()
      const error = await created
      expect(error).toBeInstanceOf(ConnectionClosedError)
      expect(error).toMatchObject(mayBeThere)
    }))

  it('says that it may be applied when the client is stopped during the search', () =>
    world(async (it) => {
      const [created] = await loseReply(it, {})
      const connection = await reconnect(it)
      const search = await connection.expect('delete')
      const list = await connection.expect('getChildren')
      const stopping = it.client.stop()
      connection.fail(search, noNode)
      connection.answer(list, 'getChildren', { children: [] })
      await answerClose(connection)
      await stopping
      const error = await created
      expect(error).toBeInstanceOf(ConnectionClosedError)
      expect(error).toMatchObject(mayBeThere)
    }))

  it('says that it is not applied when it was not sent', () =>
    world(async ({ sim, client, connect }) => {
      const connection = await connect()
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const error = await failure(client.create('/p/a', 'x', { protect: true, timeout: 1 }))
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject({ ...mayBeThere, maybeApplied: false })
    }))

  it('is searched for behind a write, and so behind all that was asked of the leader before', () =>
    world(async (it) => {
      const { client, connect } = it
      const first = await connect()
      const creating = client.create('/p/a', 'x', { protect: true })
      const path = (await first.expect('create')).values.path
      first.socket.destroy()
      const connection = await reconnect(it)
      const barrier = await connection.expect('delete')
      expect(barrier.values.path).toMatch(/^\/p\/_c_[0-9a-f-]{36}-$/)
      connection.fail(barrier, noNode)
      const list = await connection.expect('getChildren')
      connection.answer(list, 'getChildren', { children: ['b', path.slice('/p/'.length)] })
      expect(await creating).toBe(path)
    }))

  it('is searched for anew when another session may be at a server that has not caught up', () =>
    world(async (it) => {
      const first = await it.connect()
      const creating = it.client.create('/p/a', 'x', { protect: true })
      const path = (await first.expect('create')).values.path
      first.socket.destroy()
      const second = await reconnect(it)
      const barrier = await second.expect('delete')
      await second.expect('getChildren')
      second.fail(barrier, noNode)
      second.socket.end()
      await (await it.server.next()).refuse()
      const third = await it.server.next()
      await third.accept({ timeout, sessionId: 0x2_0000n })
      const again = await third.expect('delete')
      const list = await third.expect('getChildren')
      third.fail(again, noNode)
      third.answer(list, 'getChildren', { children: [path.slice('/p/'.length)] })
      expect(await creating).toBe(path)
    }))

  it('is found on a follower that lags: there is never a second one', async () => {
    const sim = new Simulation()
    await sim.run(async () => {
      const runtime = sim.runtime('servers')
      const ports = [2181, 2182, 2183]
      const ensemble = await new EmbeddedEnsemble({ runtime, host: '0.0.0.0', ports }).start()
      const leader = ensemble.member(ensemble.leader!)
      const follower = ensemble.members.find(({ id }) => id !== ensemble.leader)!
      const port = (id: number): number => ports[id - 1]!
      // In turn: to the leader first, and when that connection is lost, to the follower.
      const client = new KazooClient({
        hosts: [leader, follower].map(({ id }) => `servers:${port(id)}`),
        randomizeHosts: false,
        runtime: sim.runtime('client'),
      })
      await client.start()
      await client.ensurePath('/p')
      await client.sync('/p')
      // The lag is long, but not as long as a connection may be silent.
      follower.lag = 1_000
      const lost = leader.server.faults.closeBeforeAnswer({ op: 'create' })
      const creating = client.create('/p/a', 'x', { protect: true })
      await lost
      const path = await creating
      await client.sync('/p')
      expect(await client.getChildren('/p')).toEqual([path.slice('/p/'.length)])
      await client.stop()
      await ensemble.stop()
    })
  })
})
