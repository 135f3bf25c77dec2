import { describe, expect, it } from 'vitest'

import {
  AuthFailedError,
  SessionClosedRequireSaslAuthError,
  type GssapiOptions,
  type KazooClientOptions,
  type SaslOptions,
} from '../../../../../src/index.ts'
import { DigestMd5Server } from '../../../../../src/server/access/digest-md5.ts'
import { frameOf, someStat, type ScriptedConnection } from '../../../../support/scripted-server.ts'
import { ReplyHeader } from '../../../../../src/protocol/records.ts'
import { acceptSasl, digest } from '../../../../support/sasl.ts'
import { failure, timeout, world, type World } from '../../../../support/world.ts'

const authFailed = -115
const requiresSasl = -124

async function acceptAuth(connection: ScriptedConnection): Promise<string> {
  const request = await connection.expect('auth')
  connection.answer(request, 'auth', undefined, 0n)
  return String(request.values.auth)
}

/** A first connection on which the script answers, and what becomes of the start. */
function firstConnect(
  script: (connection: ScriptedConnection, world: World) => Promise<void>,
  judge: (error: Error, world: World) => void,
  options: KazooClientOptions = {},
): Promise<void> {
  return world(
    async (it) => {
      const starting = failure(it.client.start())
      const connection = await it.server.next()
      await connection.accept({ timeout })
      await script(connection, it)
      judge(await starting, it)
      expect(it.states.map(([state]) => state)).not.toContain('CONNECTED')
    },
    { saslOptions: digest, ...options },
  )
}

describe('SASL', () => {
  it('comes first, then the credentials, then CONNECTED, then the requests, each when the one before is done', () =>
    world(
      async ({ sim, client, server }) => {
        const starting = client.start()
        const reading = client.exists('/a')
        const connection = await server.next()
        await connection.accept({ timeout })
        const first = await connection.expect('sasl')
        expect([first.xid, first.values.token]).toEqual([1, Buffer.alloc(0)])
        // Nothing else is sent meanwhile, no ping either: a server that requires SASL would close the connection.
        let more = false
        void connection.next().then((request) => {
          more = true
          return request
        })
        await sim.sleep(timeout * 0.6)
        expect([more, client.state]).toEqual([false, 'LOST'])
        connection.socket.destroy()
        const second = await server.next()
        await second.accept({ timeout })
        await acceptSasl(second)
        const auth = await second.expect('auth')
        await sim.sleep(100)
        expect(client.state).toBe('LOST')
        second.answer(auth, 'auth', undefined)
        await starting
        const request = await second.expect('exists')
        // Counted on from the first connection.
        expect(request.xid).toBe(4)
        second.answer(request, 'exists', { stat: someStat })
        await reading
      },
      { saslOptions: digest, authData: [{ scheme: 'digest', credential: 'a:1' }] },
    ))

  it('is done again on each connection, before the watches', () =>
    world(
      async ({ client, server }) => {
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        await acceptSasl(connection)
        await starting
        const watched = client.exists('/a', { watch: () => {} })
        connection.answer(await connection.expect('exists'), 'exists', { stat: someStat }, 5n)
        await watched
        connection.socket.destroy()
        const second = await server.next()
        await second.accept({ timeout })
        await acceptSasl(second)
        expect((await second.expect('setWatches')).values.dataWatches).toEqual(['/a'])
      },
      { saslOptions: digest },
    ))

  it('is no sign of the session’s life; a ping is, as soon as SASL is done', () =>
    world(
      async ({ sim, client, server }) => {
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        await acceptSasl(connection)
        await acceptAuth(connection)
        await starting
        connection.socket.destroy()
        const second = await server.next()
        await second.accept({ timeout })
        const begun = sim.now
        const sasl = new DigestMd5Server(new Map([['bob', 'secret']]), Buffer.alloc(30, 7))
        for (let round = 0; round < 2; round++) {
          const request = await second.expect('sasl')
          await sim.sleep(timeout * 0.15)
          second.answer(request, 'sasl', { token: sasl.evaluate(Buffer.from(request.values.token ?? [])) }, 0n)
        }
        expect((await second.next()).op).toBe('ping')
        await sim.until(() => client.state === 'LOST')
        expect(sim.now - begun).toBeLessThan(timeout * 1.1)
      },
      { saslOptions: digest, authData: [{ scheme: 'digest', credential: 'a:1' }] },
    ))
})

