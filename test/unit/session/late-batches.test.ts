import { describe, expect, it } from 'vitest'

import { ConnectionLossError, KazooClient, type ZooKeeperError } from '../../../src/index.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { ScriptedServer, type ScriptedConnection } from '../../support/scripted-server.ts'
import { skewedClock, type SkewedClock } from '../../support/skewed-clock.ts'
import { failure, timeout } from '../../support/world.ts'

interface World {
  readonly sim: Simulation
  readonly client: KazooClient
  readonly clock: SkewedClock
  readonly connection: ScriptedConnection
  readonly states: string[]
}

/** A connected client whose clock the script moves on while the client's tick lasts. */
async function connected(script: (world: World) => Promise<void>): Promise<void> {
  const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
  await sim.run(async () => {
    const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
    const clock = skewedClock(sim.runtime('client'))
    const client = new KazooClient({ hosts: 'server', runtime: clock.runtime })
    const states: string[] = []
    client.addListener((state) => void states.push(state))
    const started = client.start()
    const connection = await server.next()
    await connection.accept({ timeout })
    await started
    await script({ sim, client, clock, connection, states })
  })
}

/** What the server receives first from now on, or the end of the connection. */
function firstOf(connection: ScriptedConnection): Promise<string> {
  return Promise.race([
    connection.request().then(({ op }) => op ?? 'unknown'),
    connection.closed.then(() => 'the end of the connection'),
  ])
}

describe('requests made in time that would leave after the deadline', () => {
  it('are not sent, and the errors say that they were not', () =>
    connected(async ({ sim, client, clock, connection, states }) => {
      const first = failure<ZooKeeperError>(client.set('/a', 'x'))
      clock.skew = timeout * 2
      const second = failure<ZooKeeperError>(client.set('/b', 'x'))
      expect(await firstOf(connection)).toBe('the end of the connection')
      for (const error of await Promise.all([first, second])) {
        expect(error).toBeInstanceOf(ConnectionLossError)
        expect(error).toMatchObject({ op: 'set', maybeApplied: false })
      }
      await sim.until(() => client.state === 'LOST')
      expect(states).toEqual(['CONNECTED', 'SUSPENDED', 'LOST'])
    }))

  it('are not sent early either, when they are many', () =>
    connected(async ({ client, clock, connection }) => {
      const data = Buffer.alloc(40_000)
      const first = failure<ZooKeeperError>(client.set('/a', data))
      clock.skew = timeout * 2
      // With this one the batch is large enough to leave at once.
      const second = failure<ZooKeeperError>(client.set('/b', data))
      expect(await firstOf(connection)).toBe('the end of the connection')
      expect(await first).toMatchObject({ op: 'set', path: '/a', maybeApplied: false })
      expect(await second).toMatchObject({ op: 'set', path: '/b', maybeApplied: false })
    }))

  it('are sent when the tick was long, but not that long', () =>
    connected(async ({ client, clock, connection, states }) => {
      const setting = failure(client.set('/a', 'x'))
      clock.skew = timeout / 2
      connection.fail(await connection.expect('setData'), -101)
      await setting
      expect(states).toEqual(['CONNECTED'])
    }))
})
