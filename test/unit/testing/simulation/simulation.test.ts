import { describe, expect, it } from 'vitest'

import { Simulation } from '../../../../src/testing/index.ts'
import { RawPeer, RawServer } from '../../../support/raw-peer.ts'
import { simulate } from '../../../support/simulate.ts'

describe('virtual time', () => {
  it('passes only when nothing else is left to do', async () => {
    const sim = new Simulation()
    const runtime = sim.runtime('a')
    const order: string[] = []
    await sim.run(
      async () => {
        runtime.setTimer(3_600_000, () => order.push('timer'))
        await Promise.resolve()
        order.push('microtask')
        await sim.sleep(3_600_000)
        order.push('script')
        await sim.sleep(1)
      },
      { limit: 4_000_000 },
    )
    expect(order).toContain('timer')
    expect(order[0]).toBe('microtask')
    expect(sim.now).toBe(3_600_001)
    expect(runtime.now()).toBe(3_600_001)
  })

  it('fires timers by their time, then in the order of their making', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      const order: string[] = []
      const note = (what: string) => () => void order.push(`${what} ${runtime.now()}`)
      runtime.setTimer(20, note('c'))
      runtime.setTimer(10, note('a'))
      runtime.setTimer(10, note('b'))
      runtime.setTimer(15, note('never')).cancel()
      runtime.setTimer(0, note('soon'))
      runtime.setTimer(2 ** 31, note('too long for Node'))
      await sim.sleep(20.5)
      expect(order).toEqual(['soon 1', 'too long for Node 1', 'a 10', 'b 10', 'c 20'])
    }))

  it('runs what is deferred after the microtasks of its callback, and before the next one', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      const order: string[] = []
      runtime.setImmediate(() => {
        runtime.defer(() => order.push('deferred'))
        void Promise.resolve()
          .then(() => Promise.resolve())
          .then(() => order.push('microtasks'))
        order.push('callback')
      })
      runtime.setImmediate(() => order.push('next'))
      await sim.until(() => order.length === 4)
      expect(order).toEqual(['callback', 'microtasks', 'deferred', 'next'])
    }))

  it('has wall clocks that can be set', async () => {
    const sim = new Simulation({ epoch: 1_000_000 })
    const [a, b] = [sim.runtime('a'), sim.runtime('b')]
    await sim.run(() => sim.sleep(500))
    sim.shiftWallClock('a', -60_000)
    expect(a.wallClock()).toBe(1_000_500 - 60_000)
    expect(b.wallClock()).toBe(1_000_500)
    expect(a.now()).toBe(500)
  })
})

it.each([
  [null, TypeError, 'the options must be an object'],
  [{ sede: 1 }, TypeError, 'unknown option "sede"'],
  [{ seed: '1' }, TypeError, 'seed must be a number'],
  [{ seed: Number.NaN }, RangeError, 'seed must be a finite number'],
  [{ latency: 5 }, TypeError, 'latency must be a function'],
  [{ fragmentation: 1.5 }, RangeError, 'fragmentation must be from 0 to 1'],
  [{ fragmentation: -0.1 }, RangeError, 'fragmentation must be from 0 to 1'],
  [{ epoch: new Date(0) }, TypeError, 'epoch must be a number'],
  [{ trace: 1 }, TypeError, 'trace must be true or false'],
])('refuses %o', (options, kind, message) => {
  const make = (): unknown => new Simulation(options as never)
  expect(make).toThrow(kind)
  expect(make).toThrow(message)
})

describe('a run', () => {
  it('names the seed when the script fails', async () => {
    const sim = new Simulation({ seed: 77 })
    const error = new TypeError('no good')
    await expect(sim.run(() => Promise.reject(error))).rejects.toBe(error)
    expect(error.message).toMatch(/^\[seed 77, 0\.000 ms\] no good$/)
    expect(error.stack).toContain('[seed 77')
  })

  it('fails when a callback throws', async () => {
    const sim = new Simulation({ seed: 78 })
    sim.runtime('a').setTimer(5, () => {
      throw new Error('in a timer')
    })
    await expect(sim.run(() => sim.sleep(10))).rejects.toThrow('[seed 78, 5.000 ms] in a timer')
  })

  it('fails when nothing is left to happen', async () => {
    const sim = new Simulation({ seed: 79 })
    await expect(sim.run(() => new Promise(() => {}))).rejects.toThrow(/seed 79.*nothing is left to happen/)
  })

  it('fails when its time is up, and when time stands still', async () => {
    const sim = new Simulation({ seed: 80 })
    const runtime = sim.runtime('a')
    const later = (): void => void runtime.setTimer(100, later)
    later()
    await expect(sim.run(() => new Promise(() => {}), { limit: 1_000 })).rejects.toThrow(/seed 80.*1000 ms/)
    const atOnce = (): void => void runtime.setImmediate(atOnce)
    atOnce()
    await expect(sim.run(() => new Promise(() => {}))).rejects.toThrow(/seed 80.*time stands still/)
  })

  it('goes on where the last one ended', async () => {
    const sim = new Simulation()
    await sim.run(() => sim.sleep(10))
    expect(await sim.run(() => sim.sleep(10).then(() => sim.now))).toBe(20)
  })
})

describe('a seed', () => {
  it('gives the same run again', async () => {
    const seed = 1234
    const first = await play(seed)
    expect(first.length).toBeGreaterThan(50)
    expect(await play(seed)).toEqual(first)
  })

  it('gives another run than another seed', async () => {
    expect(await play(1)).not.toEqual(await play(2))
  })

  it('orders what happens in one moment on several hosts, differently for different seeds', async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 30; seed++) {
      const sim = new Simulation({ seed })
      const order: string[] = []
      for (const host of ['a', 'b', 'c']) sim.runtime(host).setTimer(10, () => order.push(host))
      await sim.run(() => sim.sleep(11))
      orders.add(order.join(''))
    }
    expect(orders.size).toBe(6)
  })

  it('gives a host its chances whatever other hosts there are', () => {
    const alone = new Simulation({ seed: 5 }).runtime('a').randomUuid()
    const sim = new Simulation({ seed: 5 })
    sim.runtime('b').randomUuid()
    expect(sim.runtime('a').randomUuid()).toBe(alone)
    expect(alone).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

function setTimeoutIn(sim: Simulation, delay: number, run: () => void): void {
  void sim.sleep(delay).then(run)
}

/** Two clients and a server, with a pause: the trace of it all. */
async function play(seed: number): Promise<string[]> {
  const sim = new Simulation({ seed, trace: true, fragmentation: 0.5 })
  await sim.run(async () => {
    const server = await new RawServer().listen(sim.runtime('server'), { host: '0.0.0.0', port: 80 })
    const talk = async (name: string): Promise<void> => {
      const runtime = sim.runtime(name)
      const accepted = server.next()
      const client = RawPeer.dial(runtime, sim.address('server'), 80)
      await client.opened
      await accepted
      for (let i = 1; i <= 10; i++) {
        client.write(`${name} says ${runtime.randomUuid()}`)
        await sim.sleep(runtime.random() * 20)
      }
    }
    setTimeoutIn(sim, 30, () => sim.pause('server', 20))
    await Promise.all([talk('a'), talk('b')])
  })
  return sim.trace
}
