import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'

import { describe, expect, it } from 'vitest'

import { channelNames } from '../../../src/common/channel-names.ts'
import { KazooClient, type Logger } from '../../../src/index.ts'
import { DigestMd5Server } from '../../../src/server/access/digest-md5.ts'
import type { ScriptedConnection } from '../../support/scripted-server.ts'
import { failure, timeout, world } from '../../support/world.ts'

const secret = 'tr0ub4dor'
const password = Buffer.from('0123456789abcdef')

/** All the ways in which a value may end in a log. */
function shown(value: unknown): string {
  const asJson = (): string => {
    try {
      return JSON.stringify({ value })
    } catch {
      // Some hold a bigint.
      return ''
    }
  }
  const ways = [
    inspect(value, { depth: Infinity }),
    inspect(value, { depth: Infinity, showHidden: true }),
    inspect(value, { depth: Infinity, customInspect: false }),
    inspect(Object.assign({}, value), { depth: Infinity }),
    asJson(),
    String(value),
    value instanceof Error ? `${value.stack} ${String(value.cause)}` : '',
  ]
  return ways.join('\n')
}

/** Neither in clear, nor as the bytes that inspection and JSON show of buffers. */
function expectNoSecret(value: unknown): void {
  const text = shown(value)
  for (const each of [Buffer.from(secret), password]) {
    expect(text).not.toContain(each.toString())
    expect(text).not.toContain(each.toString('hex'))
    expect(text).not.toContain(each.toString('hex').replace(/(..)(?=.)/g, '$1 '))
    expect(text).not.toContain(each.toString('base64'))
    expect(text).not.toContain([...each].join(','))
  }
}

