import { describe, expect, it } from 'vitest'

import { patience } from '../../../src/session/patience.ts'
import { answerPings, failure, world } from '../../support/world.ts'

/** 24 days. */
const absurd = 0x7fff_ffff

describe('patience with a server', () => {
  it.each([
    ['less than was asked for', 1, 10_000, 1],
    ['more, as minSessionTimeout may have it', 40_000, 1, 40_000],
    ['ten times as much', 400_000, 40_000, 400_000],
    ['more than there is a reason for', absurd, 2_000, 60_000],
    ['more than there is a reason for, to who asked for much', absurd, 40_000, 400_000],
  ])('that grants %s: %i for %i', (_name, granted, asked, expected) => {
    expect(patience(granted, asked)).toBe(expected)
  })
})

describe('a session of 24 days, where 2 s were asked for', () => {
  const options = { sessionTimeout: 2_000 }

  it('is stopped within a minute, though the server answers nothing but pings', () =>
    world(async ({ sim, client, server }) => {
      const starting = client.start()
      const connection = await server.next()
      await connection.accept({ timeout: absurd })
      await starting
      void answerPings(connection)
      const before = sim.now
      await client.stop()
      expect(sim.now - before).toBe(60_000)
      expect(client.session).toBeNull()
    }, options))

  it('is suspended when its peer is silent, tries the server again, and is resumed', () =>
    world(async ({ sim, client, server, states }) => {
      const starting = client.start()
      await (await server.next()).accept({ timeout: absurd })
      await starting
      const before = sim.now
      await sim.until(() => client.state === 'SUSPENDED')
      expect(sim.now - before).toBeLessThan(41_000)
      // One that swallows the handshake has no more than its share.
      const silent = await server.next()
      await silent.handshake
      const dialled = sim.now
      const third = await server.next()
      expect(sim.now - dialled).toBeLessThan(21_000)
      expect((await third.accept({ timeout: absurd })).sessionId).toBe(0x1_0000n)
      await sim.until(() => client.state === 'CONNECTED')
      expect(states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'CONNECTED'])
      expect(client.session?.timeout).toBe(absurd)
      const lost = failure(client.get('/a'))
      third.fail(await third.expect('getData'), -101)
      expect(await lost).toMatchObject({ code: 'NO_NODE' })
    }, options))
})
