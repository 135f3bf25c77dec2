import { afterAll, beforeAll, expect, it } from 'vitest'

import type { MultiOp } from '../../../../src/protocol/multi.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { parseTrack } from '../../../../src/server/tree/quota.ts'
import { openAcl, RawClient } from '../../../support/raw-client.ts'

const server = new EmbeddedServer()
let client: RawClient
beforeAll(async () => {
  await server.start()
  client = await RawClient.connect(server)
})
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await server.stop()
})

async function create(path: string, text = ''): Promise<number> {
  return (await client.request('create', { path, data: Buffer.from(text), acl: openAcl, flags: 0 }))!.err
}

function createOp(path: string): MultiOp {
  return { op: 'create', body: { path, data: null, acl: openAcl, flags: 0 } }
}

async function set(path: string, text: string): Promise<number> {
  return (await client.request('setData', { path, data: Buffer.from(text), version: -1 }))!.err
}

async function limit(path: string, limits: string): Promise<void> {
  await create(`/zookeeper/quota${path}`)
  expect(await create(`/zookeeper/quota${path}/zookeeper_limits`, limits)).toBe(0)
  expect(await create(`/zookeeper/quota${path}/zookeeper_stats`, 'count=0,bytes=0')).toBe(0)
}

async function counted(path: string): Promise<string> {
  const reply = await client.request('getData', { path: `/zookeeper/quota${path}/zookeeper_stats`, watch: false })
  return Buffer.from(reply!.body!.data!).toString()
}

it('a soft quota counts, and refuses nothing', async () => {
  await create('/soft', 'abc')
  await limit('/soft', 'count=1,bytes=4')
  expect(await counted('/soft')).toBe('count=1,bytes=3')
  expect(await create('/soft/a', '12345')).toBe(0)
  expect(await create('/soft/a/b')).toBe(0)
  expect(await set('/soft/a', '1')).toBe(0)
  expect(await counted('/soft')).toBe('count=3,bytes=4')
  await client.request('delete', { path: '/soft/a/b', version: -1 })
  expect(await counted('/soft')).toBe('count=2,bytes=4')
})

it('a hard quota of znodes refuses the one too many, by −125', async () => {
  await create('/hard')
  await limit('/hard', 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2')
  expect(await create('/hard/a')).toBe(0)
  expect(await create('/hard/b')).toBe(-125)
  expect(await set('/hard/a', 'as much as you like')).toBe(0)
  await client.request('delete', { path: '/hard/a', version: -1 })
  expect(await create('/hard/b')).toBe(0)
})

it('a hard quota of bytes refuses creates and sets that grow beyond it', async () => {
  await create('/bytes', '1234')
  await limit('/bytes', 'count=-1,bytes=-1=;byteHardLimit=8;countHardLimit=-1')
  expect(await create('/bytes/a', '12345')).toBe(-125)
  expect(await create('/bytes/a', '123')).toBe(0)
  expect(await set('/bytes/a', '12345')).toBe(-125)
  expect(await set('/bytes/a', '1234')).toBe(0)
  expect(await set('/bytes', '')).toBe(0)
})

it('counts a multi as a whole, and ends with its znode', async () => {
  await create('/multi')
  await limit('/multi', 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2')
  expect((await client.request('multi', [createOp('/multi/a')]))!.body).toMatchObject([{ op: 'create' }])
  expect((await client.request('multi', [createOp('/multi/b')]))!.body).toMatchObject([
    { op: 'error', body: { err: -125 } },
  ])
  await client.request('delete', { path: '/zookeeper/quota/multi/zookeeper_limits', version: -1 })
  expect(await create('/multi/b')).toBe(0)
})

it('reads limits as Java splits them', () => {
  const read = (text: string): [string, bigint][] | null => {
    const track = parseTrack(Buffer.from(text))
    return track === null ? null : [...track]
  }
  expect(read('count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=7;,;')).toEqual([
    ['count', 5n],
    ['bytes', -1n],
    ['byteHardLimit', -1n],
    ['countHardLimit', 7n],
  ])
  expect(read('count==5')).toEqual([['count', -1n]])
  expect(read('a=9223372036854775807,b=-9223372036854775808,c=+00000000000000000000007')).toEqual([
    ['a', 0x7fff_ffff_ffff_ffffn],
    ['b', -0x8000_0000_0000_0000n],
    ['c', 7n],
  ])
  for (const text of ['a=9223372036854775808', 'a=-9223372036854775809', 'a=-']) expect(read(text)).toBeNull()
  for (const text of ['', ',;']) expect(read(text)).toEqual([])
  for (const text of [',count=5', 'count=', 'count', 'count=five', '=']) expect(read(text)).toBeNull()
})

it('reads limits of any length in one pass', () => {
  for (const run of [';'.repeat(200_000), '='.repeat(200_000)]) {
    expect(parseTrack(Buffer.from(`a=1,${run};b`))).toBeNull()
    expect(parseTrack(Buffer.from(`a=1${run}b=2`))).not.toBeNull()
    expect(parseTrack(Buffer.from(`a=1${run}`))?.get('a')).toBe(1n)
  }
})
