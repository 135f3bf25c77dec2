import { describe, expect, it } from 'vitest'

import { KazooClient, type HostProvider, type KazooClientOptions, type KazooState } from '../../../src/index.ts'
import { EmbeddedEnsemble } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/testing/index.ts'

interface World {
  readonly sim: Simulation
  readonly ensemble: EmbeddedEnsemble
  readonly client: KazooClient
  /** The states that the client went through since it was connected. */
  readonly states: KazooState[]
  /** What it logged as a warning. */
  readonly warnings: { readonly err?: Error }[]
  /** What it dialled, as `address:port`. */
  readonly dialled: string[]
  /** Which member serves the client. */
  readonly member: () => number | undefined
  readonly reconnected: () => Promise<void>
}

const ports = [2181, 2182, 2183]
const all = ports.map((port) => `servers:${port}`)

/** A client of an ensemble, whose members are `servers:2181` and so on, and `10.5.0.<id>:2181` too. */
async function world(
  options: KazooClientOptions,
  script: (world: World) => Promise<void>,
  seed?: number,
): Promise<void> {
  const sim = new Simulation({ seed })
  await sim.run(async () => {
    const ensemble = await new EmbeddedEnsemble({ runtime: sim.runtime('servers'), host: '0.0.0.0', ports }).start()
    sim.names.set('zk', [sim.address('servers')])
    const warnings: World['warnings'] = []
    const dialled: string[] = []
    const nothing = (): void => {}
    const client = new KazooClient({
      hosts: all,
      runtime: sim.runtime('client'),
      sessionTimeout: 9_000,
      logger: {
        debug: (details, message) =>
          void (message === 'connecting to ZooKeeper' && dialled.push((details as { server: string }).server)),
        info: nothing,
        warn: (details) => void warnings.push(details),
        error: nothing,
      },
      ...options,
    })
    await client.start()
    const states: KazooState[] = []
    client.addListener((state) => void states.push(state))
    const member = (): number | undefined =>
      ensemble.members.find(({ server }) => server.connectionCount > 0 && client.connected)?.id
    const reconnected = (): Promise<void> => sim.until(() => states.at(-1) === 'CONNECTED')
    await script({ sim, ensemble, client, states, warnings, dialled, member, reconnected })
    await client.stop()
    await ensemble.stop()
  })
}

