import { expect, it } from 'vitest'

import { Backlog, type Laggard } from '../../../../src/server/connection/backlog.ts'
import { LatencyMeter } from '../../../../src/server/connection/latency.ts'
import { Outbox } from '../../../../src/server/connection/outbox.ts'
import { Statistics } from '../../../../src/server/connection/statistics.ts'
import type { MultiOp } from '../../../../src/protocol/multi.ts'
import { nodeRuntime } from '../../../../src/runtime/node-runtime.ts'
import type { Socket } from '../../../../src/runtime/runtime.ts'
import type { Faults } from '../../../../src/server/faults.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { handshakeFrame, openAcl, RawClient, requestFrame } from '../../../support/raw-client.ts'
import { RawPeer } from '../../../support/raw-peer.ts'
import { simulate } from '../../../support/simulate.ts'

const mebibyte = 1024 * 1024

it('gives up those that take nothing, the largest first, until there is room, and none that read', () =>
  simulate(async (sim) => {
    const backlog = new Backlog(sim.runtime('server'), 100 * mebibyte)
    const log: string[] = []
    const laggard = (name: string): Laggard => ({
      giveUp: () => {
        log.push(`${name} is given up`)
        backlog.note(laggards[name]!, 70 * mebibyte)
      },
      roomAgain: () => log.push(`${name} goes on`),
    })
    const laggards: Record<string, Laggard> = {}
    for (const name of ['small', 'reading', 'large', 'late', 'waiting', 'next']) laggards[name] = laggard(name)
    const note = (name: string, size: number): void => backlog.note(laggards[name]!, size * mebibyte)
    note('small', 5)
    note('reading', 50)
    expect(backlog.isFull).toBe(false)
    note('large', 46)
    expect(backlog.isFull).toBe(true)
    backlog.waitForRoom(laggards['waiting']!)
    backlog.waitForRoom(laggards['next']!)
    await sim.sleep(500)
    note('late', 60)
    note('reading', 48)
    expect(log).toEqual([])
    // Who came meanwhile has a second, too, and so has who reads.
    await sim.sleep(600)
    expect(log).toEqual(['large is given up'])
    expect(backlog.isFull).toBe(true)
    note('reading', 46)
    await sim.sleep(1_000)
    // The small one takes nothing, either, and has less than its share.
    expect(log).toEqual(['large is given up', 'late is given up', 'waiting goes on', 'next goes on'])
    expect(backlog.isFull).toBe(false)
    for (const name of Object.keys(laggards)) backlog.leave(laggards[name]!)
    note('next', 101)
    expect(backlog.isFull).toBe(true)
    backlog.waitForRoom(laggards['waiting']!)
    note('next', 0)
    await sim.sleep(1)
    expect(log.slice(4)).toEqual(['waiting goes on'])
  }))

it('hands a large answer over in pieces, as the socket takes them, and ends behind them', () =>
  simulate(async (sim) => {
    const sent: Buffer[] = []
    const log: string[] = []
    const socket = {
      pendingBytes: 0,
      write: (bytes: Buffer) => {
        sent.push(bytes)
        socket.pendingBytes += bytes.length
        return false
      },
      end: () => log.push('end'),
      resume: () => {},
      destroy: () => log.push('destroy'),
    }
    const host = { faults: { currentDelay: 0 } as Faults, database: { storage: null } }
    const meter = new LatencyMeter(new Statistics())
    const make = (): Outbox =>
      new Outbox(socket as unknown as Socket, sim.runtime('server'), host, meter, () => log.push('empty'))
    const outbox = make()
    const answer = Buffer.alloc(3 * mebibyte + 1, 'x')
    answer.write('first')
    answer.write('last', 3 * mebibyte - 3)
    outbox.write(answer)
    outbox.write(Buffer.from('behind'))
    outbox.end()
    expect(outbox.pendingBytes).toBe(answer.length + 6)
    while (log.length === 0) {
      expect(sent.at(-1)!.length).toBeLessThanOrEqual(256 * 1024)
      socket.pendingBytes = 0
      outbox.drained()
    }
    expect(Buffer.concat(sent).equals(Buffer.concat([answer, Buffer.from('behind')]))).toBe(true)
    expect(log).toEqual(['end', 'empty'])
    outbox.stop()

    // One that takes nothing is not waited for.
    const stuck = make()
    socket.pendingBytes = 0
    log.length = 0
    stuck.write(answer)
    stuck.end()
    await sim.sleep(2_100)
    expect(log).toEqual(['destroy'])
  }))

it('bounds what clients leave unread in all, and leaves those alone that read', async () => {
  // However long it takes, nobody's session is over.
  const timeout = 3_600_000
  await using server = await new EmbeddedServer({ maxSessionTimeout: timeout }).start()
  await using client = await RawClient.connect(server, { timeout })
  const data = Buffer.alloc(1_000_000, 'x')
  await client.request('create', { path: '/big', data, acl: openAcl, flags: 0 })
  const reads = Array.from({ length: 60 }, (): MultiOp => ({ op: 'getData', body: { path: '/big', watch: false } }))
  const stuck = Array.from({ length: 6 }, () => RawPeer.dial(nodeRuntime, '127.0.0.1', server.port))
  for (const peer of stuck) {
    await peer.opened
    peer.socket.pause()
    peer.socket.write(Buffer.concat([handshakeFrame({ timeout }), requestFrame('multiRead', reads, 1)]))
  }
  // What is small is answered all the while; what is large has to wait, until there is room.
  expect(await client.request('exists', { path: '/big', watch: false })).toMatchObject({ err: 0 })
  for (let i = 0; i < 2; i++) {
    const body = (await client.request('multiRead', reads))?.body
    expect(body).toHaveLength(60)
    expect(body!.every((result) => result.op === 'getData' && data.equals(result.body.data!))).toBe(true)
  }
  expect(await client.request('getChildren', { path: '/', watch: false })).toMatchObject({ err: 0 })
  while (server.connectionCount > 4) await client.settle()
  for (const peer of stuck) peer.socket.destroy()
}, 120_000)
