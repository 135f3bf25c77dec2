import { describe, expect, it } from 'vitest'

import {
  ConnectionClosedError,
  ConnectionLossError,
  KazooClient,
  NodeExistsError,
  RolledBackError,
  RuntimeInconsistencyError,
  Stat,
  TransactionError,
} from '../../../src/index.ts'
import { frameOf, someStat } from '../../support/scripted-server.ts'
import { failure, world } from '../../support/world.ts'

describe('building', () => {
  it('sends the operations in order, under the chroot, with their versions, flags and ACLs', () =>
    world(
      async ({ client, connect }) => {
        const connection = await connect()
        const acl = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]
        const committed = client
          .transaction()
          .create('/a', 'data')
          .create('/s-', null, { ephemeral: true, sequence: true, acl })
          .set('/b', Buffer.from('x'), { version: 3 })
          .delete('/c', { version: 4 })
          .check('/d', 5)
          .check('/e')
          .delete('/')
          .commit()
        const request = await connection.expect('multi')
        const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
        expect(request.values).toEqual([
          { op: 'create', body: { path: '/app/a', data: Buffer.from('data'), acl: open, flags: 0 } },
          { op: 'create', body: { path: '/app/s-', data: null, acl, flags: 3 } },
          { op: 'setData', body: { path: '/app/b', data: Buffer.from('x'), version: 3 } },
          { op: 'delete', body: { path: '/app/c', version: 4 } },
          { op: 'check', body: { path: '/app/d', version: 5 } },
          { op: 'check', body: { path: '/app/e', version: -1 } },
          { op: 'delete', body: { path: '/app', version: -1 } },
        ])
        connection.answer(request, 'multi', [
          { op: 'create', body: { path: '/app/a' } },
          { op: 'create', body: { path: '/app/s-0000000007' } },
          { op: 'setData', body: { stat: someStat } },
          { op: 'delete', body: undefined },
          { op: 'check', body: undefined },
          { op: 'check', body: undefined },
          { op: 'delete', body: undefined },
        ])
        const results = await committed
        expect(results).toEqual(['/a', '/s-0000000007', someStat, true, true, true, true])
        expect(results[2]).toBeInstanceOf(Stat)
      },
      { hosts: 'server/app' },
    ))

  it('commits nothing at all, too', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const committed = client.transaction().commit()
      const request = await connection.expect('multi')
      expect(request.values).toEqual([])
      connection.answer(request, 'multi', [])
      expect(await committed).toEqual([])
    }))

  it('commits once, and takes nothing more afterwards', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const transaction = client.transaction().check('/a')
      const committed = transaction.commit()
      const error = await failure(transaction.commit())
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toBe('the transaction was committed already')
      for (const late of [
        () => transaction.check('/b'),
        () => transaction.create('/b'),
        () => transaction.set('/b', ''),
        () => transaction.delete('/b'),
      ]) {
        expect(late).toThrow('the transaction was committed already')
      }
      connection.answer(await connection.expect('multi'), 'multi', [{ op: 'check', body: undefined }])
      expect(await committed).toEqual([true])
    }))

  it('keeps the data as it was when it was given', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const data = Buffer.from('before')
      const transaction = client.transaction().set('/a', data)
      const committed = transaction.commit()
      data.fill('x')
      const request = await connection.expect('multi')
      expect(request.values).toMatchObject([{ body: { data: Buffer.from('before') } }])
      connection.answer(request, 'multi', [{ op: 'setData', body: { stat: someStat } }])
      await committed
    }))

  it('throws what is wrong where it is said', () => {
    const begin = () => new KazooClient().transaction()
    expect(() => begin().create('a')).toThrow('path must start with "/"')
    expect(() => begin().create('/a/')).toThrow('path must not end')
    expect(() => begin().create('/a/', '', { sequence: true })).not.toThrow()
    expect(() => begin().create('/a', 5 as never)).toThrow('data must be')
    expect(() => begin().create('/a', '', { acl: [] })).toThrow('acl must have')
    expect(() => begin().create('/a', '', { makePath: true } as never)).toThrow('unknown option "makePath"')
    expect(() => begin().create('/a', '', { ephemeral: 1 as never })).toThrow('ephemeral must be a boolean')
    expect(() => begin().set('/a', undefined as never)).toThrow('data must be')
    expect(() => begin().set('/a', '', { version: '1' as never })).toThrow('version must be a number')
    expect(() => begin().delete('/a/..')).toThrow('path must not have')
    expect(() => begin().delete('/a', { version: 1.5 })).toThrow('version must be a 32-bit integer')
    expect(() => begin().delete('/a', { timeout: 1 } as never)).toThrow('unknown option "timeout"')
    expect(() => begin().check(5 as never)).toThrow('path must be a string')
    expect(() => begin().check('/a', null as never)).toThrow('version must be a number')
  })
})

