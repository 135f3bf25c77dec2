import { describe, expect, it } from 'vitest'

import { OperationTimeoutError } from '../../../src/index.ts'
import { failure, timeout, world } from '../../support/world.ts'

describe('a start that waits for a stop which the server does not answer', () => {
  it('ends with its timeout', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const stopping = client.stop()
      await connection.expect('closeSession')
      const before = sim.now
      const error = await failure(client.start({ timeout: 200 }))
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject({ op: 'start' })
      expect(sim.now - before).toBe(200)
      await stopping
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
    }))

  it('ends with its signal, at once', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const stopping = client.stop()
      await connection.expect('closeSession')
      const controller = new AbortController()
      const starting = failure(client.start({ timeout: 1_000, signal: controller.signal }))
      await sim.sleep(100)
      const before = sim.now
      controller.abort(new Error('no more'))
      expect(await starting).toMatchObject({ message: 'no more' })
      expect(sim.now).toBe(before)
      await stopping
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
    }))

  it('leaves room for another, which follows the stop', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      const stopping = client.stop()
      await connection.expect('closeSession')
      await failure(client.start({ timeout: 200 }))
      const second = client.start({ timeout: 20_000 })
      await stopping
      const next = await server.next()
      await next.accept({ timeout, sessionId: 2n })
      expect(await second).toBe(client)
      expect(client.session?.id).toBe(2n)
    }))
})
