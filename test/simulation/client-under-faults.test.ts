import { describe, expect, it } from 'vitest'

import {
  ChildrenWatch,
  ConnectionLossError,
  DataWatch,
  KazooClient,
  SessionExpiredError,
  type KazooState,
  type ZooKeeperError,
} from '../../src/index.ts'
import { EmbeddedServer } from '../../src/server/index.ts'
import type { Simulation } from '../../src/testing/index.ts'
import { simulate } from '../support/simulate.ts'

const clients = ['a', 'b', 'c'] as const
const keys = ['/k0', '/k1', '/k2', '/k3']

/** What may follow what, as a state listener sees it. */
const legal: Record<KazooState, readonly KazooState[]> = {
  LOST: ['CONNECTED'],
  CONNECTED: ['SUSPENDED'],
  SUSPENDED: ['CONNECTED', 'LOST'],
}

interface Counter {
  /** Versions that a client was told of. */
  readonly acknowledged: Set<number>
  /** Sets that failed in a way that leaves it open whether they were applied. */
  open: number
  /** Sets that certainly were not applied. */
  refused: number
}

/** Everything that is asked of the clients while the network misbehaves, and whether all of it ended. */
class Workload {
  readonly counters = new Map<string, Counter>()
  pending = 0
  readonly surprises: unknown[] = []

  async run(sim: Simulation, client: KazooClient, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      void this.#track(this.#operation(sim, client))
      if (sim.random.chance(0.3)) await sim.sleep(sim.random.between(1, 400))
    }
  }

  async #track(operation: Promise<void>): Promise<void> {
    this.pending++
    try {
      await operation
    } catch (error) {
      this.surprises.push(error)
    } finally {
      this.pending--
    }
  }

  async #operation(sim: Simulation, client: KazooClient): Promise<void> {
    const key = keys[Math.floor(sim.random.between(0, keys.length))]!
    const timeout = sim.random.chance(0.2) ? sim.random.between(1, 3_000) : undefined
    try {
      if (sim.random.chance(0.5)) {
        await client.get(key, timeout === undefined ? {} : { timeout })
        return
      }
      const { version } = await client.set(key, String(sim.now), timeout === undefined ? {} : { timeout })
      // Two sets never give the same version.
      expect(this.#counter(key).acknowledged.has(version)).toBe(false)
      this.#counter(key).acknowledged.add(version)
    } catch (error) {
      const { code, maybeApplied } = error as ZooKeeperError
      const expected = ['CONNECTION_LOSS', 'SESSION_EXPIRED', 'OPERATION_TIMEOUT']
      if (!expected.includes(code)) throw error
      if (error instanceof SessionExpiredError) expect(maybeApplied).toBe(false)
      const counter = this.#counter(key)
      if (maybeApplied) counter.open++
      else counter.refused++
    }
  }

  #counter(key: string): Counter {
    let counter = this.counters.get(key)
    if (counter === undefined) this.counters.set(key, (counter = { acknowledged: new Set(), open: 0, refused: 0 }))
    return counter
  }
}

/** One thing that goes wrong, or gets right again. */
async function trouble(sim: Simulation, server: EmbeddedServer, sessions: () => (bigint | undefined)[]): Promise<void> {
  const client = clients[Math.floor(sim.random.between(0, clients.length))]!
  switch (Math.floor(sim.random.between(0, 7))) {
    case 0:
      sim.network.cut(client, 'server')
      break
    case 1:
      sim.network.partition([client], ['server'])
      await sim.sleep(sim.random.between(10, 12_000))
      sim.network.heal()
      break
    case 2:
      sim.network.block(client, 'server')
      await sim.sleep(sim.random.between(10, 8_000))
      sim.network.heal()
      break
    case 3:
      sim.network.block('server', client)
      await sim.sleep(sim.random.between(10, 8_000))
      sim.network.heal()
      break
    case 4:
      sim.pause(client, sim.random.between(10, 12_000))
      break
    case 5: {
      const id = sessions()[Math.floor(sim.random.between(0, clients.length))]
      if (id !== undefined) server.expireSession(id)
      break
    }
    default:
      sim.network.sever(client, 'server')
  }
  sim.shiftWallClock(client, sim.random.between(-100_000, 100_000))
}

