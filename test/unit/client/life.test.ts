import { describe, expect, it } from 'vitest'

import { AuthFailedError, ConnectionClosedError, KazooClient, OperationTimeoutError } from '../../../src/index.ts'
import { answerClose, failure, timeout, uncaughtDuring, world } from '../../support/world.ts'

const authFailed = -115

describe('start', () => {
  it('resolves to the client, and twice to the same', () =>
    world(async ({ client, server, states }) => {
      const first = client.start()
      const second = client.start()
      const connection = await server.next()
      await connection.accept({ timeout })
      expect(await first).toBe(client)
      expect(await second).toBe(client)
      expect(await client.start()).toBe(client)
      expect(server.connections).toHaveLength(1)
      expect(states).toEqual([['CONNECTED', undefined]])
    }))

  it('gives up when its time is up: OperationTimeoutError with the last failure as its cause, and the client stopped', () =>
    world(
      async ({ sim, client, states }) => {
        const before = sim.now
        const error = await failure<OperationTimeoutError>(client.start({ timeout: 3_000 }))
        expect(sim.now - before).toBe(3_000)
        expect(error).toBeInstanceOf(OperationTimeoutError)
        expect(error.op).toBe('start')
        expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' })
        expect(await failure(client.get('/a'))).toBeInstanceOf(ConnectionClosedError)
        expect([client.state, client.session, states]).toEqual(['LOST', null, []])
        // It stays stopped: nobody dials any more.
        const waiting = client.runtime.now()
        await sim.sleep(60_000)
        expect(client.runtime.now() - waiting).toBe(60_000)
        expect(sim.network.connections('client')).toBe(0)
      },
      { hosts: 'server:2182' },
    ))

  it('waits for 15 s when it is not told', () =>
    world(
      async ({ sim, client }) => {
        const before = sim.now
        expect(await failure(client.start())).toBeInstanceOf(OperationTimeoutError)
        expect(sim.now - before).toBe(15_000)
      },
      { hosts: 'server:2182' },
    ))

  it('names a server that never answers as the cause', () =>
    world(async ({ server, client }) => {
      const starting = failure(client.start({ timeout: 25_000 }))
      await server.next()
      expect((await starting).cause).toMatchObject({ message: 'no answer within 3333 ms' })
    }))

  it('can be tried again after it failed', () =>
    world(async ({ sim, client, server, connect }) => {
      sim.network.partition(['client'], ['server'])
      await failure(client.start({ timeout: 1_000 }))
      sim.network.heal()
      // What the first attempt had sent arrives after all, from a socket that is gone.
      await sim.sleep(1_000)
      while (server.connections.length > 0 && (await server.next()) !== server.connections.at(-1));
      await connect()
      expect(client.state).toBe('CONNECTED')
    }))

  it('tells wrong credentials from a server that is away: AuthFailedError, at once', () =>
    world(
      async ({ sim, server, client, states }) => {
        const before = sim.now
        const starting = failure(client.start())
        const connection = await server.next()
        await connection.accept({ timeout })
        const request = await connection.expect('auth')
        expect(request.values).toMatchObject({ type: 0, scheme: 'digest', auth: Buffer.from('user:secret') })
        connection.fail({ xid: -4 }, authFailed)
        connection.socket.end()
        const error = await starting
        expect(error).toBeInstanceOf(AuthFailedError)
        expect(String(error.stack)).not.toContain('secret')
        expect(sim.now - before).toBeLessThan(100)
        expect(client.state).toBe('LOST')
        expect(states).toEqual([])
        await sim.sleep(20_000)
        expect(server.connections).toHaveLength(1)
      },
      { authData: [{ scheme: 'digest', credential: 'user:secret' }] },
    ))

  it('ends with the reason of a signal, before it began and while it waits', () =>
    world(async ({ sim, client, server }) => {
      const reason = new Error('no more')
      expect(await failure(client.start({ signal: AbortSignal.abort(reason) }))).toBe(reason)
      const controller = new AbortController()
      const starting = failure(client.start({ signal: controller.signal }))
      const connection = await server.next()
      controller.abort(reason)
      expect(await starting).toBe(reason)
      await connection.closed
      expect(await failure(client.get('/a'))).toBeInstanceOf(ConnectionClosedError)
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
    }))

  it('is no longer bound to its signal once it has resolved', () =>
    world(async ({ sim, server, client }) => {
      const controller = new AbortController()
      const starting = client.start({ signal: controller.signal })
      const connection = await server.next()
      await connection.accept({ timeout })
      await starting
      controller.abort()
      await sim.sleep(100)
      expect(client.state).toBe('CONNECTED')
    }))

  it('lets verbs that are called right after it wait for the session', () =>
    world(async ({ client, server }) => {
      const starting = client.start()
      const exists = client.exists('/a')
      const connection = await server.next()
      await connection.accept({ timeout })
      await starting
      connection.fail(await connection.expect('exists'), -101)
      expect(await exists).toBeNull()
    }))
})

