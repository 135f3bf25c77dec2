import { describe, expect, it } from 'vitest'

import { KazooClient, type ZooKeeperError } from '../../../src/index.ts'
import { operations } from '../../../src/protocol/operations.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { ScriptedServer, someStat, type ScriptedConnection } from '../../support/scripted-server.ts'
import { acceptSasl, digest } from '../../support/sasl.ts'
import { skewedClock } from '../../support/skewed-clock.ts'
import { timeout } from '../../support/world.ts'

/** Answers whatever comes, until the connection ends. */
async function serve(connection: ScriptedConnection, written: string[] = []): Promise<void> {
  for (;;) {
    const request = await connection.next()
    if (request.op === 'getData') connection.answer(request, 'getData', { data: null, stat: someStat })
    else if (request.op === 'setData') {
      written.push(operations.setData.request.read(request.body).path)
      connection.answer(request, 'setData', { stat: someStat })
    } else if (request.op === 'exists') connection.answer(request, 'exists', { stat: someStat })
    else if (request.op === 'ping') connection.answer(request, 'ping', undefined)
    else if (request.op === 'setWatches') connection.answer(request, 'setWatches', undefined)
    else if (request.op === 'closeSession') connection.answer(request, 'closeSession', undefined)
  }
}

async function authenticate(connection: ScriptedConnection, sessionId: bigint): Promise<void> {
  await connection.accept({ timeout, sessionId })
  await acceptSasl(connection)
  await serve(connection)
}

describe('a process that stands still while it resumes its session', () => {
  // Wherever it stands still, which the count of its looks at the clock decides.
  it.each(Array.from({ length: 16 }, (_, index) => index + 1))('tells the truth, at look %i', async (look) => {
    const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
    await sim.run(async () => {
      const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
      const clock = skewedClock(sim.runtime('client'))
      const client = new KazooClient({ hosts: 'server', runtime: clock.runtime })
      const states: string[] = []
      client.addListener((state) => void states.push(state))
      const started = client.start()
      const first = await server.next()
      await first.accept({ timeout })
      void serve(first)
      await started
      // More to set again, and to send, than one batch takes.
      const watch = (): void => {}
      const paths = Array.from({ length: 200 }, (_, i) => `/${'p'.repeat(1_000)}${i}`)
      await Promise.all(paths.map((path) => client.get(path, { watch })))
      first.socket.destroy()
      await sim.until(() => client.state === 'SUSPENDED')
      const waiting = Array.from({ length: 4 }, (_, i) => client.set(`/${i}`, Buffer.alloc(40_000)))
      const outcomes = Promise.allSettled(waiting)
      const second = await server.next()
      await second.handshake
      clock.jump(look, timeout * 2)
      await second.accept({ timeout })
      const written: string[] = []
      void serve(second, written)
      void (async () => {
        for (let id = 2n; ; id++) {
          const connection = await server.next()
          await connection.accept({ timeout, sessionId: id })
          void serve(connection)
        }
      })()
      for (const outcome of await outcomes) {
        if (outcome.status === 'fulfilled') continue
        const { op, path, maybeApplied } = outcome.reason as ZooKeeperError
        expect(op).toBe('set')
        if (!maybeApplied) expect(written).not.toContain(path)
      }
      await client.exists('/marker', { timeout: 60_000 })
      expect(client.state).toBe('CONNECTED')
      // Each state is told once, in an order that a client can go through.
      expect(states.join(' ')).toMatch(/^CONNECTED SUSPENDED (CONNECTED SUSPENDED )?(LOST )?CONNECTED$/)
      await client.stop()
    })
  })
})

describe('a process that stands still while it authenticates', () => {
  it.each(Array.from({ length: 30 }, (_, index) => index + 1))(
    'is not CONNECTED without a session, at look %i',
    async (look) => {
      const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
      await sim.run(async () => {
        const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
        const clock = skewedClock(sim.runtime('client'))
        const client = new KazooClient({ hosts: 'server', runtime: clock.runtime, saslOptions: digest })
        const states: [string, bigint | undefined][] = []
        client.addListener((state) => void states.push([state, client.session?.id]))
        const started = client.start()
        const first = await server.next()
        await first.accept({ timeout })
        await acceptSasl(first)
        await started
        first.socket.destroy()
        void (async () => {
          for (let id = 2n; ; id++) void authenticate(await server.next(), id)
        })()
        await sim.until(() => client.state === 'SUSPENDED')
        clock.jump(look, timeout * 2)
        await sim.until(() => client.state === 'CONNECTED')
        await sim.sleep(timeout * 3)
        for (const [state, id] of states) if (state === 'CONNECTED') expect(id).toBeDefined()
        expect(states.at(-1)?.[0]).toBe('CONNECTED')
        await client.stop()
      })
    },
  )
})
