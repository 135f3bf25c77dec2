import { describe, expect, it } from 'vitest'

import { deferred } from '../../../../src/common/deferred.ts'
import type { DialOptions, Runtime } from '../../../../src/runtime/runtime.ts'
import { Backoff } from '../../../../src/session/connecting/backoff.ts'
import { Connector, type ConnectorOptions } from '../../../../src/session/connecting/connector.ts'
import { serverRound } from '../../../../src/session/connecting/server-round.ts'
import { Simulation } from '../../../../src/testing/simulation/simulation.ts'
import { timeout, world } from '../../../support/world.ts'

const server = (host: string, port = 2181): { host: string; port: number } => ({ host, port })

/** A runtime whose look-ups are the test's own. */
function lookingUp(runtime: Runtime, resolve: (host: string) => Promise<string[]>): Runtime {
  return Object.assign(Object.create(runtime) as Runtime, {
    now: () => runtime.now(),
    random: () => runtime.random(),
    setTimer: runtime.setTimer.bind(runtime),
    resolve: async (host: string) => (await resolve(host)).map((address) => ({ address, family: 4 as const })),
  })
}

interface RoundOptions {
  readonly randomize?: boolean
  readonly last?: { readonly server: { host: string; port: number }; readonly address: string } | null
}

/** All of a round: addresses, and the messages of failures. */
async function round(
  runtime: Runtime,
  hosts: readonly string[],
  { randomize = false, last = null }: RoundOptions = {},
): Promise<string[]> {
  const seen: string[] = []
  const servers = hosts.map((host) => server(host))
  for await (const each of serverRound(runtime, servers, { randomize, last, resolveTimeout: 1_000 })) {
    seen.push(each instanceof Error ? each.message : `${each.address}:${each.server.port} of ${each.siblings}`)
  }
  return seen
}

describe('a round over the servers', () => {
  it('has each address of each name once, in the order given', () => {
    const sim = new Simulation()
    return sim.run(async () => {
      sim.names.set('a', ['10.1.0.1', '10.1.0.2'])
      sim.names.set('b', ['10.1.0.3'])
      expect(await round(sim.runtime('client'), ['a', 'b', '10.1.0.4'])).toEqual([
        '10.1.0.1:2181 of 2',
        '10.1.0.2:2181 of 2',
        '10.1.0.3:2181 of 1',
        '10.1.0.4:2181 of 1',
      ])
    })
  })

  it('goes on past a name that cannot be resolved, and one that never is', () => {
    const sim = new Simulation()
    return sim.run(async () => {
      const runtime = lookingUp(sim.runtime('client'), (host) => {
        if (host === 'hangs') return new Promise(() => {})
        if (host === 'empty') return Promise.resolve([])
        // oxlint-disable-next-line prefer-promise-reject-errors -- other runtimes may
        if (host === 'odd') return Promise.reject('odd')
        return host === 'fails' ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(['10.1.0.1'])
      })
      expect(await round(runtime, ['fails', 'hangs', 'empty', 'odd', 'good'])).toEqual([
        'ENOTFOUND',
        'no answer to the look-up of hangs',
        'empty has no address',
        'odd cannot be resolved',
        '10.1.0.1:2181 of 1',
      ])
      expect(sim.now).toBe(1_000)
    })
  })

  it('asks for all names at once, so that several that hang cost no more than one', () => {
    const sim = new Simulation()
    return sim.run(async () => {
      const runtime = lookingUp(sim.runtime('client'), () => new Promise(() => {}))
      expect(await round(runtime, ['a', 'b', 'c'])).toHaveLength(3)
      expect(sim.now).toBe(1_000)
    })
  })

  it('has the server used last at its end', () => {
    const sim = new Simulation()
    return sim.run(async () => {
      const hosts = ['10.1.0.1', '10.1.0.2', '10.1.0.3']
      for (const randomize of [true, false]) {
        for (const last of hosts) {
          const seen = await round(sim.runtime('client'), hosts, {
            randomize,
            last: { server: server(last), address: last },
          })
          expect(seen.at(-1)).toBe(`${last}:2181 of 1`)
          expect(seen).toHaveLength(3)
        }
      }
      const other = await round(sim.runtime('client'), hosts, {
        last: { server: server('10.1.0.1', 5), address: '10.1.0.1' },
      })
      expect(other[0]).toBe('10.1.0.1:2181 of 1')
    })
  })

  it('has the address used last at the end of those of its name', () => {
    const sim = new Simulation()
    return sim.run(async () => {
      sim.names.set('many', ['10.1.0.1', '10.1.0.2', '10.1.0.3'])
      for (const randomize of [true, false]) {
        const last = { server: server('many'), address: '10.1.0.1' }
        const seen = await round(sim.runtime('client'), ['many'], { randomize, last })
        expect(seen.at(-1)).toBe('10.1.0.1:2181 of 3')
        expect(seen).toHaveLength(3)
      }
    })
  })

  it('ends its look-ups when it is told to', () => {
    const sim = new Simulation()
    return sim.run(async () => {
      const runtime = lookingUp(sim.runtime('client'), () => new Promise(() => {}))
      const controller = new AbortController()
      const options = { randomize: false, last: null, resolveTimeout: 1_000, signal: controller.signal }
      const first = serverRound(runtime, [server('hangs')], options).next()
      controller.abort()
      expect((await first).value).toBeInstanceOf(Error)
      expect(sim.now).toBe(0)
    })
  })

  it('is shuffled, servers and addresses, so that each order comes up', () => {
    const sim = new Simulation({ seed: 1 })
    return sim.run(async () => {
      sim.names.set('many', ['10.1.0.1', '10.1.0.2', '10.1.0.3'])
      const byServer = new Set<string>()
      const byAddress = new Set<string>()
      for (let i = 0; i < 200; i++) {
        const runtime = sim.runtime('client')
        byServer.add((await round(runtime, ['10.1.0.1', '10.1.0.2', '10.1.0.3'], { randomize: true })).join(' '))
        byAddress.add((await round(runtime, ['many'], { randomize: true })).join(' '))
      }
      expect(byServer.size).toBe(6)
      expect(byAddress.size).toBe(6)
    })
  })
})

