import { afterAll, beforeAll, expect, it } from 'vitest'

import { EmbeddedServer } from '../../../../src/server/index.ts'
import { command } from '../../../support/four-letter-word.ts'
import { frameOf, handshakeFrame, ints, openAcl, RawClient, requestFrame } from '../../../support/raw-client.ts'

// Nobody's session expires, however slow the machine.
const server = new EmbeddedServer({ tickTime: 100_000 })
let bystander: RawClient
beforeAll(async () => {
  await server.start()
  bystander = await RawClient.connect(server)
})
afterAll(async () => {
  // Whatever the others did, this session noticed nothing.
  expect(await bystander.request('exists', { path: '/', watch: false })).toMatchObject({ err: 0 })
  await bystander[Symbol.asyncDispose]()
  await server.stop()
})

it.each([
  ['a frame above the limit', ints(0x10_0000)],
  ['a negative length', ints(-2)],
  ['a handshake that ends early', frameOf(ints(0, 0))],
  ['an empty handshake', frameOf()],
  ['a web browser', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['noise', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x16, 0x03])],
])('closes on %s, before there is a session', async (_, bytes) => {
  await using client = await RawClient.dial(server)
  client.socket.write(bytes)
  await client.closed
})

it('closes on a frame above the limit, and leaves the session alive', async () => {
  await using client = await RawClient.connect(server)
  client.socket.write(ints(0x10_0000))
  await client.closed
  await using again = await RawClient.connect(server, { sessionId: client.sessionId, password: client.password })
  expect(again.response).toMatchObject({ sessionId: client.sessionId })
})

it('takes a request as large as the limit', async () => {
  await using client = await RawClient.connect(server)
  const rest = requestFrame('create', { path: '/big', data: Buffer.alloc(0), acl: openAcl, flags: 0 }, 1).length - 4
  const data = Buffer.alloc(0xf_ffff - rest, 'x')
  expect(await client.request('create', { path: '/big', data, acl: openAcl, flags: 0 })).toMatchObject({ err: 0 })
  expect((await client.request('getData', { path: '/big', watch: false }))!.body!.data).toHaveLength(data.length)
})

it('answers a malformed record by −5, and goes on', async () => {
  await using client = await RawClient.connect(server)
  for (const body of [ints(), ints(-1), ints(0x7fff_ffff), ints(3)]) {
    const answer = client.expect('getData', 5)
    client.socket.write(frameOf(ints(5, 4), body))
    expect(await answer).toMatchObject({ xid: 5, err: -5 })
  }
  // A list whose announced size no frame could hold.
  const answer = client.expect('create', 6)
  client.socket.write(frameOf(ints(6, 1, 1), Buffer.from('/'), ints(-1, 0x7fff_fff0)))
  expect(await answer).toMatchObject({ err: -5 })
  expect(await client.request('exists', { path: '/', watch: false })).toMatchObject({ err: 0 })
})

it.each([3_000, -12, 10, 0x7fff_ffff])('answers opcode %i by −6, and closes', async (opcode) => {
  await using client = await RawClient.connect(server)
  const answer = client.expect('ping', 9)
  client.socket.write(frameOf(ints(9, opcode)))
  expect(await answer).toMatchObject({ xid: 9, err: -6, body: null })
  await client.closed
})

it('closes on a check outside a multi', async () => {
  await using client = await RawClient.connect(server)
  expect(await client.request('check', { path: '/', version: -1 })).toMatchObject({ err: -6 })
  await client.closed
})

it('closes on a request without a header', async () => {
  await using client = await RawClient.connect(server)
  client.socket.write(frameOf(ints(1)))
  await client.closed
})

it('holds back what a client asks for that does not read, and answers all of it later', async () => {
  await using client = await RawClient.connect(server)
  const data = Buffer.alloc(900_000, 'y')
  await client.request('create', { path: '/large', data, acl: openAcl, flags: 0 })
  client.socket.pause()
  const count = 100
  const answers = Array.from({ length: count }, (_, index) => client.expect('getData', index + 1_000))
  const requests = answers.map((__, index) => requestFrame('getData', { path: '/large', watch: false }, index + 1_000))
  client.socket.write(Buffer.concat(requests))
  // The last request comes in the same segment as the first, and yet nothing like 90 MB is made of them.
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 20; i++) await bystander.request('exists', { path: '/', watch: false })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40e6)
  const stat = await command(server.port, 'cons')
  expect(stat).toContain(`sid=0x${client.sessionId.toString(16)}`)
  client.socket.resume()
  for (const answer of answers) expect((await answer)!.body).toMatchObject({ stat: { dataLength: data.length } })
})

it('serves many at once, and forgets them', async () => {
  const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(server)))
  expect(server.connectionCount).toBe(201)
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
  await using last = await RawClient.connect(server)
  await last.settle()
  expect(server.connectionCount).toBeLessThanOrEqual(202)
})

it('takes a handshake that is followed by requests at once', async () => {
  await using client = await RawClient.dial(server)
  const answer = client.expect('exists', 1)
  client.socket.write(Buffer.concat([handshakeFrame(), requestFrame('exists', { path: '/', watch: false }, 1)]))
  expect(await answer).toMatchObject({ err: 0 })
})
