import { afterAll, beforeAll, expect, it } from 'vitest'

import { EmbeddedServer } from '../../../src/server/index.ts'
import { handshakeFrame, openAcl, RawClient, requestFrame } from '../../support/raw-client.ts'
import { simulate } from '../../support/simulate.ts'

const server = new EmbeddedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

it('grants a timeout between two and twenty ticks', async () => {
  for (const [asked, granted] of [
    [1, 4_000],
    [10_000, 10_000],
    [1_000_000, 40_000],
    [-5, 4_000],
  ] as const) {
    await using client = await RawClient.connect(server, { timeout: asked })
    expect(client.response).toMatchObject({ protocolVersion: 0, timeout: granted, readOnly: false })
    expect(client.password).toHaveLength(16)
  }
})

it('leaves the read-only byte out for a client that does', async () => {
  await using client = await RawClient.connect(server, { readOnly: null })
  expect(client.response).toMatchObject({ readOnly: null, timeout: 10_000 })
})

it('resumes a session with its password, and moves it from one connection to another', async () => {
  await using first = await RawClient.connect(server)
  await first.request('create', { path: '/moved', data: null, acl: openAcl, flags: 1 })
  const { sessionId, password } = first
  await using second = await RawClient.connect(server, { sessionId, password, timeout: 5_000 })
  expect(second.response).toMatchObject({ sessionId, password, timeout: 5_000 })
  await first.closed
  expect(await second.request('exists', { path: '/moved', watch: false })).toMatchObject({
    err: 0,
    body: { stat: { ephemeralOwner: sessionId } },
  })
})

it('answers a wrong password, and a session that is none, with zeros, and closes', async () => {
  await using alive = await RawClient.connect(server)
  const { sessionId, password } = alive
  for (const wrong of [
    { sessionId, password: Buffer.alloc(16, 1) },
    { sessionId, password: null },
    { sessionId: 12_345n, password: Buffer.alloc(16) },
  ]) {
    await using client = await RawClient.connect(server, wrong)
    expect(client.response).toMatchObject({ timeout: 0, sessionId: 0n, password: Buffer.alloc(16) })
    await client.closed
  }
  // As in ZooKeeper, whoever names a session ends its connection; the session lives on for those who know the password.
  await alive.closed
  await using again = await RawClient.connect(server, { sessionId, password })
  expect(again.response).toMatchObject({ timeout: 10_000, sessionId })
})

it('closes without a word if the client has seen more than the server knows', async () => {
  await using client = await RawClient.connect(server, { lastZxidSeen: 1n << 40n })
  expect(client.response).toBeNull()
})

it('closeSession deletes the ephemerals, is answered, and closes', async () => {
  await using client = await RawClient.connect(server)
  await using other = await RawClient.connect(server)
  await client.request('create', { path: '/mine', data: null, acl: openAcl, flags: 1 })
  await other.request('exists', { path: '/mine', watch: true })
  const { sessionId, password } = client
  expect(await client.request('closeSession', undefined)).toMatchObject({ err: 0, body: null })
  await client.closed
  expect(await other.nextEvent()).toMatchObject({ type: 2, path: '/mine' })
  await using late = await RawClient.connect(server, { sessionId, password })
  expect(late.response).toMatchObject({ timeout: 0, sessionId: 0n })
})

it('expires a session whose client is silent, and none whose client is not', () =>
  simulate(async (sim) => {
    await using quick = await new EmbeddedServer({
      host: '0.0.0.0',
      tickTime: 1_000,
      runtime: sim.runtime('server'),
    }).start()
    const connect = (name: string): Promise<RawClient> => {
      const address = { host: sim.address('server'), port: quick.port, runtime: sim.runtime(name) }
      return RawClient.connect(address, { timeout: 4_000 })
    }
    await using watcher = await connect('watcher')
    await using silent = await connect('silent')
    await watcher.request('create', { path: '/kept', data: null, acl: openAcl, flags: 1 })
    await silent.request('create', { path: '/silent', data: null, acl: openAcl, flags: 1 })
    const heardAt = sim.now
    await watcher.request('exists', { path: '/silent', watch: true })
    const expired = watcher.nextEvent().then((event) => ({ event, at: sim.now }))
    const longAfter = sim.now + 10_000
    while (sim.now < longAfter) {
      await watcher.settle()
      await sim.sleep(500)
    }
    const { event, at } = await expired
    await silent.closed
    expect(event).toMatchObject({ type: 2, path: '/silent' })
    // At the end of the tick in which its time is over; what was heard was sent up to a few ms before.
    expect(at - heardAt).toBeGreaterThan(3_900)
    expect(at - heardAt).toBeLessThan(5_200)
    expect(await watcher.request('exists', { path: '/kept', watch: false })).toMatchObject({ err: 0 })
  }))

it('takes a connection that sends one byte at a time', async () => {
  await using client = await RawClient.dial(server)
  for (const byte of handshakeFrame()) client.socket.write(Buffer.of(byte))
  client.response = await client.handshake
  expect(client.response).toMatchObject({ timeout: 10_000 })
  const answer = client.expect('exists', 7)
  for (const byte of requestFrame('exists', { path: '/', watch: false }, 7)) {
    client.socket.write(Buffer.of(byte))
  }
  expect(await answer).toMatchObject({ xid: 7, err: 0 })
})