describe('a first connection', () => {
  it.each([authFailed, requiresSasl, -6, -12345])('fails at once on error %i', (code) =>
    firstConnect(
      async (connection) => connection.fail(await connection.expect('sasl'), code, 0n),
      (error) => {
        expect(error).toBeInstanceOf(AuthFailedError)
        expect(error).toMatchObject({ op: 'sasl', cause: { errno: code } })
        expect(error.message).toBe('SASL DIGEST-MD5 authentication failed: the server refuses it')
      },
    ),
  )

  it('fails at once on a wrong password', () =>
    firstConnect(
      (connection) => acceptSasl(connection, 'other'),
      (error) => expect(error).toBeInstanceOf(AuthFailedError),
    ))

  it.each([
    ['has no SASL, and answers nothing', [null], 'does not take part in DIGEST-MD5'],
    ['has no SASL, and answers an empty token', [''], 'does not take part in DIGEST-MD5'],
    ['sends nonsense', ['nonsense'], 'malformed'],
    ['goes on with those who fail', ['nonce="a",algorithm=md5-sess', null], 'does not take part in DIGEST-MD5'],
    ['does not know the password', ['nonce="a",algorithm=md5-sess', 'rspauth=0'], 'does not know the password'],
    ['sends a new challenge', ['nonce="a",algorithm=md5-sess', 'nonce="b",algorithm=md5-sess'], 'know the password'],
  ] as const)('fails at once with a server that %s', (_name, tokens, message) =>
    firstConnect(
      async (connection) => {
        for (const token of tokens) {
          const request = await connection.expect('sasl')
          connection.answer(request, 'sasl', { token: token === null ? null : Buffer.from(token) }, 0n)
        }
        // The connection is given up: nothing more is said to that server.
        await connection.closed
      },
      (error) => {
        expect(error).toBeInstanceOf(AuthFailedError)
        expect(error.message).toContain(message)
      },
    ),
  )

  it('fails at once where Kerberos does', () => {
    const kerberos = { initializeClient: () => Promise.reject(new Error('No Kerberos credentials available')) }
    const saslOptions: GssapiOptions = { mechanism: 'GSSAPI', kerberos }
    return firstConnect(
      (connection) => connection.closed,
      (error) => expect(error.message).toBe('SASL GSSAPI authentication failed: No Kerberos credentials available'),
      { saslOptions },
    )
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('the vault is shut')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the vault is shut'))],
  ] as [string, () => SaslOptions | Promise<SaslOptions>][])(
    'fails at once when the function for the options %s',
    (_name, saslOptions) =>
      firstConnect(
        (connection) => connection.closed,
        (error) => {
          expect(error).toMatchObject({
            message: 'SASL authentication failed',
            cause: { message: 'the vault is shut' },
          })
        },
        { saslOptions },
      ),
  )

  it('fails at once when the function gives wrong options, and names them', () =>
    firstConnect(
      (connection) => connection.closed,
      (error) => {
        expect(error.cause).toMatchObject({ name: 'TypeError' })
        expect(String(error.cause)).toContain('saslOptions.password must be a string, not number')
      },
      { saslOptions: () => ({ ...digest, password: 12_345 }) as never },
    ))

  it('fails at once when the function for authData rejects', () =>
    firstConnect(
      (connection) => acceptSasl(connection),
      (error) => expect(error).toMatchObject({ name: 'AuthFailedError', cause: { message: 'the vault is shut' } }),
      { authData: () => Promise.reject(new Error('the vault is shut')) },
    ))

  it.each([
    ['the connection ends', (connection: ScriptedConnection) => connection.socket.end()],
    ['nothing is answered', () => {}],
    ['the session has moved', (connection: ScriptedConnection, xid: number) => connection.fail({ xid }, -118, 0n)],
  ])('goes on trying when %s, and says in the end what it was at', (_name, act) =>
    world(
      async ({ client, server }) => {
        const starting = failure(client.start())
        void (async () => {
          for (;;) {
            const connection = await server.next()
            await connection.accept({ timeout })
            act(connection, (await connection.expect('sasl')).xid)
          }
        })()
        const error = await starting
        expect(error).toMatchObject({ name: 'OperationTimeoutError' })
        expect(String(error.cause)).toContain('the connection ended before SASL authentication was done')
      },
      { saslOptions: digest },
    ),
  )

  it.each([
    ['another xid', [{ xid: 7, zxid: 0n, err: 0 }]],
    ['a ping', [{ xid: -2, zxid: 0n, err: 0 }]],
    ['an answer to credentials', [{ xid: -4, zxid: 0n, err: 0 }]],
  ])('is closed on %s where a token is due', (_name, headers) =>
    world(
      async ({ client, server }) => {
        const starting = failure(client.start())
        const connection = await server.next()
        await connection.accept({ timeout })
        await connection.expect('sasl')
        for (const header of headers) connection.socket.write(frameOf((writer) => ReplyHeader.write(writer, header)))
        await connection.closed
        await client.stop()
        await starting
      },
      { saslOptions: digest },
    ),
  )

  it('is closed on a token that is too long, and on more answers than questions', () =>
    world(
      async ({ client, server }) => {
        const starting = failure(client.start())
        const connection = await server.next()
        await connection.accept({ timeout })
        connection.answer(await connection.expect('sasl'), 'sasl', { token: Buffer.alloc(65_537) })
        await connection.closed
        const second = await server.next()
        await second.accept({ timeout })
        const request = await second.expect('sasl')
        const token = Buffer.from('nonce="a",algorithm=md5-sess')
        second.answer(request, 'sasl', { token })
        second.answer(request, 'sasl', { token })
        await second.closed
        await client.stop()
        await starting
      },
      { saslOptions: digest },
    ))

  it('fails with a server that never ends the exchange', () => {
    const client = { contextComplete: false, step: async () => 'eA==', unwrap: async () => '', wrap: async () => '' }
    let tokens = 0
    return firstConnect(
      async (connection) => {
        for (;;) {
          const request = await Promise.race([connection.expect('sasl'), connection.closed])
          if (request === undefined) return
          tokens++
          connection.answer(request, 'sasl', { token: Buffer.from('x') }, 0n)
        }
      },
      (error) => {
        expect(error.message).toContain('the exchange does not end')
        expect(tokens).toBe(8)
      },
      { saslOptions: { mechanism: 'GSSAPI', kerberos: { initializeClient: async () => client } } },
    )
  })

  it('may be stopped while options are awaited: nothing is sent of them then', () =>
    world(
      async ({ client, server }) => {
        const starting = failure(client.start())
        const connection = await server.next()
        await connection.accept({ timeout })
        await asked
        await client.stop()
        give(digest)
        await starting
        await connection.closed
        expect(server.connections).toHaveLength(1)
      },
      {
        saslOptions: () => {
          noteAsked()
          return given
        },
      },
    ))
  let noteAsked!: () => void
  const asked = new Promise<void>((resolve) => (noteAsked = resolve))
  let give!: (options: SaslOptions) => void
  const given = new Promise<SaslOptions>((resolve) => (give = resolve))
})