describe('failing', () => {
  it('tells which operation failed, of what, and what became of the others', () =>
    world(
      async ({ client, connect }) => {
        const connection = await connect()
        const committing = failure<TransactionError>(
          client.transaction().check('/a').create('/b').delete('/c').commit(),
        )
        connection.answer(await connection.expect('multi'), 'multi', [
          { op: 'error', body: { err: 0 } },
          { op: 'error', body: { err: -110 } },
          { op: 'error', body: { err: -2 } },
        ])
        const error = await committing
        expect(error).toBeInstanceOf(TransactionError)
        expect(error).toMatchObject({ index: 1, code: 'TRANSACTION_FAILED', op: 'transaction', path: '/b' })
        expect(error.message).toBe('operation 1 of the transaction failed: the znode exists already: create /b')
        expect(error.cause).toBeInstanceOf(NodeExistsError)
        expect(error.cause).toBe(error.results[1])
        expect(error.results.map((result) => result.constructor)).toEqual([
          RolledBackError,
          NodeExistsError,
          RuntimeInconsistencyError,
        ])
        expect(error.results.map(({ op, path }) => `${op} ${path}`)).toEqual(['check /a', 'create /b', 'delete /c'])
      },
      { hosts: 'server/app' },
    ))

  it('with an error of its header is that error', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const committing = failure(client.transaction().check('/a').commit())
      connection.fail(await connection.expect('multi'), -999)
      expect(await committing).toMatchObject({ code: 'UNKNOWN_SERVER_ERROR', errno: -999, op: 'transaction' })
    }))

  it('with its connection may have been applied', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const committing = failure(client.transaction().check('/a').commit())
      await connection.expect('multi')
      connection.socket.destroy()
      const error = await committing
      expect(error).toBeInstanceOf(ConnectionLossError)
      expect(error).toMatchObject({ maybeApplied: true, op: 'transaction' })
    }))

  it('is refused by a client that is not started', async () => {
    const error = await failure(new KazooClient().transaction().check('/a').commit())
    expect(error).toBeInstanceOf(ConnectionClosedError)
  })

  it.each([
    ['fewer results than operations', [{ op: 'check', body: undefined }]],
    [
      'more results than operations',
      [
        { op: 'check', body: undefined },
        { op: 'check', body: undefined },
        { op: 'check', body: undefined },
      ],
    ],
  ] as const)('with %s ends the connection: results by position would be wrong', (_name, results) =>
    world(async ({ sim, client, connect, states }) => {
      const connection = await connect()
      const committing = failure(client.transaction().check('/a').check('/b').commit())
      connection.answer(await connection.expect('multi'), 'multi', results)
      expect(await committing).toMatchObject({ code: 'CONNECTION_LOSS', cause: { code: 'PROTOCOL_ERROR' } })
      await sim.until(() => client.state === 'SUSPENDED')
      expect(states.at(-1)).toEqual(['SUSPENDED', 'ProtocolError'])
    }),
  )

  it('with a result that is no result of any operation ends the connection', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const committing = failure(client.transaction().check('/a').commit())
      const { xid } = await connection.expect('multi')
      connection.socket.write(
        frameOf((writer) => {
          writer.int(xid)
          writer.long(1n)
          writer.int(0)
          writer.int(77)
          writer.bool(false)
          writer.int(0)
        }),
      )
      expect(await committing).toMatchObject({ code: 'CONNECTION_LOSS', cause: { code: 'PROTOCOL_ERROR' } })
    }))
})
