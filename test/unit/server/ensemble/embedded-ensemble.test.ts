import { describe, expect, it } from 'vitest'

import { NotReadOnlyError, type KazooState } from '../../../../src/index.ts'
import { EmbeddedEnsemble, type EmbeddedEnsembleOptions } from '../../../../src/server/index.ts'
import { handshakeFrame, requestFrame, type RawHandshake } from '../../../support/raw-client.ts'
import { RawPeer } from '../../../support/raw-peer.ts'
import { world } from './world.ts'

describe('EmbeddedEnsemble', () => {
  it('has one leader, which the others follow', () =>
    world(
      async ({ ensemble, connect }) => {
        expect(ensemble.leader).toBe(3)
        expect(ensemble.members.map(({ role }) => role)).toEqual(['follower', 'follower', 'leader', 'observer'])
        const [follower, leader, observer] = await Promise.all([connect([1]), connect([3]), connect([4])])
        expect(await follower.command('srvr')).toContain('Mode: follower')
        expect(await leader.command('srvr')).toContain('Mode: leader')
        expect(await observer.command('srvr')).toContain('Mode: observer')
      },
      { observers: 1 },
    ))

  it('shows what one member wrote on all of them, with its events and the same zxids', () =>
    world(async ({ sim, connect }) => {
      const [one, two] = await Promise.all([connect([1]), connect([2])])
      const events: string[] = []
      await two.exists('/a', { watch: ({ type, path }) => void events.push(`${type} ${path}`) })
      const { stat } = await one.create('/a', 'x', { includeStat: true, ephemeral: true })
      await sim.until(() => events.length > 0)
      expect(events).toEqual(['CREATED /a'])
      expect((await two.get('/a')).stat).toEqual(stat)
      await one.stop()
      expect(await two.exists('/a')).toBeNull()
    }))

  it('lets a follower lag, and catch up with sync', () =>
    world(async ({ ensemble, connect }) => {
      const [one, two] = await Promise.all([connect([1]), connect([2])])
      ensemble.member(2).lag = 60_000
      await one.create('/a')
      expect(await two.exists('/a')).toBeNull()
      await two.sync('/')
      expect(await two.exists('/a')).not.toBeNull()
      await one.create('/b')
      // A write finds what was written before it, wherever that was.
      await expect(two.create('/b')).rejects.toMatchObject({ code: 'NODE_EXISTS' })
    }))

  it('applies what it lags behind before it ends a session', () =>
    world(async ({ ensemble, connect }) => {
      const [one, leader, other] = await Promise.all([connect([1]), connect([3]), connect([1])])
      ensemble.member(3).lag = 60_000
      await one.create('/a')
      await other.create('/b', '', { ephemeral: true })
      expect(ensemble.expireSession(other.session!.id)).toBe(true)
      expect(await leader.exists('/a')).not.toBeNull()
      expect(await leader.exists('/b')).toBeNull()
    }))

  it('refuses a client that has seen more than a member knows', () =>
    world(async ({ sim, ensemble, connect }) => {
      ensemble.member(1).lag = 1_000_000
      const client = await connect([1, 3], { randomizeHosts: false })
      client.setHosts(`servers:${ensemble.member(3).port}`)
      ensemble.member(1).server.dropConnections()
      await sim.until(() => client.state === 'SUSPENDED')
      await client.create('/a')
      client.setHosts(
        [1, 3].map((id) => `servers:${ensemble.member(id).port}`),
        { randomizeHosts: false },
      )
      ensemble.member(3).server.dropConnections()
      await sim.until(() => client.state === 'SUSPENDED')
      await client.get('/a')
      expect(ensemble.member(1).server.connectionCount).toBe(0)
    }))

  it('keeps sessions and data when its leader stops, and takes it in again', () =>
    world(async ({ sim, ensemble, connect }) => {
      const client = await connect()
      const states: KazooState[] = []
      client.addListener((state) => void states.push(state))
      await client.create('/a', 'x', { ephemeral: true })
      const id = client.session?.id
      await ensemble.stopMember(3)
      expect(ensemble.leader).toBe(2)
      await client.retry(() => client.set('/a', 'y'))
      await sim.until(() => client.connected)
      expect(client.session?.id).toBe(id)
      expect(states).not.toContain('LOST')
      const before = ensemble.member(3).port
      await ensemble.startMember(3)
      expect(ensemble.member(3).role).toBe('follower')
      expect(ensemble.member(3).port).toBe(before)
      expect(String((await (await connect([3])).get('/a')).data)).toBe('y')
      // The epoch is the upper half of a zxid.
      expect((await client.get('/a')).stat.mzxid >> 32n).toBe(2n)
    }))

  it('serves nobody without a quorum, and goes on with one', () =>
    world(async ({ sim, ensemble, connect }) => {
      const client = await connect()
      await ensemble.stopMember(3)
      await ensemble.stopMember(2)
      expect(ensemble.leader).toBeNull()
      expect(ensemble.member(1).role).toBe('looking')
      await sim.until(() => client.state === 'LOST')
      const writing = client.create('/a')
      await ensemble.startMember(2)
      await writing
      expect(ensemble.leader).toBe(2)
    }))

  it('goes on answering reads and pings where a follower is cut off, until it notices; its sessions expire', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const [cutOff, other] = await Promise.all([connect([1]), connect([3])])
        await cutOff.create('/held', '', { ephemeral: true })
        ensemble.partition([1], [2, 3])
        await other.create('/new')
        expect(await cutOff.exists('/new')).toBeNull()
        const write = cutOff.create('/lost').catch((error: unknown) => error)
        await sim.until(() => !other.connected || ensemble.member(3).server.connectionCount > 0)
        const gone = (async () => {
          while ((await other.exists('/held')) !== null) await sim.sleep(100)
          return sim.now
        })()
        const startedAt = sim.now
        // The leader ends the session while the follower would still answer.
        expect((await gone) - startedAt).toBeLessThan(20_000)
        expect(ensemble.member(1).role).toBe('follower')
        await sim.until(() => cutOff.state !== 'CONNECTED')
        expect(await write).toMatchObject({ code: 'CONNECTION_LOSS' })
        ensemble.heal()
        await sim.until(() => cutOff.connected)
        expect(await cutOff.exists('/new')).not.toBeNull()
      },
      { noticeAfter: 30_000 },
    ))

  it('lets what waited go on when the members find each other in time', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const client = await connect([1])
        ensemble.partition([1], [2, 3])
        const writing = client.create('/a')
        await sim.sleep(200)
        ensemble.heal()
        await writing
        expect(client.connected).toBe(true)
      },
      { noticeAfter: 2_000 },
    ))

  it('closes the old connection of a session that has moved, if nobody is there any more', () =>
    world(async ({ sim, ensemble }) => {
      const [one, two] = [ensemble.member(1), ensemble.member(2)]
      const dial = async ({ port }: { readonly port: number }, handshake: RawHandshake): Promise<RawPeer> => {
        const peer = RawPeer.dial(sim.runtime('raw'), sim.address('servers'), port)
        await peer.opened
        peer.socket.write(handshakeFrame({ timeout: 4_000, ...handshake }))
        await peer.received(41)
        return peer
      }
      const lost = await dial(one, {})
      const sessionId = lost.bytes.readBigInt64BE(12)
      const password = lost.bytes.subarray(24, 40)
      const alive = await dial(two, { sessionId, password })
      let expired = false
      void alive.closed.then(() => (expired = true))
      const since = sim.now
      while (one.server.connectionCount > 0) {
        alive.socket.write(requestFrame('ping', undefined, -2))
        await sim.sleep(500)
      }
      expect(sim.now - since).toBeGreaterThan(3_000)
      expect(sim.now - since).toBeLessThan(6_000)
      expect([expired, two.server.connectionCount]).toEqual([false, 1])
    }))

  it('elects another leader when the old one is cut off from most', () =>
    world(async ({ sim, ensemble, connect }) => {
      const client = await connect()
      ensemble.partition([3], [1, 2])
      await sim.until(() => ensemble.leader === 2)
      await client.retry(() => client.create('/a'))
      expect(ensemble.member(3).role).toBe('looking')
      ensemble.heal()
      expect(ensemble.member(3).role).toBe('follower')
    }))

  it('serves reads on a member without a quorum where read-only mode is on', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const writer = await connect([3])
        await writer.create('/a', 'x')
        ensemble.partition([1], [2, 3])
        await sim.until(() => ensemble.member(1).role === 'read-only')
        const reader = await connect([1], { readOnly: true })
        expect(String((await reader.get('/a')).data)).toBe('x')
        await expect(reader.set('/a', 'y')).rejects.toBeInstanceOf(NotReadOnlyError)
        expect(await reader.command('isro')).toBe('ro')
      },
      { readOnlyMode: true },
    ))

  it('starts a member once, however often it is asked', () =>
    world(async ({ ensemble, connect }) => {
      await ensemble.stopMember(1)
      const client = await connect([2])
      await Promise.all([ensemble.startMember(1), ensemble.startMember(1)])
      await client.create('/x')
      expect(await (await connect([1])).exists('/x')).not.toBeNull()
    }))

  it('stops a member that is about to start', async () => {
    const ensemble = await new EmbeddedEnsemble().start()
    await ensemble.stopMember(1)
    const starting = ensemble.startMember(1)
    await ensemble.stop()
    await starting.catch(() => {})
    expect(ensemble.members.map(({ running }) => running)).toEqual([false, false, false])
  })

  it('names wrong options', () => {
    const aloneOnly = [
      'port',
      'securePort',
      'readOnly',
      'dataDir',
      'dataLogDir',
      'snapCount',
      'snapRetainCount',
      'onFailure',
    ]
    for (const name of aloneOnly) {
      expect(() => new EmbeddedEnsemble({ [name]: undefined })).toThrow(`"${name}"`)
    }
    expect(() => new EmbeddedEnsemble({ size: 0 })).toThrow(/size/)
    expect(() => new EmbeddedEnsemble({ ports: [1] })).toThrow(/ports/)
    expect(() => new EmbeddedEnsemble({ ports: 'abc' as unknown as number[] })).toThrow(/ports must be an array/)
    expect(() => new EmbeddedEnsemble({ ports: [1, 2, 65_536] })).toThrow(/ports.*65536/)
    expect(() => new EmbeddedEnsemble(null as unknown as EmbeddedEnsembleOptions)).toThrow(/options/)
    expect(() => new EmbeddedEnsemble({ sise: 3 } as EmbeddedEnsembleOptions)).toThrow(/sise/)
    expect(() => new EmbeddedEnsemble().member(4)).toThrow(/id/)
  })
})
