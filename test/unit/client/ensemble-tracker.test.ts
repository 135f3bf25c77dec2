import { describe, expect, it } from 'vitest'

import { KazooClient, makeAcl, type KazooClientOptions, type KazooState } from '../../../src/index.ts'
import { EmbeddedEnsemble } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/testing/index.ts'
import { someStat } from '../../support/scripted-server.ts'
import { world as scriptedWorld } from '../../support/world.ts'

interface Told {
  readonly level: string
  readonly message: string
  readonly details: { readonly err?: Error }
}

interface World {
  readonly sim: Simulation
  readonly ensemble: EmbeddedEnsemble
  readonly client: KazooClient
  readonly admin: KazooClient
  /** Sets the ensemble's configuration, and resolves once the client has read it. */
  readonly configure: (...lines: string[]) => Promise<void>
  readonly states: KazooState[]
  /** What the tracker logged. */
  readonly told: Told[]
  /** Which member serves the client. */
  readonly member: () => number | undefined
  readonly connected: () => Promise<void>
}

const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs='
const authData = [{ scheme: 'digest', credential: 'super:admin' }]
const all = ['servers:2181', 'servers:2182', 'servers:2183']
const at = (id: number, address = `0.0.0.0:${2180 + id}`): string =>
  `server.${id}=servers:2888:3888:participant;${address}`

/** A client that tracks an ensemble of three, whose configuration is the test's to write. */
async function world(
  options: KazooClientOptions,
  script: (world: World) => Promise<void>,
  initial: readonly string[] = [],
): Promise<void> {
  const sim = new Simulation()
  await sim.run(async () => {
    const runtime = sim.runtime('servers')
    const ports = [2181, 2182, 2183]
    const ensemble = await new EmbeddedEnsemble({ runtime, host: '0.0.0.0', ports, superDigest }).start()
    const admin = await new KazooClient({ hosts: all[2]!, runtime: sim.runtime('admin'), authData }).start()
    await admin.set('/zookeeper/config', initial.join('\n'))
    const told: Told[] = []
    const log =
      (level: string) =>
      (details: object, message: string): void => {
        if (message.includes('ensemble')) told.push({ level, details, message })
      }
    const client = new KazooClient({
      hosts: all[0]!,
      runtime: sim.runtime('client'),
      sessionTimeout: 9_000,
      trackEnsemble: true,
      logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
      ...options,
    })
    await client.start()
    await sim.sleep(1_000)
    const states: KazooState[] = []
    client.addListener((state) => void states.push(state))
    const configure: World['configure'] = async (...lines) => {
      await admin.set('/zookeeper/config', lines.join('\n'))
      await sim.sleep(1_000)
    }
    const member = (): number | undefined =>
      client.connected
        ? ensemble.members.find(({ server }) => server.connectionCount > (server.port === 2183 ? 1 : 0))?.id
        : undefined
    const connected = (): Promise<void> => sim.until(() => client.connected)
    await script({ sim, ensemble, client, admin, configure, states, told, member, connected })
    await client.stop()
    await admin.stop()
    await ensemble.stop()
  })
}