describe('clients in a network that fails', () => {
  it('lose no promise, no acknowledged write and no watch, and tell a legal sequence of states', async () => {
    const told = { acknowledged: 0, open: 0, refused: 0, lost: 0 }
    await simulate(
      async (sim) => {
        const server = await new EmbeddedServer({
          runtime: sim.runtime('server'),
          host: '0.0.0.0',
          port: 2181,
          tickTime: 500,
        }).start()
        const all = await Promise.all(
          clients.map((host) =>
            new KazooClient({ hosts: 'server', runtime: sim.runtime(host), sessionTimeout: 6_000 }).start(),
          ),
        )
        const states = all.map((client) => {
          const seen: KazooState[] = ['CONNECTED']
          client.addListener((state) => void seen.push(state))
          return seen
        })
        for (const key of keys) await all[0]!.create(key)
        const latest = new Map<string, string>()
        const watches = await Promise.all(
          all.flatMap((client, index) =>
            keys.map((key) =>
              new DataWatch(client, key, (data) => void latest.set(`${index}${key}`, String(data))).start(),
            ),
          ),
        )
        const lists = new Map<number, string[] | null>()
        for (const [index, client] of all.entries()) {
          await new ChildrenWatch(client, '/', (names) => void lists.set(index, names)).start()
        }

        const workload = new Workload()
        const working = all.map((client) => workload.run(sim, client, 120))
        for (let i = 0; i < 12; i++) {
          await sim.sleep(sim.random.between(10, 3_000))
          await trouble(sim, server, () => all.map((client) => client.session?.id))
        }
        await Promise.all(working)
        sim.network.heal()
        await sim.until(() => workload.pending === 0 && all.every((client) => client.connected))
        expect(workload.surprises).toEqual([])

        // The network is well again: whatever was missed has to be made up for.
        const fresh = await new KazooClient({ hosts: 'server', runtime: sim.runtime('fresh') }).start()
        await fresh.create('/last')
        for (const key of keys) await fresh.set(key, 'the end')
        await sim.until(() => all.every((_, i) => keys.every((key) => latest.get(`${i}${key}`) === 'the end')))
        await sim.until(() => all.every((_, i) => lists.get(i)?.includes('last')))

        for (const key of keys) {
          const { stat } = await fresh.get(key)
          const { acknowledged, open } = workload.counters.get(key) ?? { acknowledged: new Set<number>(), open: 0 }
          const applied = stat.version - 1
          expect(applied).toBeGreaterThanOrEqual(acknowledged.size)
          // What was not acknowledged, and was applied all the same, was said to be open.
          expect(applied).toBeLessThanOrEqual(acknowledged.size + open)
        }
        for (const seen of states) {
          for (const [i, state] of seen.slice(1).entries()) expect(legal[seen[i]!]).toContain(state)
          told.lost += seen.filter((state) => state === 'LOST').length
        }
        for (const { acknowledged, open, refused } of workload.counters.values()) {
          told.acknowledged += acknowledged.size
          told.open += open
          told.refused += refused
        }
        for (const watch of watches) await watch.stop()
        await Promise.all([...all, fresh].map((client) => client.stop()))
        await server.stop()
      },
      {
        seeds: 40,
        // Each kind of outcome was seen, or this test has shown nothing.
        together: () => expect(Math.min(...Object.values(told))).toBeGreaterThan(0),
      },
    )
    // Nothing in here waits for real time; it is a lot to compute on a busy machine.
  }, 180_000)

  it('make a protected znode once, whatever reply is lost', () =>
    simulate(
      async (sim) => {
        const server = await new EmbeddedServer({
          runtime: sim.runtime('server'),
          host: '0.0.0.0',
          port: 2181,
          tickTime: 500,
        }).start()
        const client = await new KazooClient({
          hosts: 'server',
          runtime: sim.runtime('a'),
          sessionTimeout: 6_000,
        }).start()
        await client.create('/p')
        const made: string[] = []
        for (let i = 0; i < 20; i++) {
          const creating = client.create('/p/x-', String(i), { sequence: true, ephemeral: true, protect: true })
          await sim.sleep(sim.random.between(0, 4))
          if (sim.random.chance(0.7)) sim.network.cut('a', 'server')
          made.push(await creating)
        }
        const children = await client.retry(() => client.getChildren('/p'))
        expect(children.map((name) => `/p/${name}`).toSorted()).toEqual(made.toSorted())
        await client.stop()
        await server.stop()
      },
      { seeds: 20 },
    ))

  it('say truly of a create whether it may have been applied', async () => {
    const told = new Map<string, number>()
    await simulate(
      async (sim) => {
        const server = await new EmbeddedServer({
          runtime: sim.runtime('server'),
          host: '0.0.0.0',
          port: 2181,
          tickTime: 500,
        }).start()
        const client = await new KazooClient({
          hosts: 'server',
          runtime: sim.runtime('a'),
          sessionTimeout: 6_000,
        }).start()
        for (let i = 0; i < 30; i++) {
          const cutOff = sim.random.chance(0.2)
          if (cutOff) {
            sim.network.partition(['a'], ['server'])
            await sim.until(() => client.state === 'SUSPENDED')
          }
          const creating = client.create(`/n${i}`).then(
            () => 'made',
            (error: ZooKeeperError) => {
              expect(error).toBeInstanceOf(error.maybeApplied ? ConnectionLossError : SessionExpiredError)
              return error.maybeApplied ? 'maybe' : 'not'
            },
          )
          await sim.sleep(sim.random.between(0, 4))
          if (sim.random.chance(0.7)) sim.network.cut('a', 'server')
          const outcome = await creating
          if (cutOff) sim.network.heal()
          const exists = (await client.retry(() => client.exists(`/n${i}`))) !== null
          told.set(outcome, (told.get(outcome) ?? 0) + 1)
          if (outcome === 'made') expect(exists).toBe(true)
          if (outcome === 'not') expect(exists).toBe(false)
        }
        await client.stop()
        await server.stop()
      },
      {
        seeds: 20,
        // Each of the outcomes was seen, or this test has shown nothing.
        together: () => expect([...told.keys()].toSorted()).toEqual(['made', 'maybe', 'not']),
      },
    )
  })
})
