import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { addWatchModes, createFlags, watcherTypes } from '../../../../src/protocol/constants.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { openAcl, RawClient } from '../../../support/raw-client.ts'

const server = new EmbeddedServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

const noWatches = {
  dataWatches: [],
  existWatches: [],
  childWatches: [],
  persistentWatches: [],
  persistentRecursiveWatches: [],
}
const [created, deleted, changed, child] = [1, 2, 3, 4]

async function make(client: RawClient, path: string, flags: number = createFlags.persistent): Promise<bigint> {
  const reply = await client.request('create', { path, data: null, acl: openAcl, flags })
  expect(reply).toMatchObject({ err: 0 })
  return reply!.zxid
}

/** What was heard so far, as `type path`. */
async function heard(client: RawClient): Promise<string[]> {
  await client.settle()
  return client.events.splice(0).map(({ type, path }) => `${type} ${path}`)
}

describe('setWatches2', () => {
  it('tells what happened since, with zxid −1, before its own answer, and sets the rest', async () => {
    await using writer = await RawClient.connect(server)
    for (const path of ['/a', '/a/changed', '/a/same', '/a/parent', '/a/gone', '/a/childless']) await make(writer, path)
    const { zxid } = (await writer.request('sync', { path: '/' }))!
    await writer.request('setData', { path: '/a/changed', data: null, version: -1 })
    await writer.request('delete', { path: '/a/gone', version: -1 })
    await make(writer, '/a/parent/kid')
    await make(writer, '/a/new')

    await using reader = await RawClient.connect(server)
    const answer = await reader.request(
      'setWatches2',
      {
        ...noWatches,
        relativeZxid: zxid,
        dataWatches: ['/a/changed', '/a/same', '/a/gone'],
        existWatches: ['/a/new', '/a/never'],
        childWatches: ['/a/parent', '/a/childless', '/a/gone'],
      },
      -8,
    )
    expect(answer).toMatchObject({ xid: -8, err: 0, body: null })
    expect(reader.order).toEqual([-1, -1, -1, -1, -1, -8])
    expect(reader.events.every((event) => event.zxid === -1n && event.state === 3)).toBe(true)
    expect(await heard(reader)).toEqual([
      `${changed} /a/changed`,
      `${deleted} /a/gone`,
      `${created} /a/new`,
      `${child} /a/parent`,
      `${deleted} /a/gone`,
    ])

    await writer.request('setData', { path: '/a/same', data: null, version: -1 })
    await writer.request('setData', { path: '/a/changed', data: null, version: -1 })
    await make(writer, '/a/never')
    await make(writer, '/a/childless/kid')
    expect(await heard(reader)).toEqual([`${changed} /a/same`, `${created} /a/never`, `${child} /a/childless`])
  })

  it('sets persistent watches without a word about the past', async () => {
    await using writer = await RawClient.connect(server)
    await make(writer, '/p')
    await using reader = await RawClient.connect(server)
    const since = { ...noWatches, relativeZxid: 0n }
    await reader.request('setWatches2', { ...since, persistentWatches: ['/p'], persistentRecursiveWatches: ['/p'] })
    expect(await heard(reader)).toEqual([])
    await make(writer, '/p/kid')
    expect(await heard(reader)).toEqual([`${created} /p/kid`, `${child} /p`])
  })

  it('tells what happened even of znodes that may not be read, as ZooKeeper does', async () => {
    await using writer = await RawClient.connect(server)
    const acl = [{ perms: 4 | 2, id: { scheme: 'world', id: 'anyone' } }]
    await writer.request('create', { path: '/secret', data: null, acl, flags: 0 })
    await using reader = await RawClient.connect(server)
    await reader.request('setWatches2', { ...noWatches, relativeZxid: 0n, dataWatches: ['/secret'] })
    expect(await heard(reader)).toEqual([`${changed} /secret`])
  })
})