describe('a client that tracks its ensemble', () => {
  it('takes over the configuration that it finds, without moving from a server that is in it', () =>
    world(
      {},
      async ({ client, states, told, member }) => {
        expect(client.hosts).toEqual(all)
        expect(states).toEqual([])
        expect(member()).toBe(1)
        expect(told).toMatchObject([{ level: 'info', message: 'following the ensemble', details: { servers: all } }])
      },
      [at(1), at(2), at(3)],
    ))

  it('goes after a change, and moves from a server that has left', () =>
    world({}, async ({ client, configure, states, member, connected }) => {
      await configure(at(1), at(2), at(3))
      expect(client.hosts).toEqual(all)
      const { session } = client
      await configure(at(2), at(3))
      await connected()
      expect(client.hosts).toEqual(all.slice(1))
      expect([2, 3]).toContain(member())
      expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
      await configure(at(3))
      await connected()
      expect(member()).toBe(3)
      expect(client.session?.id).toBe(session?.id)
    }))

  it('goes after a change that it was not connected to see', () =>
    world(
      {},
      async ({ sim, client, configure, states, connected }) => {
        sim.network.partition(['client'], ['servers'])
        await configure(at(2), at(1))
        await sim.until(() => client.state === 'LOST')
        sim.network.heal()
        await connected()
        await sim.until(() => client.hosts.length === 2)
        expect(client.hosts).toEqual([all[1], all[0]])
        expect(states).toContain('LOST')
      },
      [at(1), at(2), at(3)],
    ))

  it('goes on after a restart, with the servers it knows', () =>
    world(
      {},
      async ({ sim, client, configure, connected }) => {
        await client.restart()
        expect(client.hosts).toEqual(all)
        await client.stop()
        await configure(at(2))
        await client.start()
        await connected()
        await sim.until(() => client.hosts.length === 1)
        expect(client.hosts).toEqual(['servers:2182'])
        await configure(at(3))
        await connected()
        expect(client.hosts).toEqual(['servers:2183'])
      },
      [at(1), at(2), at(3)],
    ))

  it('reads it outside of its chroot', () =>
    world(
      { hosts: `${all[0]!}/app` },
      async ({ client, configure }) => {
        expect(client.hosts).toEqual(all)
        expect(client.chroot).toBe('/app')
        await configure(at(1), at(2))
        expect(client.hosts).toEqual(all.slice(0, 2))
      },
      [at(1), at(2), at(3)],
    ))

  it('does nothing where there is no configuration, and says nothing', () =>
    world({}, async ({ client, configure, states, told }) => {
      await configure('version=100000000')
      await configure('')
      expect(client.hosts).toEqual([all[0]])
      expect([states, told]).toEqual([[], []])
    }))

  it.each<[string, string[], RegExp]>([
    ['no addresses for clients', ['server.1=servers:1:2:participant', 'version=1'], /it names no address for clients /],
    ['what is not understood', ['server.1=what', at(2)], /it is not understood/],
    ['a host that clients cannot use', ['server.1=0.0.0.0:1:2;2181', at(2)], /it is not understood/],
    ['a name that is none', ['server.1=servers:1:2;a b:2181', at(2)], /it is not understood/],
    ['more than any has', ['x'.repeat(300_000), at(2)], /it has \d+ bytes/],
    [
      'names that have no address here',
      ['server.1=pod-1:1:2;2181', 'server.2=pod-2:1:2;2181'],
      /can be reached from here/,
    ],
    [
      'members that do not answer',
      ['server.1=10.9.9.1:1:2;2181', 'server.2=10.9.9.2:1:2;2181'],
      /can be reached from here/,
    ],
    ['members that refuse', ['server.1=servers:1:2;9'], /can be reached from here/],
  ])('leaves its servers as they are, and says so once, for %s', (_, lines, message) =>
    world({}, async ({ sim, ensemble, client, configure, states, told, connected }) => {
      await configure(...lines)
      await sim.sleep(10_000)
      expect(client.hosts).toEqual([all[0]])
      expect(states).toEqual([])
      ensemble.member(1).server.dropConnections()
      await sim.until(() => !client.connected)
      await connected()
      await sim.sleep(10_000)
      expect(told.map(({ level }) => level)).toEqual(['warn'])
      expect(told[0]?.message).toMatch(message)
    }),
  )

  it('goes back to the hosts it was given where none of the members can be reached any more', () =>
    world(
      { hosts: all },
      async ({ sim, client, configure, states, connected }) => {
        expect(client.hosts).toEqual([all[0], all[1]])
        await configure('server.7=gone:1:2;9', 'server.8=servers:1:2;9')
        await connected()
        // Once back, it does not try the same again.
        await sim.sleep(60_000)
        expect(client.hosts).toEqual(['gone:9', 'servers:9'])
        expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
        await configure(at(3))
        await connected()
        expect(client.hosts).toEqual([all[2]])
      },
      [at(1), at(2)],
    ))

  it('knows its server under another name', () =>
    world({}, async ({ sim, client, configure, states }) => {
      sim.names.set('zk1.example', ['servers'])
      await configure('server.1=zk1.example:1:2;2181', 'server.2=10.9.9.9:1:2;2181')
      expect(client.hosts).toEqual(['zk1.example:2181', '10.9.9.9:2181'])
      await configure('server.1=zk1.example:1:2;2181')
      expect(client.hosts).toEqual(['zk1.example:2181'])
      expect(states).toEqual([])
    }))

  it('asks a function for the addresses, where there is one', () => {
    const asked: unknown[] = []
    return world(
      {
        trackEnsemble: (member) => {
          asked.push(member)
          return member.role === 'observer' ? null : `servers:${2180 + member.id}`
        },
      },
      async ({ client, states }) => {
        expect(client.hosts).toEqual(all.slice(0, 2))
        expect(states).toEqual([])
        expect(asked).toEqual([
          { id: 1, role: 'participant', hosts: ['inner'], client: 'inner:7', secureClient: null },
          { id: 2, role: 'participant', hosts: ['::1'], client: null, secureClient: null },
          { id: 3, role: 'observer', hosts: ['inner'], client: null, secureClient: null },
        ])
      },
      ['server.1=inner:1:2;7', 'server.2=[::1]:1:2:participant', 'server.3=inner:1:2:observer'],
    )
  })

  it.each<[string, () => unknown]>([
    ['throws', () => raise(new Error('mine'))],
    ['gives no address', () => 'a b'],
    ['gives nothing', () => undefined],
  ])('survives a function that %s', (_, bad) =>
    world(
      { trackEnsemble: bad as never },
      async ({ client, states, told }) => {
        expect(client.hosts).toEqual([all[0]])
        expect(states).toEqual([])
        expect(told.map(({ level }) => level)).toEqual(['warn'])
        expect(told[0]?.details.err).toBeInstanceOf(Error)
      },
      [at(1)],
    ),
  )

  it('says so where the configuration may not be read, and stays connected', () =>
    world({}, async ({ sim, ensemble, client, admin, configure, told, states }) => {
      await admin.setAcls('/zookeeper/config', [makeAcl('digest', 'nobody:nothing', { all: true })])
      await configure(at(1))
      ensemble.member(1).server.dropConnections()
      await sim.until(() => told.length > 0)
      await sim.sleep(10_000)
      expect(client.hosts).toEqual([all[0]])
      expect(states).toEqual(['SUSPENDED', 'CONNECTED'])
      expect(told[0]).toMatchObject({ level: 'warn', details: { err: { code: 'NO_AUTH' } } })
      expect(told[0]?.message).toBe("the ensemble's configuration cannot be read")
    }))

  it('tries again, while it is connected, what failed for a reason that passes', () =>
    scriptedWorld(
      async ({ sim, client, connect }) => {
        const connection = await connect()
        for (const error of [-127, -127]) {
          const read = await connection.expect('getData')
          expect(read.values).toEqual({ path: '/zookeeper/config', watch: true })
          connection.fail(read, error)
        }
        const read = await connection.expect('getData')
        expect(sim.now).toBeGreaterThan(2_000)
        connection.answer(read, 'getData', {
          data: Buffer.from('server.1=server:1:2;2181\nserver.2=b:1:2;1'),
          stat: someStat,
        })
        await sim.until(() => client.hosts.length === 2)
      },
      { trackEnsemble: true },
    ))
})

describe('the option trackEnsemble', () => {
  it('is a boolean or a function', () => {
    for (const trackEnsemble of [1, 'yes', {}, null]) {
      expect(() => new KazooClient({ trackEnsemble: trackEnsemble as never })).toThrow(TypeError)
    }
    for (const trackEnsemble of [true, false, undefined, () => null]) {
      expect(() => new KazooClient({ trackEnsemble: trackEnsemble as never })).not.toThrow()
    }
  })

  it('and a function as hosts exclude each other', () => {
    expect(() => new KazooClient({ hosts: () => 'a', trackEnsemble: true })).toThrow(/trackEnsemble/)
    expect(() => new KazooClient({ trackEnsemble: true }).setHosts(() => 'a')).toThrow(/trackEnsemble/)
  })
})

function raise(error: Error): never {
  throw error
}