describe('setHosts', () => {
  it('moves to an added server or stays, and the session goes with it', async () => {
    let moved = 0
    const seeds = Array.from({ length: 40 }, (_, index) => index + 1)
    for (const seed of seeds) {
      await world(
        { hosts: all.slice(0, 1) },
        async ({ sim, client, states, member, reconnected }) => {
          const { session } = client
          await client.create('/a', '', { ephemeral: true })
          client.setHosts(all)
          if (client.connected) {
            await sim.sleep(60_000)
            expect(states).toEqual([])
            expect(member()).toBe(1)
          } else {
            moved++
            await reconnected()
            expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
            expect(member()).not.toBe(1)
          }
          expect((await client.exists('/a'))?.ephemeralOwner).toBe(session?.id)
        },
        seed,
      )
    }
    // Two of three are to move, and with these seeds always as many do.
    expect(moved).toBeGreaterThan(20)
    expect(moved).toBeLessThan(34)
  })

  it('rejects what is in flight when it moves, and sends what comes then to the new server', () =>
    world({ hosts: all.slice(0, 1) }, async ({ client, member, reconnected }) => {
      const inFlight = client.exists('/')
      client.setHosts(all.slice(1, 2))
      const queued = client.exists('/')
      await expect(inFlight).rejects.toMatchObject({ code: 'CONNECTION_LOSS' })
      expect(await queued).not.toBeNull()
      await reconnected()
      expect(member()).toBe(2)
    }))

  it('goes back to a server that it knew where none of the added ones can be reached', () =>
    world(
      { hosts: all.slice(0, 1) },
      async ({ client, states, member, reconnected }) => {
        for (let round = 2; states.length === 0; round++)
          client.setHosts([all[0]!, ...Array.from({ length: round ** 2 }, (_, i) => `servers:${5_000 + i}`)])
        await reconnected()
        expect(member()).toBe(1)
        expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
      },
      1,
    ))

  it('changes nothing for the same servers, in another order too', () =>
    world({}, async ({ sim, client, states }) => {
      for (let i = 0; i < 100; i++) client.setHosts(all.toReversed(), { randomizeHosts: i % 2 === 0 })
      await sim.sleep(60_000)
      expect(states).toEqual([])
      expect(client.hosts).toEqual(all.toReversed())
    }))

  it('leaves a client alone that is to try servers in turn, unless its server is gone', () =>
    world({ hosts: all.slice(0, 1), randomizeHosts: false }, async ({ client, states, member, reconnected }) => {
      for (let added = 0; added < 100; added++)
        client.setHosts([...all, ...Array.from({ length: added }, (_, i) => `more:${i + 1}`)])
      expect(states).toEqual([])
      client.setHosts(all.slice(1))
      await reconnected()
      expect(member()).toBe(2)
    }))

  it('knows its server by its address too', () =>
    world({ hosts: all.slice(0, 1) }, async ({ sim, client, states }) => {
      const [{ address }] = (await sim.runtime('client').resolve('servers')) as unknown as [{ address: string }]
      client.setHosts(`${address}:2181`)
      await sim.sleep(60_000)
      expect(states).toEqual([])
    }))

  it('ends a dial to a server that is no more, and takes the others at once', () =>
    world({}, async ({ sim, ensemble, client, states, member, reconnected }) => {
      client.setHosts('10.77.0.1:2181')
      await sim.sleep(1_000)
      const from = sim.now
      client.setHosts(all)
      await reconnected()
      expect(sim.now - from).toBeLessThan(100)
      expect(ensemble.members.map(({ id }) => id)).toContain(member())
      expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
    }))

  it('does not wait for a look-up of the servers before', () =>
    world({}, async ({ sim, client, reconnected }) => {
      sim.names.set('hangs', () => new Promise<never>(() => {}) as never)
      client.setHosts('servers:9')
      client.setHosts('hangs')
      await sim.sleep(100)
      const from = sim.now
      client.setHosts(all)
      await reconnected()
      expect(sim.now - from).toBeLessThan(100)
    }))

  it('does not wait for the end of a pause between rounds', () =>
    world(
      { connectionRetry: { delay: 3_600_000, maxDelay: 3_600_000 }, sessionTimeout: 9_000 },
      async ({ sim, client, warnings, reconnected }) => {
        client.setHosts('servers:9')
        await sim.until(() => warnings.some(({ err }) => err?.message.includes('ECONNREFUSED')))
        await sim.sleep(1_000)
        const from = sim.now
        client.setHosts(all)
        await reconnected()
        expect(sim.now - from).toBeLessThan(100)
      },
    ))
})

describe('a server that swallows what is sent to it', () => {
  it.each([1, 2, 4])('costs no more than its share of the session timeout: %i of them, first in the list', (count) => {
    const holes = Array.from({ length: count }, (_, index) => `10.77.0.${index + 1}:2181`)
    return world({ hosts: all[0]!, randomizeHosts: false }, async ({ sim, client, states, reconnected }) => {
      const from = sim.now
      // Its server is gone, so that it searches.
      client.setHosts([...holes, all[1]!])
      await reconnected()
      const spent = sim.now - from
      const share = 9_000 / Math.max(3, count + 1)
      expect(spent).toBeGreaterThanOrEqual(share * count - 1)
      expect(spent).toBeLessThan(share * count + 200)
      expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
    })
  })
})

describe('a name whose addresses change', () => {
  it('is looked up anew when the connection is lost, and not before', () =>
    world({ hosts: 'zk:2181' }, async ({ sim, ensemble, dialled, states, reconnected }) => {
      const address = sim.address('servers')
      // A host that refuses: there is no server.
      sim.runtime('elsewhere')
      sim.names.set('zk', ['elsewhere'])
      await sim.sleep(60_000)
      expect(states).toEqual([])
      ensemble.member(1).server.dropConnections()
      await sim.until(() => dialled.length > 1)
      sim.names.set('zk', [address])
      await reconnected()
      expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
      expect(dialled[0]).toBe(`${address}:2181`)
      expect(dialled[1]).toBe(`${sim.address('elsewhere')}:2181`)
      expect(dialled.at(-1)).toBe(`${address}:2181`)
    }))

  it('is followed while a client searches, over rounds in which there is no answer at all', () =>
    world({}, async ({ sim, client, dialled, warnings, reconnected }) => {
      sim.names.set('zk', ['10.5.0.7', '10.5.0.8'])
      client.setHosts('zk:2181')
      await sim.until(() => dialled.includes('10.5.0.7:2181') && dialled.includes('10.5.0.8:2181'))
      sim.names.set('zk', [])
      await sim.until(() => warnings.some(({ err }) => /ENOTFOUND|has no address/.test(err?.message ?? '')))
      sim.names.set('zk', [sim.address('servers')])
      await reconnected()
      expect(client.connected).toBe(true)
    }))
})