describe('a reconnect', () => {
  it('goes on trying when SASL fails, and asks for the options anew each time: rotated passwords come into use', () => {
    let password = 'first'
    let asked = 0
    const saslOptions = async (): Promise<SaslOptions> => {
      asked++
      return { ...digest, password }
    }
    return world(
      async ({ sim, client, server, states }) => {
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        await acceptSasl(connection, 'first')
        await starting
        connection.socket.destroy()
        for (let i = 0; i < 3; i++) {
          const next = await server.next()
          await next.accept({ timeout })
          await acceptSasl(next, 'second')
          await next.closed
        }
        expect(asked).toBe(4)
        password = 'second'
        const last = await server.next()
        await last.accept({ timeout })
        await acceptSasl(last, 'second')
        await sim.until(() => client.state === 'CONNECTED')
        expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'CONNECTED'])
      },
      { saslOptions },
    )
  })
})

describe('credentials from a function', () => {
  it('are asked for on each connection, and come before those that were added since', () => {
    let credential = 'ada:first'
    return world(
      async ({ client, server }) => {
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        expect(await acceptAuth(connection)).toBe('ada:first')
        await starting
        const adding = client.addAuth('digest', 'bob:1')
        await acceptAuth(connection)
        await adding
        credential = 'ada:second'
        connection.socket.destroy()
        const second = await server.next()
        await second.accept({ timeout })
        expect([await acceptAuth(second), await acceptAuth(second)]).toEqual(['ada:second', 'bob:1'])
        // Nothing of the first is left.
        const reading = client.exists('/a')
        second.answer(await second.expect('exists'), 'exists', { stat: someStat })
        await reading
        const adding2 = client.addAuth('digest', 'ada:second')
        await acceptAuth(second)
        await adding2
        second.socket.destroy()
        const third = await server.next()
        await third.accept({ timeout })
        // What the function gives and what was added are presented once.
        expect([await acceptAuth(third), await acceptAuth(third)]).toEqual(['ada:second', 'bob:1'])
        const marker = client.exists('/a')
        third.answer(await third.expect('exists'), 'exists', { stat: someStat })
        await marker
      },
      { authData: async () => [{ scheme: 'digest', credential }] },
    )
  })

  it('that are wrong fail a first connection, and name what is wrong', () =>
    world(
      async ({ client, server }) => {
        const starting = failure(client.start())
        await (await server.next()).accept({ timeout })
        const error = await starting
        expect(error).toBeInstanceOf(AuthFailedError)
        expect(String(error.cause)).toContain('authData[0].scheme must not be empty')
      },
      { authData: () => [{ scheme: '', credential: 'x' }] },
    ))
})

