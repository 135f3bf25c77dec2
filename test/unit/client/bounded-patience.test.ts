import { describe, expect, it } from 'vitest'

import { NoNodeError, NotEmptyError } from '../../../src/index.ts'
import { someStat, type ScriptedConnection } from '../../support/scripted-server.ts'
import { failure, world } from '../../support/world.ts'

const enough = 1_000

/** Answers each request in the same way for ever; resolves when there were more than anybody should ask. */
async function stubborn(connection: ScriptedConnection, exists: boolean): Promise<Error> {
  for (let count = 0; count < enough;) {
    const request = await connection.next()
    if (request.op === 'ping') {
      connection.answer(request, 'ping', undefined)
      continue
    }
    count++
    if (request.op === 'getChildren') connection.answer(request, 'getChildren', { children: [] })
    else if (request.op === 'delete') connection.fail(request, -111)
    else if (request.op === 'exists' && exists) connection.answer(request, 'exists', { stat: someStat })
    else connection.fail(request, -101)
  }
  return new Error(`${enough} requests and no end`)
}

describe('a server that never changes its mind', () => {
  it('is believed by a recursive delete: not empty, though it has no children', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const deleting = failure(client.delete('/a', { recursive: true }))
      const error = await Promise.race([deleting, stubborn(connection, false)])
      expect(error).toBeInstanceOf(NotEmptyError)
      expect(error).toMatchObject({ op: 'delete', path: '/a' })
    }))

  it.each([
    ['though the parent is there', true],
    ['though the parent of the parent is the root', false],
  ])('is believed by a create with makePath: no parent, %s', (_name, exists) =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const creating = failure(client.create('/a/b', 'x', { makePath: true }))
      const error = await Promise.race([creating, stubborn(connection, exists)])
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'create', path: '/a/b' })
    }),
  )

  it('is believed by ensurePath', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const ensuring = failure(client.ensurePath('/a/b/c'))
      const error = await Promise.race([ensuring, stubborn(connection, false)])
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'ensurePath', path: '/a/b/c' })
    }))
})
