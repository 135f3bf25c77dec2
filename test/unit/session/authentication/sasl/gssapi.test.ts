import { afterEach, describe, expect, it, vi } from 'vitest'

import type { GssapiOptions, Kerberos } from '../../../../../src/index.ts'
import { SaslError } from '../../../../../src/protocol/sasl-error.ts'
import { GssapiClient } from '../../../../../src/session/authentication/sasl/gssapi.ts'
import { failure } from '../../../../support/world.ts'

/** What a Kerberos of the test's own was asked, and what it says. */
interface Script {
  readonly calls: unknown[][]
  readonly offer?: Buffer | null
  readonly fail?: 'initializeClient' | 'step' | 'unwrap' | 'wrap'
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')

/** As much of Kerberos as makes no difference: one token each way, then the layers. */
function fakeKerberos({ calls, offer = Buffer.from([7, 0, 1, 0]), fail }: Script): Kerberos {
  const say = async <T>(name: string, args: unknown[], value: T): Promise<T> => {
    calls.push([name, ...args])
    if (name === fail) throw new Error(`no ${name} today`)
    return value
  }
  let steps = 0
  const client = {
    get contextComplete() {
      return steps === 2
    },
    step: (challenge: string) => say('step', [challenge], ++steps === 1 ? base64('request') : null),
    unwrap: (challenge: string) => say('unwrap', [challenge], offer === null ? null : base64(offer)),
    wrap: (challenge: string, options: object) => say('wrap', [challenge, options], base64('wrapped')),
  }
  return { initializeClient: (...args) => say('initializeClient', args, client) }
}

function start(script: Script, options: Partial<GssapiOptions> = {}): Promise<GssapiClient> {
  return GssapiClient.create({ mechanism: 'GSSAPI', kerberos: fakeKerberos(script), ...options }, 'zk.example.com')
}

const [reply, offered] = [Buffer.from('reply'), Buffer.from('offer')]

describe('an exchange', () => {
  it('asks for mutual authentication, and for no protection of what follows', async () => {
    const calls: unknown[][] = []
    const client = await start({ calls })
    expect(String(await client.next(null))).toBe('request')
    expect(await client.next(reply)).toHaveLength(0)
    expect(String(await client.next(offered))).toBe('wrapped')
    expect(await client.next(null)).toBe(null)
    const [mutual, sequence, integrity] = [2, 8, 32]
    expect(calls).toEqual([
      ['initializeClient', 'zookeeper@zk.example.com', { flags: mutual | sequence | integrity, mechOID: 9 }],
      ['step', ''],
      ['step', base64('reply')],
      ['unwrap', base64('offer')],
      // The package reads a long of it, whatever was offered: never less than that.
      ['wrap', base64(Buffer.alloc(8)), { user: '', protect: false }],
    ])
    await expect(client.next(null)).rejects.toThrow('the exchange is over')
  })

  it.each([
    ['the name in hosts', {}, 'zookeeper@zk.example.com'],
    ['another service', { service: 'zk' }, 'zk@zk.example.com'],
    ['another host', { hostname: 'all.example.com' }, 'zookeeper@all.example.com'],
    ['a host by function', { hostname: (host: string) => `x-${host}` }, 'zookeeper@x-zk.example.com'],
    ['one that takes its time', { hostname: async (host: string) => `y-${host}` }, 'zookeeper@y-zk.example.com'],
  ] as [string, Partial<GssapiOptions>, string][])('is with the principal of %s', async (_name, options, expected) => {
    const calls: unknown[][] = []
    await start({ calls }, { ...options, principal: 'ada@EXAMPLE.COM' })
    expect(calls[0]?.slice(1, 3)).toMatchObject([expected, { principal: 'ada@EXAMPLE.COM' }])
  })

  it.each([
    ['says nothing where Kerberos is not done', [null]],
    ['says nothing at all', [Buffer.alloc(0)]],
    ['says nothing where it has to offer', [reply, null]],
    ['goes on where nothing is left', [reply, offered, Buffer.from('more')]],
  ])('fails with a server that %s: it has proven nothing', async (_name, tokens) => {
    const client = await start({ calls: [] })
    let token: Buffer | null | undefined = null
    const failed = (async () => {
      while (token !== undefined) {
        await client.next(token)
        token = tokens.shift()
      }
    })()
    await expect(failed).rejects.toThrow(SaslError)
    await expect(client.next(null)).rejects.toThrow('the exchange is over')
  })

  it.each([
    ['nothing', null],
    ['too little', Buffer.from([1])],
    ['too much', Buffer.from([1, 0, 0, 0, 0])],
    ['only what protects all that follows', Buffer.from([6, 0, 1, 0])],
  ])('fails with a server that offers %s, before the package sees it', async (_name, offer) => {
    const calls: unknown[][] = []
    const client = await start({ calls, offer })
    await client.next(null)
    await client.next(reply)
    await expect(client.next(offered)).rejects.toThrow(SaslError)
    expect(calls.map(([name]) => name)).not.toContain('wrap')
  })

  it.each(['initializeClient', 'step', 'unwrap', 'wrap'] as const)(
    'tells what Kerberos says of its %s',
    async (fail) => {
      const failed = (async () => {
        const client = await start({ calls: [], fail })
        for (const token of [null, reply, offered]) await client.next(token)
      })()
      await expect(failed).rejects.toMatchObject({ name: 'SaslError', message: `no ${fail} today` })
    },
  )

  it.each([[''], [5]])('takes no %j for a host', async (hostname) => {
    await expect(start({ calls: [] }, { hostname: () => hostname as string })).rejects.toThrow(TypeError)
  })
})

describe('the package', () => {
  afterEach(() => {
    vi.doUnmock('kerberos')
  })

  it.each([
    ['is missing, or was not built', () => Promise.reject(new Error('no native module'))],
    ['is another', () => ({ default: { connect: () => {} } })],
    ['is empty', () => ({ default: undefined })],
  ])('is named where it %s', async (_name, load) => {
    vi.doMock('kerberos', load)
    const error = await failure(GssapiClient.create({ mechanism: 'GSSAPI' }, 'zk'))
    expect(error).toBeInstanceOf(SaslError)
    expect(error.message).toBe('GSSAPI takes the optional package "kerberos", which cannot be loaded')
    expect(error.cause).toBeInstanceOf(Error)
  })

  it('is found by its name', async () => {
    const calls: unknown[][] = []
    vi.doMock('kerberos', () => ({ default: fakeKerberos({ calls }) }))
    await GssapiClient.create({ mechanism: 'GSSAPI' }, 'zk')
    expect(calls).toHaveLength(1)
  })
})