describe('the pauses between rounds', () => {
  const standard = { delay: 100, backoff: 2, maxDelay: 5_000 }

  it('are at most 100 ms at first, double, and stay at 5,000', () => {
    const runtime = { random: () => 1 - Number.EPSILON } as Runtime
    const backoff = new Backoff(runtime, standard)
    const pauses = Array.from({ length: 9 }, () => Math.round(backoff.next()))
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    backoff.reset()
    expect(Math.round(backoff.next())).toBe(100)
  })

  it('are no longer than there is time for, though not shorter than the first, and grow on from there', () => {
    const runtime = { random: () => 1 - Number.EPSILON } as Runtime
    const backoff = new Backoff(runtime, standard)
    const pauses = [500, 500, 500, 500, 500, 30, Infinity, Infinity].map((longest) => Math.round(backoff.next(longest)))
    expect(pauses).toEqual([100, 200, 400, 500, 500, 100, 200, 400])
  })

  it('stay short while a session may live, and grow when it is over', () =>
    world(
      async ({ sim, client, server, connect }) => {
        const connection = await connect()
        const attempts: { at: number; state: string }[] = []
        connection.socket.destroy()
        await sim.until(() => client.state === 'SUSPENDED')
        while (attempts.filter(({ state }) => state === 'LOST').length < 6) {
          const { socket } = await server.next()
          attempts.push({ at: sim.now, state: client.state })
          socket.destroy()
        }
        const gaps = attempts.slice(1).map(({ at, state }, index) => ({ gap: at - attempts[index]!.at, state }))
        const kept = gaps.filter(({ state }) => state === 'SUSPENDED').map(({ gap }) => gap)
        // A twentieth of the session timeout, and some milliseconds for the way there and back.
        expect(kept.length).toBeGreaterThan(15)
        expect(Math.max(...kept)).toBeLessThanOrEqual(timeout / 20 + 10)
        expect(Math.max(...gaps.map(({ gap }) => gap))).toBeGreaterThan(1_000)
      },
      { sessionTimeout: timeout },
    ))

  it('are spread over the upper half', () => {
    const runtime = new Simulation({ seed: 1 }).runtime('client')
    const firsts = Array.from({ length: 500 }, () => new Backoff(runtime, standard).next())
    expect(Math.min(...firsts)).toBeGreaterThanOrEqual(50)
    expect(Math.max(...firsts)).toBeLessThanOrEqual(100)
    expect(Math.max(...firsts) - Math.min(...firsts)).toBeGreaterThan(45)
  })
})

interface Dialled {
  readonly host: string
  readonly at: number
  readonly timeout: number
}

