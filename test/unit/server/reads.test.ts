import { afterAll, beforeAll, expect, it } from 'vitest'

import { createFlags } from '../../../src/protocol/constants.ts'
import type { MultiOp } from '../../../src/protocol/multi.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { openAcl, RawClient, requestFrame } from '../../support/raw-client.ts'

const server = new EmbeddedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const secretAcl = [{ perms: 31, id: { scheme: 'digest', id: 'u:nobodyknows' } }]

async function make(client: RawClient, path: string, flags: number = createFlags.persistent): Promise<void> {
  const data = Buffer.from(path)
  expect(await client.request('create', { path, data, acl: openAcl, flags })).toMatchObject({ err: 0 })
}

it('multiRead answers each read by itself', async () => {
  await using client = await RawClient.connect(server)
  await make(client, '/mr')
  await make(client, '/mr/kid')
  await client.request('create', { path: '/mr/secret', data: null, acl: secretAcl, flags: 0 })
  const reply = await client.request('multiRead', [
    { op: 'getData', body: { path: '/mr', watch: false } },
    { op: 'getChildren', body: { path: '/mr', watch: false } },
    { op: 'getData', body: { path: '/none', watch: false } },
    { op: 'getChildren', body: { path: '/mr/secret', watch: false } },
  ])
  expect(reply).toMatchObject({ err: 0 })
  expect(reply!.body).toMatchObject([
    { op: 'getData', body: { data: Buffer.from('/mr'), stat: { numChildren: 2 } } },
    { op: 'getChildren', body: { children: ['kid', 'secret'] } },
    { op: 'error', body: { err: -101 } },
    { op: 'error', body: { err: -102 } },
  ])
})

it('multiRead closes the connection rather than answer with more than 64 MiB', async () => {
  await using client = await RawClient.connect(server)
  const data = Buffer.alloc(1024 * 1024 - 1024, 'x')
  expect(await client.request('create', { path: '/large', data, acl: openAcl, flags: 0 })).toMatchObject({ err: 0 })
  const reads = (count: number): MultiOp[] =>
    Array.from({ length: count }, () => ({ op: 'getData', body: { path: '/large', watch: false } }))
  expect((await client.request('multiRead', reads(64)))!.body).toHaveLength(64)
  const before = client.received
  client.socket.write(requestFrame('multiRead', reads(10_000), 7))
  await client.closed
  expect(client.received).toBe(before)
})

it('getEphemerals lists those of the session, by prefix', async () => {
  await using client = await RawClient.connect(server)
  await using other = await RawClient.connect(server)
  await make(client, '/eph')
  for (const path of ['/eph/a', '/eph/ab', '/zeph']) await make(client, path, createFlags.ephemeral)
  await make(other, '/eph/others', createFlags.ephemeral)
  const list = async (prefix: string | null): Promise<string[]> => {
    const reply = await client.request('getEphemerals', { prefix })
    return [...reply!.body!.ephemerals].toSorted()
  }
  for (const prefix of [null, '', ' ', '/']) expect(await list(prefix)).toEqual(['/eph/a', '/eph/ab', '/zeph'])
  expect(await list('/eph')).toEqual(['/eph/a', '/eph/ab'])
  expect(await list('/eph/ab')).toEqual(['/eph/ab'])
  expect(await list('/nothing')).toEqual([])
})

it('getAllChildrenNumber counts descendants, and asks for READ', async () => {
  await using client = await RawClient.connect(server)
  for (const path of ['/n', '/n/a', '/n/a/b', '/n/c', '/nn']) await make(client, path)
  expect(await client.request('getAllChildrenNumber', { path: '/n' })).toMatchObject({ body: { total: 3 } })
  expect(await client.request('getAllChildrenNumber', { path: '/n/c' })).toMatchObject({ body: { total: 0 } })
  expect(await client.request('getAllChildrenNumber', { path: '/none' })).toMatchObject({ err: -101 })
  await client.request('create', { path: '/n/secret', data: null, acl: secretAcl, flags: 0 })
  expect(await client.request('getAllChildrenNumber', { path: '/n/secret' })).toMatchObject({ err: -102 })
  const all = (await client.request('getAllChildrenNumber', { path: '/' }))!.body!.total
  await make(client, '/one-more')
  expect(await client.request('getAllChildrenNumber', { path: '/' })).toMatchObject({ body: { total: all + 1 } })
})

it('whoAmI names the address, and who was proven since, each once', async () => {
  await using client = await RawClient.connect(server)
  const auth = Buffer.from('bob:secret')
  for (let i = 0; i < 2; i++) {
    expect(await client.request('auth', { type: 0, scheme: 'digest', auth }, -4)).toMatchObject({ xid: -4, err: 0 })
  }
  expect(await client.request('whoAmI', undefined)).toMatchObject({
    body: {
      clientInfo: [
        { authScheme: 'ip', user: '127.0.0.1' },
        { authScheme: 'digest', user: 'bob' },
      ],
    },
  })
})

it('tells null data from empty data', async () => {
  await using client = await RawClient.connect(server)
  await client.request('create', { path: '/null', data: null, acl: openAcl, flags: 0 })
  await client.request('create', { path: '/empty', data: Buffer.alloc(0), acl: openAcl, flags: 0 })
  expect((await client.request('getData', { path: '/null', watch: false }))!.body!.data).toBeNull()
  expect((await client.request('getData', { path: '/empty', watch: false }))!.body!.data).toEqual(Buffer.alloc(0))
})

it('sync answers with the path', async () => {
  await using client = await RawClient.connect(server)
  expect(await client.request('sync', { path: '/any' })).toMatchObject({ err: 0, body: { path: '/any' } })
})

it('getAllChildrenNumber follows what is created and deleted once it was asked for', async () => {
  await using client = await RawClient.connect(server)
  const count = async (path: string): Promise<number | undefined> =>
    (await client.request('getAllChildrenNumber', { path }))!.body?.total
  const create = async (path: string): Promise<void> => {
    expect(await client.request('create', { path, data: null, acl: openAcl, flags: 0 })).toMatchObject({ err: 0 })
  }
  for (const path of ['/c', '/c/a', '/c/a/b', '/cc', '/cc/d']) await create(path)
  const whole = (await count('/'))!
  expect([await count('/c'), await count('/c/a'), await count('/cc'), await count('/c/a/b')]).toEqual([2, 1, 1, 0])
  for (const path of ['/c/a/b/e', '/c/a/f', '/c/g']) await create(path)
  expect([await count('/c'), await count('/c/a'), await count('/c/a/b'), await count('/cc')]).toEqual([5, 3, 1, 1])
  for (const path of ['/c/a/b/e', '/c/a/b', '/c/a/f']) await client.request('delete', { path, version: -1 })
  expect([await count('/c'), await count('/c/a')]).toEqual([2, 0])
  await create('/c/a/h')
  expect([await count('/c'), await count('/c/a'), await count('/')]).toEqual([3, 1, whole + 1])
})
