import { describe, expect, it } from 'vitest'

import { AuthFailedError } from '../../../src/index.ts'
import { someStat, type ScriptedConnection } from '../../support/scripted-server.ts'
import { failure, timeout, world } from '../../support/world.ts'

const data = { data: Buffer.from('x'), stat: someStat }
const refused = -115

async function grant(connection: ScriptedConnection): Promise<string> {
  const request = await connection.expect('auth')
  connection.answer(request, 'auth', undefined)
  return String(request.values.auth)
}

describe('on a reconnect', () => {
  it('credentials come first, then the watches, then what waits, each when the one before is done', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const adding = client.addAuth('digest', 'a:1')
      await grant(connection)
      await adding
      const watched = client.get('/watched', { watch: () => {} })
      connection.answer(await connection.expect('getData'), 'getData', data, 9n)
      const missing = client.exists('/missing', { watch: () => {} })
      connection.fail(await connection.expect('exists'), -101, 10n)
      const children = client.getChildren('/parent', { watch: () => {} })
      connection.answer(await connection.expect('getChildren'), 'getChildren', { children: [] }, 11n)
      await Promise.all([watched, missing, children])
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const waiting = [client.set('/1', ''), client.set('/2', '')]
      const second = await server.next()
      await second.accept({ timeout })
      const auth = await second.expect('auth')
      // Until the server has answered, nothing more is sent, and nobody is told.
      await sim.sleep(500)
      expect(client.state).toBe('SUSPENDED')
      second.answer(auth, 'auth', undefined)
      const watches = await second.expect('setWatches')
      expect(watches.values).toEqual({
        relativeZxid: 11n,
        dataWatches: ['/watched'],
        existWatches: ['/missing'],
        childWatches: ['/parent'],
      })
      second.fail(watches, 0)
      for (const path of ['/1', '/2']) {
        const request = await second.expect('setData')
        expect(request.values.path).toBe(path)
        second.answer(request, 'setData', { stat: someStat })
      }
      await Promise.all(waiting)
      expect(client.state).toBe('CONNECTED')
    }))

  it('credentials that are refused do not end the client: it goes on trying', () =>
    world(
      async ({ sim, client, server, states }) => {
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        await grant(connection)
        await starting
        connection.socket.destroy()
        for (let i = 0; i < 3; i++) {
          const next = await server.next()
          await next.accept({ timeout })
          next.fail(await next.expect('auth'), refused)
          await next.closed
        }
        const last = await server.next()
        await last.accept({ timeout })
        await grant(last)
        await sim.until(() => client.state === 'CONNECTED')
        expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'CONNECTED'])
      },
      { authData: [{ scheme: 'digest', credential: 'a:1' }] },
    ))

  it('credentials that addAuth was refused are not presented again', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const good = client.addAuth('digest', 'good:1')
      await grant(connection)
      await good
      const bad = failure(client.addAuth('digest', 'bad:1'))
      connection.fail(await connection.expect('auth'), refused)
      connection.socket.end()
      expect(await bad).toBeInstanceOf(AuthFailedError)
      const second = await server.next()
      await second.accept({ timeout })
      expect(await grant(second)).toBe('good:1')
      const marker = client.exists('/marker')
      second.fail(await second.expect('exists'), -101)
      expect(await marker).toBeNull()
      expect(client.state).toBe('CONNECTED')
      await sim.sleep(10)
    }))

  it('an addAuth that waited keeps its place before the requests behind it', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const adding = client.addAuth('digest', 'late:1')
      const creating = client.create('/a', '')
      const second = await server.next()
      await second.accept({ timeout })
      expect(await grant(second)).toBe('late:1')
      second.answer(await second.expect('create'), 'create', { path: '/a' })
      expect(await adding).toBe(true)
      expect(await creating).toBe('/a')
    }))
})

describe('finding a server', () => {
  it('goes past an address that swallows everything, in its part of the session timeout', () =>
    world(
      async ({ sim, client, server }) => {
        sim.network.blackHole('10.9.0.1')
        const before = sim.now
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        await starting
        // A third of 10 s, as if there were three servers.
        expect(sim.now - before).toBeGreaterThanOrEqual(3_333)
        expect(sim.now - before).toBeLessThan(3_434)
      },
      { hosts: '10.9.0.1,server', randomizeHosts: false },
    ))

  it('keeps the session past such an address where the server grants less than was asked for', () =>
    world(
      async ({ sim, client, server, connect }) => {
        sim.network.blackHole('10.9.0.1')
        const connection = await connect()
        const id = client.session?.id
        connection.socket.destroy()
        const second = await server.next()
        expect((await second.accept({ timeout })).sessionId).toBe(id)
        await sim.until(() => client.connected)
        expect(client.session?.id).toBe(id)
      },
      { hosts: 'server,10.9.0.1', randomizeHosts: false, sessionTimeout: 10 * timeout },
    ))

  it('asks a single server again that leaves a handshake unanswered, while the session lives', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const id = client.session?.id
      connection.socket.destroy()
      await server.next()
      const second = await server.next()
      expect(client.state).toBe('SUSPENDED')
      await second.accept({ timeout })
      await sim.until(() => client.connected)
      expect(client.session?.id).toBe(id)
    }))

  it('resolves names anew, so that a server that moved is found', () =>
    world(
      async ({ sim, client, server, connect }) => {
        sim.names.set('zookeeper', ['server'])
        const connection = await connect()
        sim.names.set('zookeeper', new Error('ENOTFOUND'))
        connection.socket.destroy()
        await sim.sleep(2_000)
        expect(client.state).toBe('SUSPENDED')
        sim.names.set('zookeeper', ['server'])
        await (await server.next()).accept({ timeout })
        await sim.until(() => client.state === 'CONNECTED')
      },
      { hosts: 'zookeeper' },
    ))
})