interface Bench {
  readonly sim: Simulation
  readonly connector: Connector
  /** The session timeout. */
  readonly timeout: { now: number }
  readonly dialled: Dialled[]
  readonly gaveUp: Error[]
  /** Resolves once so many addresses were dialled. */
  readonly until: (count: number) => Promise<void>
}

/** A connector whose links fail after so many ms, or never. */
async function bench(
  hosts: readonly string[],
  script: (bench: Bench) => Promise<void>,
  options: Partial<ConnectorOptions> & { readonly linkLives?: number | null } = {},
): Promise<void> {
  const { linkLives = 0, ...changes } = options
  const timeout = { now: 9_000 }
  const sim = new Simulation()
  await sim.run(async () => {
    const runtime = sim.runtime('client')
    const dialled: Dialled[] = []
    const gaveUp: Error[] = []
    const connector: Connector = new Connector(
      runtime,
      hosts.map((host) => server(host)),
      {
        randomizeHosts: false,
        backoff: { delay: 100, backoff: 2, maxDelay: 5_000 },
        maxRounds: Infinity,
        tls: null,
        log: () => {},
        ...changes,
      },
      {
        dial: ({ host }: DialOptions, limit) => {
          dialled.push({ host, at: sim.now, timeout: limit })
          if (linkLives !== null) runtime.setTimer(linkLives, () => connector.failed(new Error(`${host} failed`)))
        },
        gaveUp: (cause) => void gaveUp.push(cause),
        timeout: () => timeout.now,
        longestPause: () => Infinity,
      },
    )
    connector.connect()
    await script({
      sim,
      connector,
      timeout,
      dialled,
      gaveUp,
      until: (count) => sim.until(() => dialled.length >= count),
    })
    connector.stop()
  })
}

const hosts = ['10.1.0.1', '10.1.0.2', '10.1.0.3']

