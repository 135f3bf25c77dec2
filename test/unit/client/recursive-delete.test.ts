import { describe, expect, it } from 'vitest'

import { ConnectionLossError, NoNodeError, OperationTimeoutError } from '../../../src/index.ts'
import type { ScriptedConnection } from '../../support/scripted-server.ts'
import { failure, timeout, world, type World } from '../../support/world.ts'

const noNode = -101

async function reconnect({ server }: World): Promise<ScriptedConnection> {
  const connection = await server.next()
  await connection.accept({ timeout })
  return connection
}

describe('a recursive delete whose list was lost', () => {
  it('says that nothing was applied', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const deleting = failure(client.delete('/a', { recursive: true }))
      await connection.expect('getChildren')
      connection.socket.destroy()
      const error = await deleting
      expect(error).toBeInstanceOf(ConnectionLossError)
      expect(error).toMatchObject({ op: 'delete', path: '/a', maybeApplied: false })
    }))

  it('does not take it for its own doing that there is no such znode', () =>
    world(async (it) => {
      const connection = await it.connect()
      const deleting = failure(it.client.delete('/a', { recursive: true, idempotent: true }))
      await connection.expect('getChildren')
      connection.socket.destroy()
      const next = await reconnect(it)
      next.fail(await next.expect('getChildren'), noNode)
      expect(await deleting).toBeInstanceOf(NoNodeError)
    }))
})

describe('a recursive delete whose deletes were sent', () => {
  it('says that they may be applied', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const deleting = failure(client.delete('/a', { recursive: true, timeout: 100 }))
      connection.answer(await connection.expect('getChildren'), 'getChildren', { children: [] })
      await connection.expect('delete')
      const error = await deleting
      expect(error).toBeInstanceOf(OperationTimeoutError)
      expect(error).toMatchObject({ op: 'delete', path: '/a', maybeApplied: true })
    }))
})
