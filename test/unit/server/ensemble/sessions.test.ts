import { describe, expect, it } from 'vitest'

import type { KazooClient, KazooState } from '../../../../src/index.ts'
import { handshakeFrame, openAcl, requestFrame } from '../../../support/raw-client.ts'
import { RawPeer } from '../../../support/raw-peer.ts'
import { tickTime, world, type World } from './world.ts'

const held = async (client: KazooClient, options: { readonly path?: string } = {}): Promise<void> => {
  await client.create(options.path ?? '/held', '', { ephemeral: true })
}

describe('the sessions of an EmbeddedEnsemble', () => {
  it('end when their leader has a quorum again, where their time was over before; its own clients it has heard', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const options = { sessionTimeout: 1_000 }
        const [dead, alive, own] = await Promise.all([
          connect([1], options),
          connect([2], options),
          connect([3], options),
        ])
        await Promise.all([held(dead, { path: '/dead' }), held(alive, { path: '/alive' }), held(own, { path: '/own' })])
        const states: KazooState[] = []
        alive.addListener((state) => void states.push(state))
        ensemble.partition([3], [1, 2])
        sim.pause('client0')
        await sim.sleep(4_000)
        expect(ensemble.leader).toBe(3)
        expect([alive.state, own.state]).toEqual(['CONNECTED', 'CONNECTED'])
        ensemble.heal()
        await sim.sleep(tickTime)
        expect([await own.exists('/dead'), await own.exists('/alive')]).toEqual([null, null])
        expect(await own.exists('/own')).not.toBeNull()
        sim.resume('client0')
        // What the follower has heard in the meantime came too late.
        await sim.until(() => states.includes('LOST'))
        await sim.sleep(3_000)
        expect(own.state).toBe('CONNECTED')
      },
      { noticeAfter: 60_000 },
    ))

  it('have their whole time again with another leader, also where it was over before', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const client = await connect([1], { sessionTimeout: 1_000 })
        await held(client)
        const { session } = client
        ensemble.partition([3], [1, 2])
        await sim.until(() => ensemble.leader === 2)
        expect(await client.retry(() => client.exists('/held'))).not.toBeNull()
        expect(client.session?.id).toBe(session?.id)
      },
      { noticeAfter: 3_000 },
    ))

  it('end for a member when it hears of it', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const [cutOff, lagging, other] = await Promise.all([connect([1]), connect([2]), connect([3])])
        await Promise.all([held(cutOff, { path: '/cut-off' }), held(lagging, { path: '/lagging' })])
        ensemble.partition([1], [2, 3])
        ensemble.member(2).lag = 1_000
        await sim.until(() => ensemble.member(2).behind === 0)
        expect(ensemble.expireSession(cutOff.session!.id)).toBe(true)
        expect(ensemble.expireSession(lagging.session!.id)).toBe(true)
        expect(await other.getChildren('/')).toEqual(['zookeeper'])
        await sim.sleep(900)
        expect([cutOff.state, lagging.state]).toEqual(['CONNECTED', 'CONNECTED'])
        await sim.until(() => lagging.state === 'LOST')
        expect(await cutOff.exists('/cut-off')).not.toBeNull()
        ensemble.heal()
        await sim.until(() => cutOff.state === 'LOST')
      },
      { noticeAfter: 60_000 },
    ))

  it('are not ended by anybody while there is no quorum', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const client = await connect([1])
        await held(client)
        const { id } = client.session!
        for (const groups of [
          [[3], [1, 2]],
          [[1], [2], [3]],
        ]) {
          ensemble.partition(...groups)
          expect(ensemble.expireSession(id)).toBe(false)
          expect(ensemble.member(3).server.expireSession(id)).toBe(false)
          expect(ensemble.member(1).server.faults.expireSession(id)).toBe(false)
          ensemble.heal()
        }
        expect(await client.exists('/held')).not.toBeNull()
        expect(ensemble.expireSession(id)).toBe(true)
        await sim.until(() => client.state === 'LOST')
      },
      { noticeAfter: 60_000 },
    ))

  it('have no more time because a member without a quorum is asked to end them', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        const [client, witness] = await Promise.all([connect([3]), connect([3])])
        await held(client)
        const { id } = client.session!
        ensemble.partition([1], [2, 3])
        await sim.until(() => ensemble.member(1).role === 'read-only')
        let isGone = false
        await witness.exists('/held', { watch: () => void (isGone = true) })
        sim.pause('client0')
        for (let asked = 0; asked < 100; asked++) {
          expect(ensemble.member(1).server.expireSession(id)).toBe(false)
          await sim.sleep(100)
        }
        expect(isGone).toBe(true)
        sim.resume('client0')
      },
      { readOnlyMode: true },
    ))

  it('that were made without a quorum are known where they were made alone, and end there', () =>
    world(
      async ({ sim, ensemble, connect }) => {
        ensemble.partition([1], [2], [3])
        await sim.until(() => ensemble.members.every(({ role }) => role === 'read-only'))
        const options = { readOnly: true, sessionTimeout: 1_000 }
        const [client, dead] = await Promise.all([connect([1], options), connect([1], options)])
        const first = client.session!.id
        client.setHosts(`servers:${ensemble.member(2).port}`)
        ensemble.member(1).server.dropConnections(first)
        await sim.until(() => client.connected && client.session?.id !== first)
        const { id } = dead.session!
        // It goes on as long as its client does, whatever the others do.
        ensemble.partition([1], [2, 3])
        await sim.sleep(10_000)
        expect(dead.session?.id).toBe(id)
        expect(ensemble.member(1).server.connectionCount).toBe(1)
        sim.pause('client1')
        await sim.until(() => ensemble.member(1).server.connectionCount === 0)
        sim.resume('client1')
        await sim.until(() => dead.connected && dead.session?.id !== id)
      },
      { readOnlyMode: true },
    ))
})

