import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { EmbeddedServer } from '../../../src/server/index.ts'
import { openAcl, RawClient } from '../../support/raw-client.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kazoo-start-stop-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

it('starts again once it has stopped, when it is asked to while it stops', async () => {
  await using server = await new EmbeddedServer({ dataDir }).start()
  await using before = await RawClient.connect(server)
  await before.request('create', { path: '/kept', data: null, acl: openAcl, flags: 0 })
  const order: string[] = []
  const stopping = server.stop().then(() => order.push('stopped'))
  const starting = server.start().then(() => order.push('started'))
  await Promise.all([stopping, starting])
  expect(order).toEqual(['stopped', 'started'])
  await before.closed
  await using after = await RawClient.connect(server)
  expect(await after.request('exists', { path: '/kept', watch: false })).toMatchObject({ err: 0 })
})

it('has stopped when any of several stops resolves', async () => {
  const server = await new EmbeddedServer({ dataDir }).start()
  const order: string[] = []
  const first = server.stop().then(() => order.push('first'))
  await server.stop()
  order.push('second')
  await first
  expect(order).toEqual(['first', 'second'])
  // Nobody holds the folder any more.
  const other = await new EmbeddedServer({ dataDir }).start()
  await other.stop()
})

it('stops while it starts, and may fail to start while it is stopped', async () => {
  const server = new EmbeddedServer()
  const starting = server.start()
  await server.stop()
  await starting
  expect(() => server.port).toThrow('not started')

  await using holder = await new EmbeddedServer().start()
  const failing = new EmbeddedServer({ port: holder.port })
  const results = await Promise.allSettled([failing.start(), failing.stop()])
  expect(results).toMatchObject([{ reason: { code: 'EADDRINUSE' } }, { status: 'fulfilled' }])
  await holder.stop()
  await failing.start()
  await failing.stop()
})