describe('secrets', () => {
  it('are found by these tests, were they there', () => {
    const places = [{ a: secret }, { a: Buffer.from(secret) }, { a: password }, new Error(secret), [...password]]
    for (const value of places) expect(() => expectNoSecret(value)).toThrow()
  })

  it('are shown by no client, session, option or state, and written to no log', async () => {
    const entries: unknown[] = []
    const log = (...entry: unknown[]): void => void entries.push(entry)
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    const options = { logger, authData: [{ scheme: 'digest', credential: `user:${secret}` }] }
    await world(async ({ sim, client, server }) => {
      const changes: unknown[] = []
      client.addListener((state, change) => void changes.push([state, change]))
      const starting = client.start()
      const connection = await server.next()
      await connection.accept({ timeout, password })
      connection.answer(await connection.expect('auth'), 'auth', undefined)
      await starting
      const adding = client.addAuth('digest', Buffer.from(`other:${secret}`))
      connection.answer(await connection.expect('auth'), 'auth', undefined)
      await adding
      const refused = failure(client.addAuth('digest', `third:${secret}`))
      connection.fail(await connection.expect('auth'), -115)
      const lost = failure(client.get('/a'))
      connection.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      expect(client.session?.password.equals(password)).toBe(true)
      const session = client.session
      for (const value of [client, session, { session }, client.commandRetry, client.transaction(), changes]) {
        expectNoSecret(value)
      }
      for (const error of [await refused, await lost]) expectNoSecret(error)
      expect(inspect(session)).toBe("{ id: '0x10000', timeout: 6000 }")
      expect(JSON.stringify(session)).toBe('{"id":"0x10000","timeout":6000}')
    }, options)
    expect(entries.length).toBeGreaterThan(0)
    for (const entry of entries) expectNoSecret(entry)
  })

  it('of SASL are shown by nothing: neither where it succeeds, nor where it fails, at first and later', async () => {
    const entries: unknown[] = []
    const log = (...entry: unknown[]): void => void entries.push(entry)
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    const { request, connection: connecting, ...plain } = channelNames
    const traced = [request, connecting].flatMap((name) =>
      ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => `tracing:${name}:${event}`),
    )
    const channels = [...traced, ...Object.values(plain)]
    for (const name of channels) subscribe(name, log)
    const saslOptions = { mechanism: 'DIGEST-MD5', username: 'bob', password: secret } as const
    const tokens: string[] = []
    const accept = async (connection: ScriptedConnection, answers: readonly (string | null)[]): Promise<void> => {
      await connection.accept({ timeout, password })
      const sasl = new DigestMd5Server(new Map([['bob', secret]]), Buffer.alloc(30, 7))
      for (const answer of answers) {
        const request = await connection.expect('sasl')
        const sent = Buffer.from(request.values.token ?? [])
        if (sent.length > 0) tokens.push(/response=(\w+)/.exec(String(sent))![1]!)
        const token = answer === 'good' ? sasl.evaluate(sent) : answer === null ? null : Buffer.from(answer)
        connection.answer(request, 'sasl', { token }, 0n)
      }
    }
    const errors: unknown[] = []
    await world(
      async ({ sim, client, server, states }) => {
        const starting = client.start()
        await accept(await server.next(), ['good', 'good'])
        await starting
        client.addListener((...change) => errors.push(change))
        server.connections[0]!.socket.destroy()
        await accept(await server.next(), ['good', 'rspauth=none'])
        await accept(await server.next(), ['nonce="x",algorithm=md5-sess', null])
        await accept(await server.next(), ['good', 'good'])
        await sim.until(() => client.state === 'CONNECTED')
        entries.push(client, states)
      },
      { saslOptions, logger },
    )
    for (const answers of [['good', 'rspauth=none'], [null], ['nonsense']]) {
      await world(
        async ({ client, server }) => {
          const starting = failure(client.start())
          await accept(await server.next(), answers)
          errors.push(await starting)
        },
        { saslOptions, logger },
      )
    }
    for (const name of channels) unsubscribe(name, log)
    expect([entries.length > 0, errors.length > 3, tokens.length > 3]).toEqual([true, true, true])
    for (const value of [...entries, ...errors]) {
      expectNoSecret(value)
      for (const token of tokens) expect(shown(value)).not.toContain(token)
    }
  })

  it('are in no error about wrong arguments', async () => {
    const wrong = [
      { authData: [{ scheme: 'sasl', credential: secret }] },
      { saslOptions: secret },
      { saslOptions: { mechanism: secret } },
      { saslOptions: { mechanism: 'DIGEST-MD5', username: 5, password: secret } },
      { saslOptions: { mechanism: 'DIGEST-MD5', username: 'bob', password: `${secret}\0` } },
      { saslOptions: { mechanism: 'GSSAPI', password: secret } },
      { authData: [{ scheme: 5, credential: secret }] },
      { authData: [{ scheme: '', credential: secret }] },
      { authData: secret },
      { authData: [secret] },
      { session: { id: 5, password } },
      { session: { id: 5n, password: secret } },
    ]
    for (const options of wrong) {
      let error: unknown
      try {
        new KazooClient(options as never)
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(Error)
      expectNoSecret(error)
    }
    const client = new KazooClient()
    expectNoSecret(await failure(client.addAuth('', secret)))
    expectNoSecret(await failure(client.addAuth('digest', [secret] as never)))
    expectNoSecret(await failure(client.addAuth('digest', secret)))
    expectNoSecret(await failure(client.addAuth('digest', secret, { timeout: -1 })))
  })

  it('are in no error of a start that failed', () =>
    world(
      async ({ client, server }) => {
        const starting = failure(client.start())
        const connection = await server.next()
        await connection.accept({ timeout, password })
        connection.fail(await connection.expect('auth'), -115)
        expectNoSecret(await starting)
        expectNoSecret(client)
      },
      { authData: [{ scheme: 'digest', credential: `user:${secret}` }] },
    ))

  it('still make a session that another client can resume', () =>
    world(async ({ client, server, sim }) => {
      const starting = client.start()
      const connection = await server.next()
      await connection.accept({ timeout, password })
      await starting
      const session = client.session!
      const other = new KazooClient({ hosts: 'server', runtime: sim.runtime('other'), session })
      const resuming = other.start()
      const second = await server.next()
      const request = await second.accept({ timeout, password })
      expect(request).toMatchObject({ sessionId: session.id, password })
      await resuming
    }))
})
