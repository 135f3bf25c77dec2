import { describe, expect, it } from 'vitest'

import { someStat, type ScriptedConnection } from '../../support/scripted-server.ts'
import { answerClose, timeout, world } from '../../support/world.ts'

const password = Buffer.alloc(16, 5)
const options = { session: { id: 5n, password } }

async function answerGet(connection: ScriptedConnection): Promise<void> {
  const request = await connection.expect('getData')
  connection.answer(request, 'getData', { data: Buffer.from('x'), stat: someStat })
}

describe('the session to resume', () => {
  it('is asked for by the first start alone: later ones ask for new sessions', () =>
    world(async ({ client, server }) => {
      const starting = client.start()
      const first = await server.next()
      const asked = await first.accept({ timeout, sessionId: 5n, password })
      expect([asked.sessionId, asked.password]).toEqual([5n, password])
      await starting
      expect(client.session?.id).toBe(5n)
      const restarting = client.restart()
      await answerClose(first)
      const second = await server.next()
      expect((await second.accept({ timeout, sessionId: 6n })).sessionId).toBe(0n)
      await restarting
      const stopping = client.stop()
      await answerClose(second)
      await stopping
      const again = client.start()
      const third = await server.next()
      expect((await third.accept({ timeout, sessionId: 7n })).sessionId).toBe(0n)
      await again
      expect(client.session?.id).toBe(7n)
    }, options))

  it('is asked for until a server has spoken, and what is called meanwhile waits', () =>
    world(async ({ client, server }) => {
      const starting = client.start()
      const reading = client.get('/a')
      const first = await server.next()
      await first.handshake
      first.socket.destroy()
      const second = await server.next()
      expect((await second.accept({ timeout, sessionId: 5n, password })).sessionId).toBe(5n)
      await answerGet(second)
      await Promise.all([starting, reading])
    }, options))

  it('is replaced when it is refused: what was called right after start waits for the new one', () =>
    world(async ({ client, server, states }) => {
      const starting = client.start()
      const reading = client.get('/a')
      await (await server.next()).refuse()
      const second = await server.next()
      const asked = await second.accept({ timeout, sessionId: 6n })
      expect([asked.sessionId, asked.password]).toEqual([0n, Buffer.alloc(16)])
      await answerGet(second)
      await starting
      expect(String((await reading).data)).toBe('x')
      expect(client.session?.id).toBe(6n)
      expect(states).toEqual([['CONNECTED', undefined]])
    }, options))
})
