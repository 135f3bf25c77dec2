import { describe, expect, it } from 'vitest'

import { timeout, uncaughtDuring, world } from '../../support/world.ts'

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