describe('giving up after a number of rounds', () => {
  it('rejects start with the last failure', () =>
    world(
      async ({ sim, client }) => {
        const error = await failure(client.start())
        expect(error).toMatchObject({ code: 'ECONNREFUSED' })
        expect(sim.now).toBeLessThan(1_000)
      },
      { hosts: 'server:2182', connectionRetry: { maxTries: 3, delay: 100 } },
    ))

  it('tells LOST when it was connected before, and lets start begin anew', () =>
    world(
      async ({ sim, client, server, states, connect }) => {
        const connection = await connect()
        await server.stop()
        await connection.closed
        await sim.until(() => client.state === 'LOST')
        expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'LOST'])
        expect(await failure(client.get('/a'))).toBeInstanceOf(ConnectionClosedError)
        expect(client.session).toBeNull()
        await server.listen(2181, '0.0.0.0')
        const again = await connect()
        expect((await again.handshake).sessionId).toBe(0n)
        expect(client.state).toBe('CONNECTED')
      },
      { connectionRetry: { maxTries: 2, delay: 10 } },
    ))
})

describe('giving up while LOST', () => {
  it('says so, and lets start begin anew', () =>
    world(
      async ({ sim, client, connect }) => {
        await connect()
        const changes: unknown[] = []
        client.addListener((state, { stopped }) => void changes.push([state, stopped]))
        sim.network.partition(['client'], ['server'])
        await sim.until(() => changes.length === 3)
        expect(changes).toEqual([
          ['SUSPENDED', false],
          ['LOST', false],
          ['LOST', true],
        ])
        expect(await failure(client.get('/a'))).toBeInstanceOf(ConnectionClosedError)
        const error = await failure(client.start({ timeout: 500 }))
        expect(error).toBeInstanceOf(OperationTimeoutError)
      },
      { connectionRetry: { maxTries: 2, delay: 10 } },
    ))
})

