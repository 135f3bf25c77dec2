import { describe, expect, it } from 'vitest'

import { type KazooClient, UnimplementedError } from '../../../src/index.ts'
import { operations } from '../../../src/protocol/operations.ts'
import { someStat } from '../../support/scripted-server.ts'
import { failure, world } from '../../support/world.ts'

const ttl = 60_000

/** The ways to make a znode with a time to live, and the operation that does it. */
const ways: readonly [string, string, (client: KazooClient) => Promise<unknown>][] = [
  ['create', 'createTtl', (client) => client.create('/a', '', { ttl })],
  ['create with includeStat', 'createTtl', (client) => client.create('/a', '', { ttl, includeStat: true })],
  ['create with makePath', 'createTtl', (client) => client.create('/a', '', { ttl, makePath: true })],
  ['create with protect', 'createTtl', (client) => client.create('/a', '', { ttl, protect: true })],
  ['a transaction', 'multi', (client) => client.transaction().check('/').create('/a', '', { ttl }).commit()],
]

describe.each(ways)('a time to live in %s', (_name, op, run) => {
  it.each(['3.5.0', '3.5.2-alpha'])('is not sent to a server of %s, which would close the connection', (version) =>
    world(async ({ server, client, connect }) => {
      server.words.set('srvr', `Zookeeper version: ${version}\n`)
      const connection = await connect()
      const error = await failure(run(client))
      expect(error).toBeInstanceOf(UnimplementedError)
      expect(error).toMatchObject({ maybeApplied: false })
      expect(error.message).toContain(`needs ZooKeeper ${operations.createTtl.since}`)
      const reading = client.exists('/marker')
      connection.answer(await connection.expect('exists'), 'exists', { stat: someStat })
      await reading
    }),
  )

  it('is sent to a server that knows it', () =>
    world(async ({ server, client, connect }) => {
      server.words.set('srvr', `Zookeeper version: ${operations.createTtl.since}\n`)
      const connection = await connect()
      const running = failure(run(client))
      const request = await connection.request()
      expect(request.op).toBe(op)
      connection.fail(request, -6)
      expect(await running).toMatchObject({ code: 'UNIMPLEMENTED', errno: -6 })
    }))
})

it('nobody is asked for the version on behalf of other znodes', () =>
  world(async ({ server, client, connect }) => {
    server.words.set('srvr', 'Zookeeper version: 3.5.0\n')
    const connection = await connect()
    const creating = Promise.all([client.create('/a'), client.transaction().create('/b').commit()])
    connection.answer(await connection.expect('create'), 'create', { path: '/a' })
    connection.answer(await connection.expect('multi'), 'multi', [{ op: 'create', body: { path: '/b' } }])
    await creating
    expect(server.asked).toEqual([])
  }))