describe('what a leader has heard of a session', () => {
  const timeout = 4_000
  /** Two are granted at least. */
  const long = 2_000

  interface Told extends World {
    /** A client that says only what it is told to, and holds `/held`. The leader began 500 ms into a tick. */
    readonly peer: RawPeer
    readonly ping: () => void
    /** In which tick, from the one in which the leader began, the session ends. */
    readonly ends: () => Promise<number>
    /** From when the leader began. */
    readonly at: (time: number) => Promise<void>
  }

  const told = (at: 'follower' | 'leader', script: (told: Told) => Promise<void>): Promise<void> =>
    world(
      async (whole) => {
        const { sim, ensemble, connect } = whole
        await sim.sleep(long - (sim.now % long) + 500)
        ensemble.changeLeader(2)
        const begun = sim.now
        const witness = await connect([2], { sessionTimeout: 40_000 })
        const { port } = ensemble.member(at === 'leader' ? 2 : 1)
        const peer = RawPeer.dial(sim.runtime('raw'), sim.address('servers'), port)
        await peer.opened
        peer.socket.write(handshakeFrame({ timeout }))
        await peer.received(41)
        peer.socket.write(requestFrame('create', { path: '/held', data: null, acl: openAcl, flags: 1 }, 1))
        await peer.received(42)
        const ping = (): void => void peer.socket.write(requestFrame('ping', undefined, -2))
        const ends = async (): Promise<number> => {
          let isGone = false
          await witness.exists('/held', { watch: () => void (isGone = true) })
          await sim.until(() => isGone)
          return Math.floor((sim.now - begun + 500) / long)
        }
        await script({ ...whole, peer, ping, ends, at: (time) => sim.sleep(begun + time - sim.now) })
      },
      { tickTime: long, noticeAfter: 60_000 },
    )

  it('is from a follower what that has told it, every half tick', () =>
    told('follower', async ({ ensemble, ping, ends, at }) => {
      await at(1_600)
      ping()
      await at(1_900)
      // Known is what was told at 1,000: 5,500 ms into the ticks it is over.
      ensemble.partition([1], [2, 3])
      expect(await ends()).toBe(3)
    }))

  it('counts from when it was told', () =>
    told('follower', async ({ ensemble, ping, ends, at }) => {
      await at(1_100)
      ping()
      await at(2_100)
      ensemble.partition([1], [2, 3])
      // Told at 2,000: 6,500 ms into the ticks it is over.
      expect(await ends()).toBe(4)
    }))

  it('is told when the follower is reached again, if neither has noticed', () =>
    told('follower', async ({ ensemble, ping, ends, at }) => {
      await at(1_500)
      ensemble.partition([1], [2, 3])
      await at(2_500)
      ping()
      await at(3_500)
      ensemble.heal()
      // At 4,000.
      expect(await ends()).toBe(5)
    }))

  it('is not changed by what a follower passes on', () =>
    told('follower', async ({ ensemble, peer, ends, at }) => {
      await at(1_600)
      const size = peer.bytes.length
      peer.socket.write(requestFrame('sync', { path: '/' }, 2))
      peer.socket.write(requestFrame('setData', { path: '/held', data: null, version: -1 }, 3))
      await peer.received(size + 2 * 20)
      ensemble.partition([1], [2, 3])
      expect(await ends()).toBe(3)
    }))

  it('is all of what its own clients say, at once', () =>
    told('leader', async ({ ping, ends, at }) => {
      await at(1_600)
      ping()
      expect(await ends()).toBe(4)
    }))

  it('is at least what its followers have, when the process stood still: members share it', () =>
    told('follower', async ({ sim, ensemble, peer, ping, at }) => {
      await at(1_600)
      sim.pause('servers')
      for (let pings = 0; pings < 10; pings++) {
        await sim.sleep(1_000)
        ping()
      }
      await sim.sleep(100)
      sim.resume('servers')
      await at(13_000)
      ping()
      await at(16_000)
      expect(ensemble.member(1).server.connectionCount).toBe(1)
      await peer.closed
    }))

  it('is that a session was taken up, at once', () =>
    told('follower', async ({ sim, ensemble, peer, ends, at }) => {
      const sessionId = peer.bytes.readBigInt64BE(12)
      const password = peer.bytes.subarray(24, 40)
      await at(1_600)
      const moved = RawPeer.dial(sim.runtime('moved'), sim.address('servers'), ensemble.member(3).port)
      await moved.opened
      moved.socket.write(handshakeFrame({ timeout, sessionId, password }))
      await moved.received(41)
      ensemble.partition([1], [3], [2])
      ensemble.partition([1], [2, 3])
      expect(await ends()).toBe(4)
    }))
})
