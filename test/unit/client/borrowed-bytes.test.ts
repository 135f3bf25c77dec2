import { describe, expect, it } from 'vitest'

import { KazooClient, type Acl } from '../../../src/index.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'
import { timeout, world } from '../../support/world.ts'

async function embedded(script: (client: KazooClient) => Promise<void>): Promise<void> {
  const sim = new Simulation()
  await sim.run(async () => {
    const server = await new EmbeddedServer({ runtime: sim.runtime('server'), host: '0.0.0.0', port: 2181 }).start()
    const client = await new KazooClient({ hosts: 'server', runtime: sim.runtime('client') }).start()
    await script(client)
    await client.stop()
    await server.stop()
  })
}

/** An entry that may be changed later, as callers that build theirs may do. */
function changeableAcl(): { perms: number; id: { scheme: string; id: string } }[] {
  return [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
}

const asGiven: Acl[] = changeableAcl()

describe('what a caller changes after the call does not count', () => {
  it.each([
    ['a create that makes its parents first', { makePath: true }],
    ['a protected create that makes its parents first', { makePath: true, protect: true }],
  ])('for %s', (_name, options) =>
    embedded(async (client) => {
      const data = Buffer.from('good')
      const acl = changeableAcl()
      const creating = client.create('/x/y/z', data, { ...options, acl })
      data.fill('X')
      acl[0]!.perms = 1
      acl[0]!.id.id = 'nobody'
      const path = await creating
      expect(String((await client.get(path)).data)).toBe('good')
      for (const at of [path, '/x/y', '/x']) expect((await client.getAcls(at)).acls).toEqual(asGiven)
    }),
  )

  it('for a path that is ensured', () =>
    embedded(async (client) => {
      const acl = changeableAcl()
      const ensuring = client.ensurePath('/x/y', { acl })
      acl[0]!.perms = 1
      await ensuring
      for (const at of ['/x/y', '/x']) expect((await client.getAcls(at)).acls).toEqual(asGiven)
    }))

  it('for a transaction that is committed later', () =>
    embedded(async (client) => {
      await client.create('/set', 'old')
      const created = Buffer.from('good')
      const set = Buffer.from('fine')
      const acl = changeableAcl()
      const transaction = client.transaction().create('/created', created, { acl }).set('/set', set)
      created.fill('X')
      set.fill('X')
      acl[0]!.perms = 1
      await transaction.commit()
      expect(String((await client.get('/created')).data)).toBe('good')
      expect((await client.getAcls('/created')).acls).toEqual(asGiven)
      expect(String((await client.get('/set')).data)).toBe('fine')
    }))
})

describe('secrets are copies', () => {
  it('for the password that a session is asked for again with', () =>
    world(async ({ client, server, connect }) => {
      const connection = await connect()
      client.session!.password.fill(0)
      connection.socket.destroy()
      const second = await server.next()
      expect((await second.handshake).password).toEqual(Buffer.alloc(16, 7))
    }))

  it('for the password of a session to resume', () => {
    const password = Buffer.alloc(16, 5)
    return world(
      async ({ client, server }) => {
        password.fill(0)
        const started = client.start()
        const connection = await server.next()
        const request = await connection.accept({ timeout, sessionId: 5n, password: Buffer.alloc(16, 5) })
        expect(request.password).toEqual(Buffer.alloc(16, 5))
        await started
      },
      { session: { id: 5n, password } },
    )
  })

  it('for credentials, of the options and of addAuth', () => {
    const first = Buffer.from('ann:one')
    const second = Buffer.from('bob:two')
    return world(
      async ({ client, server }) => {
        first.fill(0)
        const started = client.start()
        const connection = await server.next()
        await connection.accept({ timeout })
        const told = await connection.expect('auth')
        expect(String(told.values.auth)).toBe('ann:one')
        connection.answer(told, 'auth', undefined)
        await started
        const adding = client.addAuth('digest', second)
        connection.answer(await connection.expect('auth'), 'auth', undefined)
        await adding
        second.fill(0)
        connection.socket.destroy()
        const next = await server.next()
        await next.accept({ timeout })
        const again = [await next.expect('auth'), await next.expect('auth')]
        expect(again.map(({ values }) => String(values.auth))).toEqual(['ann:one', 'bob:two'])
      },
      { authData: [{ scheme: 'digest', credential: first }] },
    )
  })
})
