import { describe, expect, it } from 'vitest'

import { handshakeFrame, openAcl, requestFrame } from '../../../support/raw-client.ts'
import { RawPeer } from '../../../support/raw-peer.ts'
import { world, type World } from './world.ts'

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