describe('hosts as a function', () => {
  it('is asked anew for each round, and not while the client is connected', () => {
    const answers: (readonly string[] | string)[] = [all.slice(0, 1), 'servers:9', all.slice(1, 2)]
    let asked = 0
    return world(
      { hosts: () => answers[Math.min(asked++, 2)]! },
      async ({ sim, ensemble, client, states, member, reconnected }) => {
        expect(client.hosts).toEqual(['servers:2181'])
        expect(client.chroot).toBe('')
        await sim.sleep(60_000)
        expect(asked).toBe(1)
        ensemble.member(1).server.dropConnections()
        await reconnected()
        expect(asked).toBe(3)
        expect(member()).toBe(2)
        expect(client.hosts).toEqual(['servers:2182'])
        expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
      },
    )
  })

  it.each<[string, HostProvider, RegExp]>([
    ['throws', () => raise(new Error('no catalogue')), /^no catalogue$/],
    ['rejects', () => Promise.reject(new Error('no catalogue')), /^no catalogue$/],
    // oxlint-disable-next-line prefer-promise-reject-errors -- other people's functions may
    ['rejects with what is no error', () => Promise.reject('odd'), /^undefined$/],
    ['gives nothing', () => undefined as never, /^hosts must be a string or an array of strings, not undefined$/],
    ['gives an empty list', () => [], /^hosts: an empty server/],
    ['gives what is no string', () => [{ toString: () => 'servers:2181' }] as never, /^hosts must hold strings/],
    ['gives no host', () => 'not a host', /is not a host name/],
    ['gives no port', () => ['servers:99999'], /is not a port/],
    ['gives a chroot', () => ['servers:2181', '/app'], /^hosts: a function gives no chroot, as in "\/app"$/],
    ['gives what throws when it is read', () => new Proxy([], { get: () => raise(new Error('trap')) }), /^trap$/],
    ['never answers', () => new Promise(() => {}), /did not answer within 3000 ms/],
  ])('that %s has failed a round, which is logged and tried again', (_, bad, message) => {
    let asked = 0
    return world(
      { hosts: (options) => (asked++ === 0 ? all : asked <= 4 ? bad(options) : all) },
      async ({ sim, ensemble, client, warnings, member, reconnected }) => {
        warnings.length = 0
        ensemble.member(member()!).server.dropConnections()
        await sim.until(() => client.state !== 'CONNECTED')
        await reconnected()
        expect(asked).toBe(5)
        const causes = warnings.map(({ err }) => err).filter((cause) => cause?.message.includes('given as hosts'))
        expect(causes).toHaveLength(3)
        for (const cause of causes) {
          expect(cause?.message).toMatch(/^the function given as hosts (failed, or gave no servers|did not answer)/)
          const why = cause!.message.includes('did not answer') ? cause : (cause!.cause as Error | undefined)
          expect(String(why?.message)).toMatch(message)
        }
      },
    )
  })

  it('ends the client when it fails more often than that is allowed', async () => {
    const sim = new Simulation()
    await sim.run(async () => {
      const client = new KazooClient({
        hosts: () => raise(new Error('no catalogue')),
        connectionRetry: { maxTries: 3 },
        runtime: sim.runtime('client'),
      })
      await expect(client.start()).rejects.toMatchObject({
        message: /given as hosts failed/,
        cause: { message: 'no catalogue' },
      })
      expect(client.hosts).toEqual([])
    })
  })

  it('is told when its answer is no longer wanted', async () => {
    const signals: AbortSignal[] = []
    const hangs: HostProvider = ({ signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    await world({}, async ({ sim, client, reconnected }) => {
      client.setHosts('servers:9')
      client.setHosts(hangs)
      await sim.until(() => signals.length === 2)
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
      client.setHosts(all)
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
      await reconnected()
      client.setHosts(hangs)
      client.setHosts('servers:9')
      client.setHosts(hangs)
      await sim.until(() => signals.length === 3)
    })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
  })

  it('may be given later, and leaves the connection there is', () =>
    world({}, async ({ sim, ensemble, client, states, member, reconnected }) => {
      const other = member() === 3 ? 2 : 3
      client.setHosts(() => all[other - 1]!)
      await sim.sleep(60_000)
      expect(states).toEqual([])
      expect(client.hosts).toEqual(all)
      ensemble.member(member()!).server.dropConnections()
      await reconnected()
      expect(member()).toBe(other)
      expect(client.hosts).toEqual([all[other - 1]])
    }))
})

function raise(error: Error): never {
  throw error
}
