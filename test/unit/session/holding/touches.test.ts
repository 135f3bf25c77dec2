import { describe, expect, it } from 'vitest'

import { SeededRandom } from '../../../../src/testing/index.ts'
import { Touches } from '../../../../src/session/holding/touches.ts'

const timeout = 12_000

function touchesFrom(begun: number): { touches: Touches; answer: (sentAt: number, answeredAt?: number) => void } {
  const touches = new Touches()
  touches.restart(timeout, begun)
  const answer = (sentAt: number, answeredAt = sentAt + 1): void => {
    if (sentAt >= touches.due) touches.add(sentAt, answeredAt)
  }
  return { touches, answer }
}

describe('what the leader knows of the session when it answers', () => {
  it('is the beginning on a connection, which it was asked for itself', () => {
    const { touches } = touchesFrom(1_000)
    expect(touches.knownAt(1_000)).toBe(1_000)
    expect(touches.knownAt(2_000)).toBe(1_000)
  })

  it('is what was answered a quarter of the timeout before, and no later', () => {
    const { touches, answer } = touchesFrom(0)
    answer(4_000, 4_100)
    expect(touches.knownAt(7_099)).toBe(0)
    expect(touches.knownAt(7_100)).toBe(4_000)
    // Sent in time, and answered too late to be sure: it may have waited on the way.
    answer(5_000, 9_000)
    expect(touches.knownAt(11_999)).toBe(4_000)
    expect(touches.knownAt(12_000)).toBe(5_000)
  })

  it('is nothing of an earlier connection', () => {
    const { touches, answer } = touchesFrom(0)
    answer(4_000)
    touches.restart(timeout, 5_000)
    expect(touches.knownAt(20_000)).toBe(5_000)
  })

  it('is nothing where there is no session', () => {
    const touches = new Touches()
    expect(touches.knownAt(1_000)).toBe(-Infinity)
    expect(touches.due).toBe(Infinity)
  })

  it('is near enough for a busy session, at a bounded cost', () => {
    const { touches, answer } = touchesFrom(0)
    let noted = 0
    for (let now = 0; now < 10 * timeout; now += 17) {
      if (now >= touches.due) noted++
      answer(now)
      if (now < timeout) continue
      const known = touches.knownAt(now)
      expect(known).toBeLessThanOrEqual(now - timeout / 4)
      expect(known).toBeGreaterThan(now - timeout / 4 - timeout / 20)
    }
    expect(noted).toBeLessThan(10 * 24 + 2)
  })

  it('is never more than a follower can have told it', () => {
    const seed = Math.floor(Math.random() * 0x1_0000_0000)
    console.log(`touches: seed ${seed}`)
    const random = new SeededRandom(seed, 'touches')
    for (let round = 0; round < 500; round++) {
      const { touches, answer } = touchesFrom(0)
      // The follower reports twice a tick, and a session timeout has two ticks at least.
      const reporting = timeout / 4 / random.pick([1, 1, 2, 5])
      const phase = random.between(0, reporting)
      const touchedAt: number[] = []
      let now = 0
      for (let request = 0; request < 40; request++) {
        const sentAt = now + (random.chance(0.5) ? random.between(1, 300) : random.between(1, timeout / 3))
        const arrived = sentAt + random.between(0, 500)
        touchedAt.push(arrived)
        const lastReport = Math.floor((arrived - phase) / reporting) * reporting + phase
        const told = Math.max(0, ...touchedAt.filter((time) => time <= lastReport))
        expect(touches.knownAt(sentAt)).toBeLessThanOrEqual(told)
        answer(sentAt, arrived)
        now = arrived
      }
    }
  })
})