describe('the search for a server', () => {
  it('tries all servers of a round without a pause, and pauses between rounds', () =>
    bench(hosts, async ({ dialled, until }) => {
      await until(12)
      expect(dialled.slice(0, 3).map(({ host }) => host)).toEqual(hosts)
      // A link that fails takes a millisecond here, and a look-up up to five.
      const gaps = dialled.slice(1).map(({ at }, index) => at - dialled[index]!.at)
      for (const [index, gap] of gaps.entries()) {
        if ((index + 1) % 3 !== 0) expect(gap).toBeLessThan(10)
      }
      const pauses = [gaps[2]!, gaps[5]!, gaps[8]!]
      for (const [index, pause] of pauses.entries()) {
        expect(pause).toBeGreaterThanOrEqual(50 * 2 ** index)
        expect(pause).toBeLessThanOrEqual(100 * 2 ** index + 10)
      }
    }))

  it('gives each server its part of the session timeout, and each address its part of that', () =>
    bench(['one', 'two', 'three'], async ({ sim, dialled, until }) => {
      sim.names.set('one', ['10.1.0.1'])
      sim.names.set('two', ['10.1.0.2', '10.1.0.3'])
      sim.names.set('three', ['10.1.0.4'])
      await until(4)
      expect(dialled.slice(0, 4).map(({ host, timeout }) => [host, timeout])).toEqual([
        ['10.1.0.1', 3_000],
        ['10.1.0.2', 1_500],
        ['10.1.0.3', 1_500],
        ['10.1.0.4', 3_000],
      ])
    }))

  it('divides the timeout that was granted, once one was', () =>
    bench(
      hosts,
      async ({ connector, timeout, dialled, until }) => {
        await until(1)
        timeout.now = 3_000
        connector.succeeded()
        connector.failed(new Error('dropped'))
        await until(2)
        expect(dialled.map((each) => each.timeout)).toEqual([3_000, 1_000])
      },
      { linkLives: null },
    ))

  it('asks the next server where the function given as tls does not answer within the time of an attempt', () => {
    let asked = 0
    return bench(
      hosts,
      async ({ sim, dialled, until }) => {
        await until(2)
        expect(dialled.map(({ host }) => host)).toEqual(['10.1.0.1', '10.1.0.3'])
        expect(sim.now).toBeGreaterThanOrEqual(3_000)
        expect(sim.now).toBeLessThan(3_100)
      },
      { tls: () => (++asked === 2 ? new Promise<never>(() => {}) : {}) },
    )
  })

  it('takes the time that tls took from that of the attempt', () => {
    const given = deferred<object>()
    return bench(
      ['10.1.0.1'],
      async ({ sim, dialled, until }) => {
        await sim.sleep(2_000)
        given.resolve({})
        await until(1)
        expect(dialled[0]!.timeout).toBeLessThanOrEqual(1_010)
      },
      { linkLives: null, tls: () => given.promise },
    )
  })

  it('leaves a server out of the search for a quorum whose tls does not answer', () => {
    let asked = 0
    return bench(
      hosts,
      async ({ connector, until }) => {
        await until(1)
        const found: string[] = []
        for await (const { address } of connector.others(new AbortController().signal)) found.push(address.host)
        expect(found).toEqual(['10.1.0.3'])
      },
      { linkLives: null, tls: () => (++asked === 2 ? new Promise<never>(() => {}) : {}) },
    )
  })

  it('stops waiting for tls when the round ends, by a stop or by other servers', () => {
    let asked = 0
    return bench(
      hosts,
      async ({ sim, connector, dialled, until }) => {
        await sim.sleep(1_000)
        connector.setServers({ servers: [server('10.1.0.9')] })
        await until(1)
        expect(dialled[0]).toMatchObject({ host: '10.1.0.9' })
        expect(sim.now).toBeLessThan(1_100)
      },
      { linkLives: null, tls: () => (++asked === 1 ? new Promise<never>(() => {}) : {}) },
    )
  })

  it('resolves names anew on each round', () =>
    bench(['moves'], async ({ sim, dialled, until }) => {
      let asked = 0
      sim.names.set('moves', () => [`10.2.0.${++asked}`])
      await until(3)
      expect(dialled.map(({ host }) => host)).toEqual(['10.2.0.1', '10.2.0.2', '10.2.0.3'])
    }))

  it('gives up after so many rounds, with the last failure', () =>
    bench(
      hosts,
      async ({ sim, dialled, gaveUp }) => {
        await sim.until(() => gaveUp.length > 0)
        expect(gaveUp).toMatchObject([{ message: '10.1.0.3 failed' }])
        expect(dialled).toHaveLength(6)
        await sim.sleep(60_000)
        expect(dialled).toHaveLength(6)
      },
      { maxRounds: 2 },
    ))

  it('gives up when no name can be resolved, too', () =>
    bench(
      ['nowhere'],
      async ({ sim, gaveUp, dialled }) => {
        await sim.until(() => gaveUp.length > 0)
        expect(gaveUp[0]?.message).toContain('ENOTFOUND')
        expect(dialled).toEqual([])
      },
      { maxRounds: 3 },
    ))

  it('comes back at once after a connection that lasted, with the server used last at the end', () =>
    bench(
      hosts,
      async ({ sim, connector, dialled, until }) => {
        await until(1)
        connector.succeeded()
        await sim.sleep(5_000)
        const lostAt = sim.now
        connector.failed(new Error('dropped'))
        await until(2)
        expect(dialled[1]!.at - lostAt).toBeLessThan(10)
        expect(dialled.map(({ host }) => host)).toEqual(['10.1.0.1', '10.1.0.2'])
      },
      { linkLives: null },
    ))

  it('comes back within 100 ms, but not at once, after a connection that did not last', () =>
    bench(
      hosts,
      async ({ sim, connector, dialled, until }) => {
        await until(1)
        connector.succeeded()
        await sim.sleep(10)
        const lostAt = sim.now
        connector.failed(new Error('dropped'))
        await until(2)
        expect(dialled[1]!.at - lostAt).toBeGreaterThanOrEqual(50)
        expect(dialled[1]!.at - lostAt).toBeLessThanOrEqual(105)
      },
      { linkLives: null },
    ))

  it('takes other servers from the next attempt on', () =>
    bench(hosts, async ({ connector, dialled, until }) => {
      await until(1)
      connector.setServers({ servers: [server('10.9.0.1')] })
      await until(4)
      expect(new Set(dialled.slice(1).map(({ host }) => host))).toEqual(new Set(['10.9.0.1']))
      expect(dialled[1]!.timeout).toBe(3_000)
    }))

  it('ends with stop, whatever it is about', () =>
    bench(hosts, async ({ sim, connector, dialled, until }) => {
      await until(3)
      connector.stop()
      const count = dialled.length
      await sim.sleep(60_000)
      expect(dialled).toHaveLength(count)
    }))
})
