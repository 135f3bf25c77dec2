import { describe, expect, it } from 'vitest'

import { formatServer, type ServerName } from '../../../../src/session/connecting/hosts.ts'
import { rebalance } from '../../../../src/session/connecting/rebalance.ts'
import { Simulation } from '../../../../src/testing/index.ts'
import { simulate } from '../../../support/simulate.ts'

const clients = 10_000

const named = (...names: string[]): ServerName[] => names.map((host) => ({ host, port: 2181 }))

interface Outcome {
  /** How many clients are on each server. */
  readonly load: ReadonlyMap<string, number>
  /** How many moved, at each of the changes. */
  readonly moved: readonly number[]
}

/** Where clients are that were spread evenly, and are told of one set of servers after the other. */
function spread(sim: Simulation, first: readonly ServerName[], ...changes: readonly ServerName[][]): Outcome {
  const runtime = sim.runtime('clients')
  const load = new Map(changes.at(-1)!.map((server) => [formatServer(server), 0]))
  const moved = changes.map(() => 0)
  for (let client = 0; client < clients; client++) {
    let here = first[client % first.length]!
    let before = first
    for (const [index, after] of changes.entries()) {
      const order = rebalance(runtime, before, after, (server) => server.host === here.host)
      if (order !== null) {
        moved[index]!++
        here = order[0]!
      }
      before = after
    }
    load.set(formatServer(here), load.get(formatServer(here))! + 1)
  }
  return { load, moved }
}

/** Five standard deviations of a binomial distribution: once in two million draws by chance. */
function expectNear(count: number, probability: number, what: string): void {
  const deviation = Math.sqrt(clients * probability * (1 - probability))
  expect(Math.abs(count - clients * probability), what).toBeLessThanOrEqual(5 * deviation)
}

describe('the rule by which clients move when their servers change', () => {
  const [a, b, c, d, e, f] = named('a', 'b', 'c', 'd', 'e', 'f') as [
    ServerName,
    ServerName,
    ServerName,
    ServerName,
    ServerName,
    ServerName,
  ]
  /** How many of the clients are to move, at each of the changes. */
  const cases: [string, ServerName[], ServerName[][], number[]][] = [
    ['from 3 to 5', [a, b, c], [[a, b, c, d, e]], [2 / 5]],
    ['from 5 to 3', [a, b, c, d, e], [[a, b, c]], [2 / 5]],
    ['from 3 to 3 others', [a, b, c], [[d, e, f]], [1]],
    ['with one of 3 replaced', [a, b, c], [[b, c, d]], [1 / 3]],
    ['from 5 to 3 of which one is new', [a, b, c, d, e], [[a, b, f]], [3 / 5]],
    ['from 3 to 5 with one gone', [a, b, c], [[b, c, d, e, f]], [1 / 3 + (2 / 3) * (2 / 5)]],
    ['from 1 to 3', [a], [[a, b, c]], [2 / 3]],
    ['from 3 to 1', [a, b, c], [[b]], [2 / 3]],
    [
      'from 3 to 5 and back to 3',
      [a, b, c],
      [
        [a, b, c, d, e],
        [a, b, c],
      ],
      [2 / 5, 2 / 5],
    ],
  ]

  it.each(cases)('spreads 10,000 clients evenly, and moves no more than must: %s', (_, first, changes, moved) =>
    simulate((sim) => {
      const outcome = spread(sim, first, ...changes)
      const servers = changes.at(-1)!.length
      for (const [server, count] of outcome.load) expectNear(count, 1 / servers, `seed ${sim.seed}: ${server}`)
      for (const [index, probability] of moved.entries()) {
        expectNear(outcome.moved[index]!, probability, `seed ${sim.seed}: moved at change ${index + 1}`)
      }
      return Promise.resolve()
    }),
  )

  it('moves nobody for the same servers, in whatever order and however often they are named', () => {
    const sim = new Simulation()
    for (const after of [
      [a, b, c],
      [c, a, b],
      [a, a, b, c, c, c],
    ]) {
      expect(spread(sim, [a, b, c], after).moved, `seed ${sim.seed}`).toEqual([0])
    }
  })

  it('tries all servers, the added ones first where there are more than before', () => {
    const sim = new Simulation()
    const runtime = sim.runtime('client')
    for (let i = 0; i < 100; i++) {
      const order = rebalance(runtime, [a, b, c], [b, c, d, e], () => false)!.map(({ host }) => host)
      expect(order.slice(0, 2).toSorted(), `seed ${sim.seed}`).toEqual(['d', 'e'])
      expect(order.slice(2).toSorted(), `seed ${sim.seed}`).toEqual(['b', 'c'])
    }
  })

  it('tries any of them where the client is on none of the servers that it knew', () => {
    const runtime = new Simulation({ seed: 1 }).runtime('client')
    const firsts = new Set(
      Array.from({ length: 100 }, () => rebalance(runtime, [a, b, c], [a, b, c], () => false)![0]!.host),
    )
    expect([...firsts].toSorted()).toEqual(['a', 'b', 'c'])
  })

  it('tells servers on one host apart by their ports', () => {
    const runtime = new Simulation().runtime('client')
    const ports = (...list: number[]): ServerName[] => list.map((port) => ({ host: 'h', port }))
    expect(rebalance(runtime, ports(1, 2), ports(1, 2), ({ port }) => port === 2)).toBeNull()
    expect(rebalance(runtime, ports(1, 2), ports(1), ({ port }) => port === 2)).toEqual(ports(1))
  })
})
