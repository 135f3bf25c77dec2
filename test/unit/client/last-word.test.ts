import { describe, expect, it } from 'vitest'

import { ConnectionClosedError, OperationTimeoutError } from '../../../src/index.ts'
import { answerClose, failure, timeout, world } from '../../support/world.ts'

describe('a start that a listener makes when it hears of the end', () => {
  it.each(['SUSPENDED', 'LOST'])('follows a stop that was called while it was %s', (when) =>
    world(async ({ sim, client, server, connect }) => {
      await connect()
      let starting: Promise<unknown> | undefined
      client.addListener((_state, { stopped }) => {
        if (stopped) starting ??= client.start()
      })
      await server.stop()
      await sim.until(() => client.state === when)
      await client.stop()
      await server.listen(2181, '0.0.0.0')
      const connection = await server.next()
      await connection.accept({ timeout, sessionId: 2n })
      expect(await starting).toBe(client)
      expect([client.state, client.session?.id]).toEqual(['CONNECTED', 2n])
      const stopping = client.stop()
      await answerClose(connection)
      await stopping
      expect([client.state, client.session]).toEqual(['LOST', null])
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(2)
    }),
  )
})

describe('the last stop', () => {
  it('ends a start that follows an earlier one, as soon as that is over', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const first = client.stop()
      const starting = failure(client.start())
      await answerClose(connection)
      await first
      await client.stop()
      expect(await starting).toBeInstanceOf(ConnectionClosedError)
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
      expect(client.state).toBe('LOST')
    }))

  it('ends a restart that waits for the end of the session, and tells that none follows', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const changes: unknown[] = []
      client.addListener((state, { stopped, cause }) => void changes.push([state, stopped, cause]))
      const restarting = failure(client.restart())
      const stopping = client.stop()
      await answerClose(connection)
      await stopping
      expect(await restarting).toBeInstanceOf(ConnectionClosedError)
      expect(changes.at(-1)).toEqual(['LOST', true, undefined])
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
      expect(client.session).toBeNull()
    }))

  it('leaves a start alone that was made after it, whatever becomes of an earlier one', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const stopping = client.stop()
      const controller = new AbortController()
      const first = failure(client.start({ signal: controller.signal }))
      void client.stop()
      const second = client.start()
      controller.abort(new Error('no more'))
      expect(await first).toMatchObject({ message: 'no more' })
      const third = client.start()
      await answerClose(connection)
      await stopping
      const next = await server.next()
      await next.accept({ timeout, sessionId: 2n })
      expect(await Promise.all([second, third])).toEqual([client, client])
      await sim.sleep(1_000)
      expect(server.connections).toHaveLength(2)
    }))
})

describe('two restarts', () => {
  it('at the same time make one session', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      const restarts = [client.restart(), client.restart()]
      await answerClose(connection)
      await (await server.next()).accept({ timeout, sessionId: 2n })
      expect(await Promise.all(restarts)).toEqual([client, client])
      expect(server.connections).toHaveLength(2)
    }))

  it('one during the other: the earlier does not say that no session follows', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      const changes: unknown[] = []
      client.addListener((state, { stopped }) => void changes.push([state, stopped]))
      const first = failure(client.restart())
      await answerClose(connection)
      await (
        await server.next()
      ).handshake
      const second = client.restart()
      expect(await first).toBeInstanceOf(ConnectionClosedError)
      await (await server.next()).accept({ timeout, sessionId: 2n })
      expect(await second).toBe(client)
      expect(changes).toEqual([
        ['LOST', false],
        ['CONNECTED', false],
      ])
    }))
})

describe('a start during another', () => {
  it('ends with its own timeout and its own signal, and leaves the client to the other', () =>
    world(async ({ sim, client, server }) => {
      const first = client.start()
      const connection = await server.next()
      const before = sim.now
      const controller = new AbortController()
      const aborted = failure(client.start({ signal: controller.signal }))
      const error = await failure(client.start({ timeout: 200 }))
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject({ op: 'start' })
      expect(sim.now - before).toBe(200)
      controller.abort(new Error('no more'))
      expect(await aborted).toMatchObject({ message: 'no more' })
      await connection.accept({ timeout })
      expect(await first).toBe(client)
      expect(client.state).toBe('CONNECTED')
    }))
})

describe('a start whose signal a listener aborts when it hears CONNECTED', () => {
  it('rejects with its reason, and the client is stopped', () =>
    world(async ({ client, server }) => {
      const controller = new AbortController()
      client.addListener((state) => {
        if (state === 'CONNECTED') controller.abort(new Error('no more'))
      })
      const starting = failure(client.start({ signal: controller.signal }))
      const connection = await server.next()
      await connection.accept({ timeout })
      await answerClose(connection)
      expect(await starting).toMatchObject({ message: 'no more' })
      expect([client.state, client.session]).toEqual(['LOST', null])
    }))
})
