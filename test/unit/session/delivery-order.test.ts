import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { KazooClient, nodeRuntime } from '../../../src/index.ts'
import { eventTypes } from '../../../src/protocol/constants.ts'
import { Channels } from '../../support/channels.ts'
import { eventFrame, replyFrame, ScriptedServer, someStat } from '../../support/scripted-server.ts'

const data = { data: Buffer.from('x'), stat: someStat }

/** Sets a watch with a first get, then lets the server answer a second one with these frames in one chunk. */
async function secondGet(frames: (xid: number) => Buffer[], options = {}): Promise<string[]> {
  await using server = await new ScriptedServer(nodeRuntime).listen()
  await using client = new KazooClient({ hosts: server.hosts })
  const started = client.start()
  const connection = await server.next()
  await connection.accept()
  await started
  const seen: string[] = []
  const watched = client.get('/a', { watch: ({ type }) => void seen.push(type) })
  connection.answer(await connection.expect('getData'), 'getData', data)
  await watched
  const reading = (async () => {
    await client.get('/b', options)
    seen.push('reply')
  })()
  const { xid } = await connection.expect('getData')
  connection.socket.write(Buffer.concat(frames(xid)))
  await reading
  await new Promise((resolve) => void nodeRuntime.setImmediate(() => resolve(undefined)))
  connection.socket.destroy()
  return seen
}

const event = eventFrame(eventTypes.dataChanged, '/a')

describe.each([
  ['a plain call', {}],
  ['a call with a signal and a time-out', { signal: new AbortController().signal, timeout: 10_000 }],
  ['a call that is traced', {}],
  ['a traced call with a signal and a time-out', { signal: new AbortController().signal, timeout: 10_000 }],
])('events and replies in one chunk, %s', (name, options) => {
  const channels = new Channels()
  beforeAll(() => {
    if (name.includes('traced')) channels.tracing('kazoo-ts:request')
  })
  afterAll(() => channels[Symbol.dispose]())

  it('lets an event that came first be seen first', async () => {
    expect(await secondGet((xid) => [event, replyFrame(xid, 'getData', data)], options)).toEqual(['CHANGED', 'reply'])
  })

  it('lets a reply that came first be seen first', async () => {
    expect(await secondGet((xid) => [replyFrame(xid, 'getData', data), event], options)).toEqual(['reply', 'CHANGED'])
  })
})