describe('addWatch', () => {
  it('persistent: data and children of one znode, again and again', async () => {
    await using client = await RawClient.connect(server)
    const answer = await client.request('addWatch', { path: '/w', mode: addWatchModes.persistent })
    expect(answer).toMatchObject({ err: 0, body: { err: 0 } })
    for (let round = 0; round < 2; round++) {
      await make(client, '/w')
      await make(client, '/w/kid')
      await client.request('setData', { path: '/w/kid', data: null, version: -1 })
      await client.request('setData', { path: '/w', data: null, version: -1 })
      await client.request('delete', { path: '/w/kid', version: -1 })
      await client.request('delete', { path: '/w', version: -1 })
      expect(await heard(client)).toEqual([
        `${created} /w`,
        `${child} /w`,
        `${changed} /w`,
        `${child} /w`,
        `${deleted} /w`,
      ])
    }
  })

  it('recursive: everything below, but no child events', async () => {
    await using client = await RawClient.connect(server)
    await client.request('addWatch', { path: '/r', mode: addWatchModes.persistentRecursive })
    const zxid = await make(client, '/r')
    await make(client, '/r/a')
    await make(client, '/r/a/b')
    await make(client, '/rr')
    await client.request('setData', { path: '/r/a/b', data: null, version: -1 })
    await client.request('delete', { path: '/r/a/b', version: -1 })
    expect(client.events[0]).toMatchObject({ type: created, path: '/r', zxid })
    expect(await heard(client)).toEqual([
      `${created} /r`,
      `${created} /r/a`,
      `${created} /r/a/b`,
      `${changed} /r/a/b`,
      `${deleted} /r/a/b`,
    ])
  })

  it('tells a connection once, whatever kinds of watch match', async () => {
    await using client = await RawClient.connect(server)
    await make(client, '/m')
    await client.request('addWatch', { path: '/m', mode: addWatchModes.persistent })
    await client.request('addWatch', { path: '/m', mode: addWatchModes.persistentRecursive })
    await client.request('getData', { path: '/m', watch: true })
    await client.request('setData', { path: '/m', data: null, version: -1 })
    await client.request('setData', { path: '/m', data: null, version: -1 })
    expect(await heard(client)).toEqual([`${changed} /m`, `${changed} /m`])
  })

  it('refuses an unknown mode', async () => {
    await using client = await RawClient.connect(server)
    expect(await client.request('addWatch', { path: '/w', mode: 7 })).toMatchObject({ err: -5 })
    expect(await client.request('checkWatches', { path: '/w', type: watcherTypes.any })).toMatchObject({ err: -121 })
  })
})

describe('checkWatches and removeWatches', () => {
  it('tell the kinds apart', async () => {
    await using client = await RawClient.connect(server)
    await make(client, '/k')
    await client.request('getData', { path: '/k', watch: true })
    await client.request('getChildren', { path: '/k', watch: true })
    await client.request('addWatch', { path: '/k', mode: addWatchModes.persistent })
    await client.request('addWatch', { path: '/k', mode: addWatchModes.persistentRecursive })

    for (const type of Object.values(watcherTypes)) {
      expect(await client.request('checkWatches', { path: '/k', type })).toMatchObject({ err: 0, body: null })
    }
    for (const type of [1, 2, 4, 5]) {
      expect(await client.request('removeWatches', { path: '/k', type })).toMatchObject({ err: 0 })
      expect(await client.request('checkWatches', { path: '/k', type })).toMatchObject({ err: -121 })
    }
    expect(await client.request('removeWatches', { path: '/k', type: watcherTypes.any })).toMatchObject({ err: -121 })
    await client.request('setData', { path: '/k', data: null, version: -1 })
    await make(client, '/k/kid')
    expect(await heard(client)).toEqual([])
  })

  it('remove all kinds at once, of this connection alone', async () => {
    await using client = await RawClient.connect(server)
    await using other = await RawClient.connect(server)
    await make(client, '/all')
    for (const watching of [client, other]) {
      await watching.request('getData', { path: '/all', watch: true })
      await watching.request('getChildren', { path: '/all', watch: true })
      await watching.request('addWatch', { path: '/all', mode: addWatchModes.persistentRecursive })
    }
    expect(await client.request('removeWatches', { path: '/all', type: watcherTypes.any })).toMatchObject({ err: 0 })
    await client.request('setData', { path: '/all', data: null, version: -1 })
    expect(await heard(client)).toEqual([])
    expect(await heard(other)).toEqual([`${changed} /all`])
  })

  it('answer −5 for a kind that is none', async () => {
    await using client = await RawClient.connect(server)
    expect(await client.request('checkWatches', { path: '/k', type: 9 })).toMatchObject({ err: -5 })
    expect(await client.request('removeWatches', { path: '/k', type: 9 })).toMatchObject({ err: -5 })
  })
})

it('forgets the watches of a connection that is gone', async () => {
  await using client = await RawClient.connect(server)
  await using gone = await RawClient.connect(server)
  await gone.request('addWatch', { path: '/', mode: addWatchModes.persistentRecursive })
  gone.socket.destroy()
  await gone.closed
  await make(client, '/after')
  await using again = await RawClient.connect(server, { sessionId: gone.sessionId, password: gone.password })
  await make(client, '/after/all')
  expect(await heard(again)).toEqual([])
})