describe('stop', () => {
  it('does nothing to a client that was never started', async () => {
    const client = new KazooClient()
    await client.stop()
    await client.stop()
    expect(client.state).toBe('LOST')
  })

  it('is the same twice, and resolves when the server has closed the session', () =>
    world(async ({ client, states, connect }) => {
      const connection = await connect()
      const first = client.stop()
      const second = client.stop()
      let done = false
      void first.then(() => (done = true))
      const request = await connection.expect('closeSession')
      expect(done).toBe(false)
      connection.answer(request, 'closeSession', undefined)
      await Promise.all([first, second, client.stop()])
      await connection.closed
      expect(states).toEqual([
        ['CONNECTED', undefined],
        ['LOST', undefined],
      ])
    }))

  it('lets what is in flight be answered first, and refuses what comes later', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const get = client.exists('/a')
      const stopping = client.stop()
      expect(await failure(client.get('/b'))).toBeInstanceOf(ConnectionClosedError)
      connection.fail(await connection.expect('exists'), -101)
      expect(await get).toBeNull()
      await answerClose(connection)
      await stopping
    }))

  it('right after start ends it: nothing is dialled later', () =>
    world(async ({ sim, client, server }) => {
      const starting = failure(client.start())
      await client.stop()
      expect(await starting).toBeInstanceOf(ConnectionClosedError)
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(0)
      expect(client.state).toBe('LOST')
    }))

  it('during an attempt ends the attempt', () =>
    world(async ({ sim, client, server }) => {
      const starting = failure(client.start())
      const connection = await server.next()
      await connection.handshake
      await client.stop()
      expect(await starting).toBeInstanceOf(ConnectionClosedError)
      await connection.closed
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
    }))

  it('while suspended ends the search, and rejects what waits', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      await server.stop()
      await connection.closed
      await sim.until(() => client.state === 'SUSPENDED')
      const waiting = failure(client.get('/a'))
      await client.stop()
      expect(await waiting).toBeInstanceOf(ConnectionClosedError)
      expect(client.state).toBe('LOST')
      await server.listen(2181, '0.0.0.0')
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
    }))

  it('ends when the server closes the connection without an answer', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const stopping = client.stop()
      await connection.expect('closeSession')
      connection.socket.destroy()
      await stopping
      expect(client.state).toBe('LOST')
    }))

  it('lets a start that was made meanwhile follow', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      const stopping = client.stop()
      const starting = client.start()
      await answerClose(connection)
      await stopping
      const second = await server.next()
      await second.accept({ timeout, sessionId: 2n })
      expect(await starting).toBe(client)
      expect(client.session?.id).toBe(2n)
    }))

  it('has the last word over a start that waits for an earlier stop', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const first = client.stop()
      const starting = failure(client.start())
      const second = client.stop()
      await answerClose(connection)
      await Promise.all([first, second])
      expect(await starting).toBeInstanceOf(ConnectionClosedError)
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
      expect(client.state).toBe('LOST')
    }))

  it('does not end a start that was made after it, when an earlier start fails of it', () =>
    world(async ({ client, server }) => {
      const first = failure(client.start())
      const connection = await server.next()
      await connection.handshake
      const stopping = client.stop()
      const second = client.start()
      expect(await first).toBeInstanceOf(ConnectionClosedError)
      await stopping
      const next = await server.next()
      await next.accept({ timeout })
      expect(await second).toBe(client)
      expect(client.state).toBe('CONNECTED')
    }))

  it('leaves a start that waits for it to its signal', () =>
    world(async ({ sim, client, server, connect }) => {
      const connection = await connect()
      const stopping = client.stop()
      const controller = new AbortController()
      const starting = failure(client.start({ signal: controller.signal }))
      controller.abort(new Error('no more'))
      await answerClose(connection)
      await stopping
      expect(await starting).toMatchObject({ message: 'no more' })
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(1)
      // The failed start is not what a later one resolves to.
      await connect()
      expect(client.state).toBe('CONNECTED')
    }))

  it('says that it is the end to those who have heard LOST before', () =>
    world(async ({ sim, client, connect }) => {
      await connect()
      const changes: unknown[] = []
      client.addListener((state, { stopped }) => void changes.push([state, stopped]))
      sim.network.partition(['client'], ['server'])
      await sim.until(() => client.state === 'LOST')
      await client.stop()
      await client.stop()
      expect(changes).toEqual([
        ['SUSPENDED', false],
        ['LOST', false],
        ['LOST', true],
      ])
    }))

  it('comes with the end of an await-using block', () =>
    world(async ({ sim, server }) => {
      let held: KazooClient
      {
        await using client = new KazooClient({ hosts: 'server', runtime: sim.runtime('client') })
        const starting = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        await starting
        void answerClose(connection)
        held = client
      }
      expect(held.state).toBe('LOST')
    }))
})

describe('restart', () => {
  it('makes a new session, and says that the LOST in between is not the end', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      const changes: unknown[] = []
      client.addListener((state, { stopped }) => void changes.push([state, stopped]))
      const restarting = client.restart()
      await answerClose(connection)
      const second = await server.next()
      expect((await second.accept({ timeout, sessionId: 2n })).sessionId).toBe(0n)
      expect(await restarting).toBe(client)
      expect(changes).toEqual([
        ['LOST', false],
        ['CONNECTED', false],
      ])
      const stopping = client.stop()
      await answerClose(second)
      await stopping
      expect(changes.at(-1)).toEqual(['LOST', true])
    }))

  it('that fails tells those who wait for a session that none will follow', () =>
    world(async ({ sim, client, connect }) => {
      await connect()
      sim.network.partition(['client'], ['server'])
      await sim.until(() => client.state === 'LOST')
      const changes: unknown[] = []
      client.addListener((state, { stopped }) => void changes.push([state, stopped]))
      await failure(client.restart({ timeout: 100 }))
      expect(changes).toEqual([['LOST', true]])
    }))
})

