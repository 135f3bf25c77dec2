import { describe, expect, it } from 'vitest'

import { ConnectionLossError, QueueFullError } from '../../../src/index.ts'
import type { ScriptedConnection } from '../../support/scripted-server.ts'
import { failure, timeout, world, type World } from '../../support/world.ts'

const notEmpty = -111
const noAuth = -102
const throttled = -127

/** Loses the reply to a guaranteed delete, and gives the connection that it goes on over. */
async function loseReply({ client, server, connect }: World, path: string): Promise<ScriptedConnection> {
  const connection = await connect()
  const deleting = failure(client.delete(path, { guaranteed: true }))
  await connection.expect('delete')
  connection.socket.destroy()
  expect(await deleting).toBeInstanceOf(ConnectionLossError)
  const next = await server.next()
  await next.accept({ timeout })
  return next
}

describe('a delete that goes on in the background', () => {
  it('is among those that maxPending limits, while it waits for another attempt, too', () =>
    world(
      async (it) => {
        const connection = await loseReply(it, '/a')
        connection.fail(await connection.expect('delete'), throttled)
        // The client has read that, and asks nothing for now.
        await it.sim.until(() => it.client.pending === 0)
        const error = await failure(it.client.delete('/b', { guaranteed: true }))
        expect(error).toBeInstanceOf(QueueFullError)
        expect(error).toMatchObject({ op: 'delete', path: '/b', maybeApplied: false })
        // The next that comes is the first again: nothing of the other was sent.
        const again = await connection.expect('delete')
        expect(again.values.path).toBe('/a')
        connection.answer(again, 'delete', undefined)
        await it.sim.until(() => it.client.pending === 0)
        const later = it.client.delete('/b', { guaranteed: true })
        connection.answer(await connection.expect('delete'), 'delete', undefined)
        await later
      },
      { maxPending: 1 },
    ))

  it.each([
    ['znodes have appeared below', notEmpty, 'NOT_EMPTY'],
    ['it may not be deleted', noAuth, 'NO_AUTH'],
  ])('is given up when %s, and the log has one word of it, with the error', async (_name, errno, code) => {
    const told: unknown[] = []
    const ignore = (): void => {}
    const warn = (details: object, message: string): void => {
      if (message.includes('delete')) told.push([details, message])
    }
    await world(
      async (it) => {
        const connection = await loseReply(it, '/a')
        connection.fail(await connection.expect('delete'), errno)
        await it.sim.until(() => told.length > 0)
        // It has left its place, and is not tried again.
        const later = it.client.delete('/b', { guaranteed: true })
        const next = await connection.expect('delete')
        expect(next.values.path).toBe('/b')
        connection.answer(next, 'delete', undefined)
        await later
        const sent = connection.request()
        expect(await Promise.race([sent, it.sim.sleep(timeout / 2)])).toBeUndefined()
      },
      { maxPending: 1, logger: { debug: ignore, info: ignore, warn, error: ignore } },
    )
    const err = expect.objectContaining({ code, path: '/a' }) as object
    expect(told).toEqual([[{ path: '/a', err }, 'gave up a guaranteed delete']])
  })
})
