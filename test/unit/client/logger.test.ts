import { pino } from 'pino'
import { describe, expect, it } from 'vitest'

import { AuthFailedError, type KazooClientOptions } from '../../../src/index.ts'
import { someStat } from '../../support/scripted-server.ts'
import { answerClose, failure, timeout, uncaughtDuring, world, type World } from '../../support/world.ts'

describe('a logger that throws', () => {
  it('is reported as uncaught, and keeps nobody from reconnecting, hearing of it, or stopping', async () => {
    const broken = (): never => {
      throw new Error('the logger broke')
    }
    const logger = { debug: broken, info: broken, warn: broken, error: broken }
    const uncaught = await uncaughtDuring(() =>
      world(
        async ({ sim, client, server, states, connect }) => {
          const connection = await connect()
          connection.socket.destroy()
          await (await server.next()).accept({ timeout })
          await sim.until(() => client.state === 'CONNECTED')
          sim.network.partition(['client'], ['server'])
          await sim.until(() => client.state === 'LOST')
          await client.stop()
          // The last one says that it was stopped.
          const expected = ['CONNECTED', 'SUSPENDED', 'CONNECTED', 'SUSPENDED', 'LOST', 'LOST']
          expect(states.map(([state]) => state)).toEqual(expected)
        },
        { logger },
      ),
    )
    expect(uncaught.length).toBeGreaterThanOrEqual(6)
    for (const error of uncaught) expect(error).toMatchObject({ message: 'the logger broke' })
  })
})

interface Line {
  readonly level: number
  readonly msg: string
  readonly [key: string]: unknown
}

/** A client's log, as pino writes it. */
async function logOf(script: (world: World) => Promise<void>, options: KazooClientOptions = {}): Promise<Line[]> {
  const lines: Line[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  await world(script, { logger, ...options })
  return lines
}

const levels = pino.levels.labels
const briefly = (lines: readonly Line[]): string[] => lines.map(({ level, msg }) => `${levels[level]}: ${msg}`)

describe('a logger of pino', () => {
  it('is told of attempts, connections, sessions and watches, each at its level', async () => {
    const lines = await logOf(async ({ connect, client, server, sim }) => {
      const first = await connect()
      const reading = client.get('/a', { watch: () => {} })
      first.answer(await first.expect('getData'), 'getData', { data: Buffer.alloc(0), stat: someStat })
      await reading
      first.socket.destroy()
      const second = await server.next()
      await second.accept({ timeout })
      await sim.until(() => client.connected)
      second.socket.destroy()
      await (await server.next()).refuse()
      const fourth = await server.next()
      await fourth.accept({ timeout })
      await sim.until(() => client.connected)
      const stopping = client.stop()
      await answerClose(fourth)
      await stopping
    })
    expect(briefly(lines)).toEqual([
      'debug: connecting to ZooKeeper',
      'info: ZooKeeper session created',
      'info: ZooKeeper connection is CONNECTED',
      'warn: ZooKeeper connection is SUSPENDED',
      'warn: connection to ZooKeeper failed or was lost',
      'debug: connecting to ZooKeeper',
      'debug: ZooKeeper session resumed',
      'debug: watches set again',
      'info: ZooKeeper connection is CONNECTED',
      'warn: ZooKeeper connection is SUSPENDED',
      'warn: connection to ZooKeeper failed or was lost',
      'debug: connecting to ZooKeeper',
      'warn: ZooKeeper session expired',
      'warn: connection to ZooKeeper failed or was lost',
      'warn: ZooKeeper connection is LOST',
      'debug: connecting to ZooKeeper',
      'info: ZooKeeper session created',
      'info: ZooKeeper connection is CONNECTED',
      'info: ZooKeeper session closed',
      'info: ZooKeeper connection is LOST',
    ])
    const server = expect.stringMatching(/^\d+\.\d+\.\d+\.\d+:2181$/) as string
    expect(lines[1]).toMatchObject({ session: '0x10000', timeout })
    expect(lines[2]).toMatchObject({ server, session: '0x10000', state: 'CONNECTED' })
    expect(lines[3]).toMatchObject({ err: { type: 'Error', message: 'the server closed the connection' } })
    expect(lines[4]).toMatchObject({ server, err: { message: 'the server closed the connection' } })
    expect(lines[7]).toMatchObject({ server, watches: 1 })
    expect(lines[12]).toMatchObject({ session: '0x10000', err: { type: 'SessionExpiredError' } })
  })

  it('is told that authentication failed', async () => {
    const lines = await logOf(
      async ({ client, server }) => {
        const failed = failure(client.start())
        const connection = await server.next()
        await connection.accept({ timeout })
        connection.fail(await connection.expect('auth'), -115)
        expect(await failed).toBeInstanceOf(AuthFailedError)
      },
      { authData: [{ scheme: 'digest', credential: 'user:secret' }] },
    )
    const line = lines.find(({ msg }) => msg === 'authentication failed')
    expect(line).toMatchObject({ level: 50, err: { type: 'AuthFailedError', code: 'AUTH_FAILED' } })
  })

  it('is told that the client gave up, which is more than a lost session', async () => {
    const lines = await logOf(
      async ({ connect, client, server, sim }) => {
        const connection = await connect()
        connection.socket.destroy()
        const second = await server.next()
        second.socket.destroy()
        await sim.until(() => client.state === 'LOST')
      },
      { connectionRetry: { maxTries: 1 } },
    )
    expect(briefly(lines).at(-1)).toBe('error: ZooKeeper connection is LOST')
    expect(lines.at(-1)).toMatchObject({ err: { message: 'the server closed the connection' } })
  })
})