describe('state listeners', () => {
  it('hear each state once', () =>
    world(async ({ sim, client, server, states, connect }) => {
      const heard: string[] = []
      const listener = (state: string): void => void heard.push(state)
      client.addListener(listener)
      client.addListener(listener)
      const connection = await connect()
      connection.socket.destroy()
      const second = await server.next()
      await second.refuse()
      const third = await server.next()
      await third.accept({ timeout, sessionId: 3n })
      await sim.until(() => client.state === 'CONNECTED')
      const stopping = client.stop()
      await answerClose(third)
      await stopping
      expect(heard).toEqual(['CONNECTED', 'SUSPENDED', 'LOST', 'CONNECTED', 'LOST'])
      expect(states).toEqual([
        ['CONNECTED', undefined],
        ['SUSPENDED', 'Error'],
        ['LOST', 'SessionExpiredError'],
        ['CONNECTED', undefined],
        ['LOST', undefined],
      ])
    }))

  it('are dropped when they return true, or are removed', () =>
    world(async ({ sim, client, connect }) => {
      const heard: string[] = []
      client.addListener((state) => {
        heard.push(`once ${state}`)
        return true
      })
      const removed = (state: string): void => void heard.push(`removed ${state}`)
      client.addListener(removed)
      client.addListener((state) => void heard.push(state))
      client.removeListener(removed)
      const connection = await connect()
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      expect(heard).toEqual(['once CONNECTED', 'CONNECTED', 'SUSPENDED'])
    }))

  it('that throw are reported as uncaught, and do not keep others from hearing', async () => {
    const heard: string[] = []
    const uncaught = await uncaughtDuring(() =>
      world(async ({ client, connect }) => {
        client.addListener((state) => {
          throw new Error(`mine: ${state}`)
        })
        client.addListener((state) => void heard.push(state))
        await connect()
        expect(client.state).toBe('CONNECTED')
      }),
    )
    expect(heard).toEqual(['CONNECTED'])
    expect(uncaught).toMatchObject([{ message: 'mine: CONNECTED' }])
  })

  it.each([
    ['CONNECTED', ['CONNECTED', 'LOST']],
    ['SUSPENDED', ['CONNECTED', 'SUSPENDED', 'LOST']],
    // The second tells that it was stopped.
    ['LOST', ['CONNECTED', 'SUSPENDED', 'LOST', 'LOST']],
  ])('may stop the client at %s', (when, expected) =>
    world(async ({ sim, client, server, states }) => {
      const stops: Promise<void>[] = []
      client.addListener((state) => {
        if (state === when && stops.length === 0) stops.push(client.stop())
      })
      const late: string[] = []
      client.addListener((state) => void late.push(state))
      const starting = client.start().catch(() => {})
      const connection = await server.next()
      await connection.accept({ timeout })
      await sim.sleep(10)
      if (when === 'CONNECTED') await answerClose(connection)
      else connection.socket.destroy()
      if (when === 'LOST') await (await server.next()).refuse()
      await sim.until(() => stops.length > 0)
      await Promise.all(stops)
      await starting
      expect(states.map(([state]) => state)).toEqual(expected)
      expect(late).toEqual(expected)
      const count = server.connections.length
      await sim.sleep(20_000)
      expect(server.connections).toHaveLength(count)
    }),
  )

  it('must be functions', () => {
    const client = new KazooClient()
    for (const wrong of [undefined, null, 'x', {}]) {
      expect(() => client.addListener(wrong as never)).toThrow(TypeError)
      expect(() => client.addListener(wrong as never)).toThrow(/listener must be a function/)
    }
  })
})
