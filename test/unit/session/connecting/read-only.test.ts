import { describe, expect, it } from 'vitest'

import { KazooClient, NotReadOnlyError, type KazooClientOptions, type WatchedEvent } from '../../../../src/index.ts'
import { Simulation } from '../../../../src/testing/simulation/simulation.ts'
import {
  errorFrame,
  eventFrame,
  frameOf,
  ScriptedServer,
  type ScriptedConnection,
} from '../../../support/scripted-server.ts'
import { answerPings, failure } from '../../../support/world.ts'

const timeout = 6_000
const notReadOnly = -119
const refusal = 'isro is not executed because it is not in the whitelist.'

interface World {
  readonly sim: Simulation
  /** Two servers, `one` and `two`, which the client tries in this order; both say that they are read-only. */
  readonly one: ScriptedServer
  readonly two: ScriptedServer
  readonly client: KazooClient
  /** As a listener heard them: `+` with a quorum, `-` without. */
  readonly states: string[]
}

async function world(script: (world: World) => Promise<void>, options: KazooClientOptions = {}): Promise<void> {
  const sim = new Simulation({ latency: () => 1, fragmentation: 0 })
  await sim.run(async () => {
    const [one, two] = [new ScriptedServer(sim.runtime('one')), new ScriptedServer(sim.runtime('two'))]
    for (const server of [one, two]) {
      server.words.set('isro', 'ro')
      await server.listen(2181, '0.0.0.0')
    }
    const client = new KazooClient({
      hosts: 'one,two',
      readOnly: true,
      randomizeHosts: false,
      runtime: sim.runtime('client'),
      ...options,
    })
    const states: string[] = []
    client.addListener((state, { readOnly }) => void states.push(`${state}${readOnly ? '-' : '+'}`))
    await script({ sim, one, two, client, states })
  })
}

/** Grants a read-only session of that id. */
const accept = (connection: ScriptedConnection, sessionId: bigint, readOnly: boolean) =>
  connection.accept({ timeout, sessionId, readOnly, password: Buffer.alloc(16, Number(sessionId)) })

/** The client in a read-only session, whose pings are answered. */
async function connectReadOnly({ one, client }: World, sessionId = 1n): Promise<ScriptedConnection> {
  const started = client.start()
  const connection = await one.next()
  await accept(connection, sessionId, true)
  await started
  return connection
}

describe('a read-only session', () => {
  it('is told of, by the client and to its listeners', () =>
    world(async (it) => {
      await connectReadOnly(it)
      expect([it.client.state, it.client.readOnly]).toEqual(['CONNECTED', true])
      expect(it.states).toEqual(['CONNECTED-'])
    }))

  it('rejects writes with NotReadOnlyError, and goes on', () =>
    world(async (it) => {
      const connection = await connectReadOnly(it)
      const writing = failure(it.client.set('/a', 'x'))
      connection.fail(await connection.expect('setData'), notReadOnly)
      expect(await writing).toBeInstanceOf(NotReadOnlyError)
      expect(await writing).toMatchObject({ code: 'NOT_READ_ONLY', path: '/a', retryable: false })
      const reading = it.client.exists('/a')
      connection.fail(await connection.expect('exists'), -101)
      expect(await reading).toBeNull()
      expect(it.states).toEqual(['CONNECTED-'])
    }))

  it('is replaced by a new one on the next server: its id is never shown to any', () =>
    world(async (it) => {
      const first = await connectReadOnly(it)
      first.socket.destroy()
      const asked = await accept(await it.two.next(), 2n, true)
      expect([asked.sessionId, asked.password]).toEqual([0n, Buffer.alloc(16)])
      await it.sim.until(() => it.client.connected)
      expect(it.client.session?.id).toBe(2n)
      expect(it.states).toEqual(['CONNECTED-', 'SUSPENDED+', 'CONNECTED-'])
    }))

  it('is over by the clock, like any other', () =>
    world(async (it) => {
      await connectReadOnly(it)
      await it.sim.until(() => it.client.state === 'LOST')
      expect(it.states).toEqual(['CONNECTED-', 'SUSPENDED+', 'LOST+'])
    }))

  it('is refused with the reason by a server that makes no sessions while it is read-only', () =>
    world(async ({ one, two, client }) => {
      const starting = failure(client.start({ timeout: 1_000 }))
      for (const server of [one, two]) {
        const connection = await server.next()
        await connection.handshake
        connection.socket.write(errorFrame(0, notReadOnly, 2n))
      }
      expect((await starting).cause).toMatchObject({
        code: 'NOT_READ_ONLY',
        message: expect.stringContaining('localSessionsEnabled') as string,
      })
    }))

  it('takes another frame of that size for what it is: unreadable', () =>
    world(async ({ one, two, client }) => {
      const starting = failure(client.start({ timeout: 1_000 }))
      for (const server of [one, two]) {
        const connection = await server.next()
        await connection.handshake
        connection.socket.write(frameOf((writer) => writer.raw(Buffer.alloc(16))))
      }
      expect((await starting).cause).toMatchObject({ code: 'PROTOCOL_ERROR' })
    }))
})

