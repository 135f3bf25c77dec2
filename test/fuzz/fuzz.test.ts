import { describe, expect, it } from 'vitest'

import { EmbeddedServer } from '../../src/server/index.ts'
import { encodeRequest } from '../differential/encode.ts'
import { fuzz } from './fuzz.ts'
import { connectRequest } from './inputs.ts'
import { memoryRuntime } from './memory-runtime.ts'

const inputs = 4_000
const mebibyte = 1024 * 1024
const names = { root: '/any', zxid: () => 0n }
const openAcl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]

describe('any bytes at all', () => {
  it.each([
    ['the fixed seed', 20_26],
    ['a fresh seed', Math.floor(Math.random() * 0x1_0000_0000)],
  ])('leave the server and the sessions of others as they are: %s', { timeout: 120_000 }, async (_, seed) => {
    console.log(`fuzz: seed ${seed}, ${inputs} inputs`)
    const outcome = await fuzz({ seed, count: inputs })
    expect(outcome.connections).toBe(0)
    // Most inputs are understood at least in part: otherwise they would test nothing.
    expect(outcome.answers).toBeGreaterThan(inputs / 2)
  })
})

describe('a client that', () => {
  it('never reads is not answered without end', async () => {
    const runtime = memoryRuntime()
    await using _ = await new EmbeddedServer({ runtime }).start()
    const socket = runtime.connect(false)
    socket.deliver(connectRequest({ timeout: 10_000 }))
    const data = 'x'.repeat(200_000)
    socket.deliver(encodeRequest({ op: 'create', body: { path: '~', data, acl: openAcl, flags: 0 } }, 1, names))
    const ask = encodeRequest({ op: 'getData', body: { path: '~', watch: false } }, 2, names)
    for (let i = 0; i < 1_000; i++) {
      socket.deliver(ask)
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    expect(socket.pendingBytes).toBeLessThan(2 * mebibyte)
  })

  it('never reads the events it watches for is let go', async () => {
    const runtime = memoryRuntime()
    await using _ = await new EmbeddedServer({ runtime }).start()
    const watching = runtime.connect(false)
    watching.deliver(connectRequest({ timeout: 10_000 }))
    watching.deliver(encodeRequest({ op: 'addWatch', body: { path: '/', mode: 1 } }, 1, names))
    const writing = runtime.connect()
    writing.deliver(connectRequest({ timeout: 10_000 }))
    const path = `/${'long'.repeat(50_000)}`
    const make = encodeRequest({ op: 'create', body: { path, data: null, acl: openAcl, flags: 0 } }, 1, names)
    const remove = encodeRequest({ op: 'delete', body: { path, version: -1 } }, 2, names)
    for (let i = 0; i < 1_000 && !watching.isClosed; i++) {
      writing.deliver(make)
      writing.deliver(remove)
      await new Promise<void>((resolve) => void setImmediate(resolve))
      writing.sent.length = 0
    }
    expect(watching.isClosed).toBe(true)
    expect(watching.pendingBytes).toBeLessThan(100 * mebibyte)
    expect(writing.isClosed).toBe(false)
  })

  it('announces a large frame and does not send it costs no memory for it', async () => {
    const runtime = memoryRuntime()
    await using server = await new EmbeddedServer({ runtime }).start()
    const head = Buffer.alloc(5)
    head.writeInt32BE(1_048_575, 0)
    const before = process.memoryUsage().arrayBuffers
    const sockets = Array.from({ length: 10_000 }, () => runtime.connect())
    for (const socket of sockets) socket.deliver(head)
    expect(server.connectionCount).toBe(10_000)
    // They announced ten gigabytes.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * mebibyte)
  })
})
