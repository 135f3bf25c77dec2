import { afterEach, beforeEach, expect, it } from 'vitest'

import { addWatchModes } from '../../../src/protocol/constants.ts'
import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'
import type { Runtime } from '../../../src/runtime/runtime.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { openAcl, RawClient } from '../../support/raw-client.ts'

const acl = openAcl
let ahead = 0
/** Its clock on the wall is set by the test. */
const runtime: Runtime = { ...nodeRuntime, wallClock: () => nodeRuntime.wallClock() + ahead }
let server: EmbeddedServer
let client: RawClient

beforeEach(async () => {
  ahead = 0
  server = await new EmbeddedServer({ runtime, reapInterval: 1 }).start()
  client = await RawClient.connect(server)
  await client.request('addWatch', { path: '/', mode: addWatchModes.persistentRecursive })
})
afterEach(async () => {
  await client[Symbol.asyncDispose]()
  await server.stop()
})

async function deletedPath(): Promise<string> {
  for (;;) {
    const { type, path } = await client.nextEvent()
    if (type === 2) return path
  }
}

it('deletes a container when its last child is gone, and its own parent after it', async () => {
  await client.request('createContainer', { path: '/c', data: null, acl, flags: 4 })
  await client.request('createContainer', { path: '/c/d', data: null, acl, flags: 4 })
  await client.request('create', { path: '/c/d/e', data: null, acl, flags: 0 })
  await client.request('delete', { path: '/c/d/e', version: -1 })
  expect(await deletedPath()).toBe('/c/d/e')
  expect(await deletedPath()).toBe('/c/d')
  expect(await deletedPath()).toBe('/c')
})

it('leaves a container that never had a child alone, however long', async () => {
  await client.request('createContainer', { path: '/new', data: null, acl, flags: 4 })
  ahead = 365 * 24 * 3_600_000
  await client.request('createContainer', { path: '/used', data: null, acl, flags: 4 })
  await client.request('create', { path: '/used/x', data: null, acl, flags: 0 })
  await client.request('delete', { path: '/used/x', version: -1 })
  expect(await deletedPath()).toBe('/used/x')
  expect(await deletedPath()).toBe('/used')
  expect(await client.request('exists', { path: '/new', watch: false })).toMatchObject({ err: 0 })
})

it('deletes a TTL znode that was not changed for its time, once it has no children', async () => {
  const ttl = 60_000
  for (const path of ['/kept', '/parent', '/gone']) {
    const reply = await client.request('createTtl', { path, data: null, acl, flags: 5, ttl })
    expect(reply).toMatchObject({ err: 0, body: { path, stat: { ephemeralOwner: 0n } } })
  }
  await client.request('create', { path: '/parent/x', data: null, acl, flags: 0 })
  ahead = 30_000
  await client.request('setData', { path: '/kept', data: null, version: -1 })
  ahead = 61_000
  expect(await deletedPath()).toBe('/gone')
  for (const path of ['/kept', '/parent']) {
    expect(await client.request('exists', { path, watch: false })).toMatchObject({ err: 0 })
  }
  await client.request('delete', { path: '/parent/x', version: -1 })
  expect(await deletedPath()).toBe('/parent/x')
  expect(await deletedPath()).toBe('/parent')
  ahead = 91_000
  expect(await deletedPath()).toBe('/kept')
})

it('numbers sequential TTL znodes, and refuses times that are none', async () => {
  const request = { path: '/t-', data: null, acl }
  const numbered = await client.request('createTtl', { ...request, flags: 6, ttl: 1_000 })
  expect(numbered).toMatchObject({ err: 0, body: { path: '/t-0000000000' } })
  for (const ttl of [0, -1, 2 ** 40]) {
    expect(await client.request('createTtl', { ...request, flags: 5, ttl })).toMatchObject({ err: -8 })
  }
})