describe('the search for a server with a quorum', () => {
  it('asks the other server after 100 ms, then after twice as long each time, up to a minute', () =>
    world(async (it) => {
      void answerPings(await connectReadOnly(it))
      const times: number[] = []
      const start = it.sim.now
      for (let asked = 1; asked <= 13; asked++) {
        await it.sim.until(() => it.two.asked.length === asked)
        times.push(it.sim.now - start)
      }
      const pauses = times.map((time, index) => time - (times[index - 1] ?? 0))
      // A question and its answer take a few milliseconds.
      const whole = pauses.map((pause) => Math.floor(pause / 100) * 100)
      expect(whole).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000, 60_000, 60_000])
      expect(new Set(it.two.asked)).toEqual(new Set(['isro']))
      expect(it.one.asked).toEqual([])
    }))

  it('moves to the one that has it, with no session to show, and takes the watches along', () =>
    world(async (it) => {
      const { client, one, two } = it
      const connection = await connectReadOnly(it)
      const events: WatchedEvent[] = []
      const watching = client.exists('/a', { watch: (event) => void events.push(event) })
      connection.fail(await connection.expect('exists'), -101, 7n)
      await watching
      two.words.set('isro', 'rw')
      const next = await two.next()
      await connection.closed
      expect(one.connections).toHaveLength(1)
      const asked = await accept(next, 9n, false)
      expect([asked.sessionId, asked.password, asked.lastZxidSeen]).toEqual([0n, Buffer.alloc(16), 7n])
      const { values } = await next.expect('setWatches')
      expect(values).toMatchObject({ relativeZxid: 7n, existWatches: ['/a'] })
      expect(client.session?.id).toBe(9n)
      expect([client.state, client.readOnly]).toEqual(['CONNECTED', false])
      expect(it.states).toEqual(['CONNECTED-', 'SUSPENDED+', 'CONNECTED+'])
      next.socket.write(eventFrame(1, '/a'))
      await it.sim.until(() => events.length > 0)
      expect(events).toEqual([{ type: 'CREATED', path: '/a' }])
    }))

  it('moves to that one first, whichever is next in the list', () =>
    world(
      async (it) => {
        const three = await new ScriptedServer(it.sim.runtime('three')).listen(2181, '0.0.0.0')
        three.words.set('isro', 'rw')
        await connectReadOnly(it)
        await accept(await three.next(), 9n, false)
        await it.sim.until(() => it.client.connected && !it.client.readOnly)
        expect(it.two.connections).toEqual([])
      },
      { hosts: 'one,two,three' },
    ))

  it('begins anew, with its short pauses, after a server with a quorum was reached', () =>
    world(async (it) => {
      const { sim, one, two, client } = it
      void answerPings(await connectReadOnly(it))
      await sim.until(() => two.asked.length === 8)
      two.words.set('isro', 'rw')
      const second = await two.next()
      await accept(second, 9n, false)
      await sim.until(() => client.connected && !client.readOnly)
      two.words.set('isro', 'ro')
      second.socket.destroy()
      await accept(await one.next(), 9n, true)
      await sim.until(() => client.readOnly)
      const [before, start] = [two.asked.length, sim.now]
      await sim.until(() => two.asked.length > before)
      expect(sim.now - start).toBeLessThan(110)
    }))

  it('ends when it is there', () =>
    world(async (it) => {
      await connectReadOnly(it)
      it.two.words.set('isro', 'rw')
      const next = await it.two.next()
      await accept(next, 9n, false)
      void answerPings(next)
      const before = [it.one.asked.length, it.two.asked.length]
      await it.sim.sleep(200_000)
      expect([it.one.asked.length, it.two.asked.length]).toEqual(before)
      expect(it.client.connected).toBe(true)
    }))

  it('ends with the client, and leaves no question behind', () =>
    world(async (it) => {
      const connection = await connectReadOnly(it)
      it.two.words.delete('isro')
      it.two.words.set('ruok', 'imok')
      await it.sim.until(() => it.two.asked.length === 1)
      const stopping = it.client.stop()
      connection.answer(await connection.expect('closeSession'), 'closeSession', undefined)
      await stopping
      await it.sim.sleep(200_000)
      expect(it.two.asked).toHaveLength(1)
    }))

  it('goes on past servers that say nothing, refuse, or cannot be resolved, and resolves names anew', () =>
    world(
      async (it) => {
        const { sim, two } = it
        void answerPings(await connectReadOnly(it))
        await sim.until(() => two.asked.length === 1)
        const answers: string[] = []
        sim.names.set('nowhere', () => {
          answers.push('asked')
          return answers.length < 3 ? new Error('no such name') : ['three']
        })
        const three = await new ScriptedServer(sim.runtime('three')).listen(2181, '0.0.0.0')
        three.words.set('isro', 'rw')
        two.words.delete('isro')
        two.words.set('ruok', 'imok')
        await accept(await three.next(), 9n, false)
        await sim.until(() => !it.client.readOnly)
        expect(answers.length).toBeGreaterThanOrEqual(3)
      },
      { hosts: 'one,two,nowhere,closed' },
    ))

  it('asks for srvr where isro is forbidden', () =>
    world(async (it) => {
      void answerPings(await connectReadOnly(it))
      it.two.words.set('isro', refusal)
      it.two.words.set('srvr', 'Zookeeper version: 3.9.5\nMode: read-only\nNode count: 5\n')
      await it.sim.until(() => it.two.asked.filter((word) => word === 'srvr').length === 2)
      expect(it.client.readOnly).toBe(true)
      it.two.words.set('srvr', 'Zookeeper version: 3.9.5\nMode: follower\nNode count: 5\n')
      await accept(await it.two.next(), 9n, false)
      await it.sim.until(() => it.client.connected && !it.client.readOnly)
    }))

  it('does not hurry where a server says it has a quorum and takes nobody', () =>
    world(async (it) => {
      const { sim, one, two, client } = it
      two.words.set('isro', 'rw')
      void answerPings(await connectReadOnly(it))
      const start = sim.now
      for (let round = 0; round < 8; round++) {
        ;(await two.next()).socket.destroy()
        const back = await one.next()
        await accept(back, BigInt(round + 2), true)
        void answerPings(back)
        await sim.until(() => client.connected)
      }
      // 100 + 200 + … + 12,800
      expect(sim.now - start).toBeGreaterThan(12_800)
    }))
})