describe('a client without SASL, at a server that requires it', () => {
  it.each(['a request', 'a ping', 'watches'])('learns why it is disconnected: by %s', (what) =>
    world(async ({ sim, client, server, states, connect }) => {
      const connection = await connect()
      if (what === 'a request') {
        const reading = failure(client.exists('/a'))
        connection.fail(await connection.expect('exists'), requiresSasl, 0n)
        expect(await reading).toBeInstanceOf(SessionClosedRequireSaslAuthError)
      } else if (what === 'a ping') {
        const ping = await connection.next()
        expect(ping.op).toBe('ping')
        connection.fail(ping, requiresSasl, 0n)
      } else {
        const watched = client.exists('/a', { watch: () => {} })
        connection.answer(await connection.expect('exists'), 'exists', { stat: someStat })
        await watched
        connection.socket.destroy()
        const second = await server.next()
        await second.accept({ timeout })
        second.fail(await second.expect('setWatches'), requiresSasl, 0n)
        await second.closed
      }
      await sim.until(() => states.length > 1 && client.state === 'SUSPENDED')
      expect(states.filter(([state]) => state === 'SUSPENDED').at(-1)).toEqual([
        'SUSPENDED',
        'SessionClosedRequireSaslAuthError',
      ])
    }),
  )
})
