import { expect, it } from 'vitest'

import { nodeRuntime } from '../../../../src/runtime/node-runtime.ts'
import type { Runtime } from '../../../../src/runtime/runtime.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { Turn, weights } from '../../../../src/server/connection/turn.ts'
import { openAcl, RawClient, requestFrame } from '../../../support/raw-client.ts'

/** Each look at the clock takes a millisecond: what is handled is slow, without being so. */
function slowRuntime(): Runtime {
  let now = nodeRuntime.now()
  return Object.assign(Object.create(nodeRuntime) as Runtime, { now: () => now++ })
}

const count = 1_000

/** What takes time to search. */
const longAcl = [
  ...Array.from({ length: 2_000 }, (_, index) => ({
    perms: 1,
    id: { scheme: 'ip', id: `10.0.${index >> 8}.${index & 255}` },
  })),
  ...openAcl,
]

it.each([
  ['getAllChildrenNumber', { path: '/' }],
  ['getChildren', { path: '/', watch: false }],
  ['getEphemerals', { prefix: null }],
  // Its ACL is long.
  ['exists', { path: '/n', watch: false }],
  ['setData', { path: '/n', data: null, version: -1 }],
] as const)('a client that asks for %s a thousand times at once leaves others their turn', async (op, body) => {
  const frames = Array.from({ length: count }, (_, index) => requestFrame(op, body, index + 1))
  await using server = await new EmbeddedServer({ runtime: slowRuntime(), tickTime: 100_000 }).start()
  await using greedy = await RawClient.connect(server, { timeout: 1_000_000 })
  await using other = await RawClient.connect(server, { timeout: 1_000_000 })
  await greedy.request('create', { path: '/n', data: null, acl: longAcl, flags: 0 }, 5_000)
  const answers = frames.map((_, index) => greedy.expect(op, index + 1))
  greedy.socket.write(Buffer.concat(frames))
  await answers[0]
  await other.settle()
  expect(greedy.order.length).toBeLessThan(count)
  const replies = await Promise.all(answers)
  expect(replies.map((reply) => [reply?.xid, reply?.err])).toEqual(frames.map((_, index) => [index + 1, 0]))
})

it('requests that others do not wait for long are handled at once', () => {
  let now = 0
  let looks = 0
  const runtime = { now: () => (looks++, now) } as Runtime
  const turn = new Turn(runtime)
  turn.begin()
  for (let i = 0; i < 1_000; i++) expect(turn.spend(weights.light)).toBe(false)
  expect(looks).toBeLessThan(20)
  now = 11
  expect(turn.spend(weights.heavy)).toBe(true)
  turn.begin()
  expect(turn.spend(weights.heavy)).toBe(false)
})

it('what a client sends before it ends its side is answered over several turns', async () => {
  await using server = await new EmbeddedServer({ runtime: slowRuntime(), tickTime: 100_000 }).start()
  await using client = await RawClient.connect(server, { timeout: 1_000_000 })
  const answers = Array.from({ length: count }, (_, index) => client.expect('getChildren', index + 1))
  const frames = answers.map((_, index) => requestFrame('getChildren', { path: '/', watch: false }, index + 1))
  client.socket.write(Buffer.concat(frames))
  client.socket.end()
  expect((await Promise.all(answers)).every((reply) => reply?.err === 0)).toBe(true)
  await client.closed
})