describe('a session of the quorum', () => {
  it('is kept on a read-only server that knows it, and shown to the next with a quorum', () =>
    world(async ({ sim, one, two, client, states }) => {
      const started = client.start()
      const first = await one.next()
      await accept(first, 5n, false)
      await started
      first.socket.destroy()
      const second = await two.next()
      expect((await accept(second, 5n, true)).sessionId).toBe(5n)
      await sim.until(() => client.readOnly)
      one.words.set('isro', 'rw')
      const third = await one.next()
      expect(await accept(third, 5n, false)).toMatchObject({ sessionId: 5n, password: Buffer.alloc(16, 5) })
      await sim.until(() => client.connected)
      expect(states).toEqual(['CONNECTED+', 'SUSPENDED+', 'CONNECTED-', 'SUSPENDED+', 'CONNECTED+'])
    }))

  it('is lost where the server grants another in its place', () =>
    world(async ({ sim, one, two, client, states }) => {
      const started = client.start()
      const first = await one.next()
      await accept(first, 5n, false)
      await started
      first.socket.destroy()
      await accept(await two.next(), 6n, true)
      await sim.until(() => client.readOnly)
      expect(states).toEqual(['CONNECTED+', 'SUSPENDED+', 'LOST+', 'CONNECTED-'])
      one.words.set('isro', 'rw')
      expect((await accept(await one.next(), 7n, false)).sessionId).toBe(0n)
    }))
})
