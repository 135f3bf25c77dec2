import { describe, expect, it } from 'vitest'

import {
  ConnectionClosedError,
  KazooClient,
  LockLostError,
  NotReadOnlyError,
  OperationTimeoutError,
  type Hold,
} from '../../../../src/index.ts'
import { operations } from '../../../../src/protocol/operations.ts'
import { Holds } from '../../../../src/session/holding/holds.ts'
import { someStat, type ReceivedRequest, type ScriptedConnection } from '../../../support/scripted-server.ts'
import { skewedClock } from '../../../support/skewed-clock.ts'
import { failure, timeout, world, type World } from '../../../support/world.ts'

const interval = timeout / 3
const limit = timeout - interval
const notReadOnly = -119

/** Answers everything for as long as the connection lives, and notes what came when; `refuse` gives errors to some. */
async function serve(
  { sim }: Pick<World, 'sim'>,
  connection: ScriptedConnection,
  refuse: (request: ReceivedRequest) => number = () => 0,
): Promise<void> {
  const seen: [string | undefined, number][] = []
  served.set(connection, seen)
  for (;;) {
    const request = await connection.next()
    seen.push([request.op, sim.now])
    const errno = refuse(request)
    if (errno !== 0) connection.fail(request, errno)
    else if (request.op === 'setData') connection.answer(request, 'setData', { stat: someStat })
    else if (request.op === 'exists') connection.answer(request, 'exists', { stat: someStat })
    else if (request.op === 'sync') {
      expect(operations.sync.request.read(request.body)).toEqual({ path: '/' })
      connection.answer(request, 'sync', { path: '/' })
    } else connection.answer(request, request.op as 'ping', undefined)
  }
}

const served = new Map<ScriptedConnection, [string | undefined, number][]>()

const opsOf = (connection: ScriptedConnection): (string | undefined)[] => served.get(connection)!.map(([op]) => op)

/** Follows a hold's end: when, and why. */
function follow({ sim }: World, hold: Hold): { at: number | null; reason: LockLostError | null } {
  const end: { at: number | null; reason: LockLostError | null } = { at: null, reason: null }
  const { signal } = hold
  signal.addEventListener('abort', () => Object.assign(end, { at: sim.now, reason: signal.reason as unknown }))
  return end
}

describe('a hold', () => {
  it('begins with a sync that the leader has answered, outside of every chroot', () =>
    world(
      async (it) => {
        const connection = await it.connect()
        const holding = it.client.withChroot('/deeper').hold()
        const request = await connection.expect('sync')
        expect(request.values).toEqual({ path: '/' })
        connection.answer(request, 'sync', { path: '/' })
        const hold = await holding
        expect([hold.sessionId, hold.signal.aborted]).toEqual([it.client.session?.id, false])
      },
      { hosts: 'server/chroot' },
    ))

  it('turns the heartbeat into a sync for as long as it lasts', () =>
    world(async (it) => {
      const connection = await it.connect()
      void serve(it, connection)
      await it.sim.sleep(2.5 * interval)
      const one = await it.client.hold()
      const two = await it.client.hold()
      await it.sim.sleep(3.5 * interval)
      one.release()
      await it.sim.sleep(2 * interval)
      two.release()
      two.release()
      await it.sim.sleep(2.2 * interval)
      expect(opsOf(connection)).toEqual([
        ...['ping', 'ping', 'sync', 'sync'],
        ...['sync', 'sync', 'sync', 'sync', 'sync'],
        ...['ping', 'ping'],
      ])
      expect([one.signal.aborted, two.signal.aborted]).toEqual([false, false])
    }))

  it('has syncs sent although reads keep the connection busy', () =>
    world(async (it) => {
      const connection = await it.connect()
      void serve(it, connection)
      const hold = await it.client.hold()
      for (let read = 0; read < 100; read++) {
        await it.client.exists('/a')
        await it.sim.sleep(interval / 10)
      }
      expect(hold.signal.aborted).toBe(false)
      const syncs = served.get(connection)!.filter(([op]) => op === 'sync')
      const pauses = syncs.slice(1).map(([, time], index) => time - syncs[index]![1])
      expect(pauses.length).toBeGreaterThanOrEqual(9)
      expect(Math.max(...pauses)).toBeLessThan(interval + 10)
    }))

  it('needs no syncs while writes are confirmed, failed ones included', () =>
    world(async (it) => {
      const connection = await it.connect()
      let writes = 0
      void serve(it, connection, ({ op }) => (op === 'setData' && ++writes % 2 === 0 ? -101 : 0))
      const hold = await it.client.hold()
      for (let write = 0; write < 20; write++) {
        await it.client.set('/a', 'x').catch(() => {})
        await it.sim.sleep(interval / 2)
      }
      expect(hold.signal.aborted).toBe(false)
      expect(opsOf(connection).filter((op) => op !== 'setData')).toEqual(['sync'])
    }))

  it('is lost two thirds of the timeout after the last request that a leader confirmed, though the server answers', () =>
    world(async (it) => {
      const connection = await it.connect()
      let cutOff = false
      void serve(it, connection, ({ op }) => (cutOff && (op === 'sync' || op === 'setData') ? notReadOnly : 0))
      const asked = it.sim.now
      const end = follow(it, await it.client.hold())
      cutOff = true
      while (end.at === null) {
        await it.client.exists('/a')
        await failure(it.client.set('/a', 'x'))
        await it.sim.sleep(100)
      }
      expect(end.at).toBeCloseTo(asked + limit, 0)
      expect(end.reason).toBeInstanceOf(LockLostError)
      expect(end.reason).toMatchObject({ code: 'LOCK_LOST', message: expect.stringContaining(`${limit} ms`) as string })
      expect(it.states).toEqual([['CONNECTED', undefined]])
      // Nothing is held any more: the heartbeat is a ping again.
      const before = opsOf(connection).length
      await it.sim.sleep(2.5 * interval)
      expect(opsOf(connection).slice(before)).toEqual(['ping', 'ping'])
    }))

  it('is lost before the session where the server goes silent', () =>
    world(async (it) => {
      const connection = await it.connect()
      const asked = it.sim.now
      const holding = it.client.hold()
      connection.answer(await connection.expect('sync'), 'sync', { path: '/' })
      const end = follow(it, await holding)
      await it.sim.until(() => end.at !== null)
      expect(end.at).toBeCloseTo(asked + limit, 0)
      expect(it.states.map(([state]) => state)).not.toContain('LOST')
      await it.sim.until(() => it.client.state === 'LOST')
      expect(it.sim.now - asked).toBeGreaterThanOrEqual(timeout)
    }))

  it('lives on over a reconnect in time, which confirms the session', () =>
    world(async (it) => {
      const first = await it.connect()
      void serve(it, first)
      const end = follow(it, await it.client.hold())
      await it.sim.sleep(interval / 2)
      first.socket.destroy()
      const second = await it.server.next()
      await second.accept({ timeout })
      const confirmed = it.sim.now
      await it.sim.until(() => end.at !== null)
      expect(it.states.map(([state]) => state).slice(0, 3)).toEqual(['CONNECTED', 'SUSPENDED', 'CONNECTED'])
      expect(Math.abs(end.at! - confirmed - limit)).toBeLessThan(5)
    }))

  it('is not confirmed by a read-only server', () =>
    world(async (it) => {
      const first = await it.connect()
      void serve(it, first)
      const asked = it.sim.now
      const end = follow(it, await it.client.hold())
      first.socket.destroy()
      const second = await it.server.next()
      await second.accept({ timeout, readOnly: true })
      void serve(it, second, ({ op }) => (op === 'sync' ? notReadOnly : 0))
      await it.sim.until(() => end.at !== null)
      expect(end.at).toBeCloseTo(asked + limit, 0)
      expect(it.client.connected).toBe(true)
      expect(opsOf(second)).toEqual(['sync'])
      expect(await failure(it.client.hold())).toBeInstanceOf(NotReadOnlyError)
    }))

  it('is lost with the connection, if so wanted', () =>
    world(async (it) => {
      const connection = await it.connect()
      void serve(it, connection)
      const [early, late] = [await it.client.hold({ loseOn: 'suspended' }), await it.client.hold({ loseOn: 'lost' })]
      const end = follow(it, early)
      connection.socket.destroy()
      await it.sim.until(() => it.client.state === 'SUSPENDED')
      expect([early.signal.aborted, late.signal.aborted]).toEqual([true, false])
      expect(end.reason).toBeInstanceOf(LockLostError)
      expect(end.reason?.cause).toBeInstanceOf(Error)
    }))

  it('is lost at once when the servers say that the session is over', () =>
    world(async (it) => {
      const first = await it.connect()
      void serve(it, first)
      const end = follow(it, await it.client.hold())
      first.socket.destroy()
      await (await it.server.next()).refuse()
      await it.sim.until(() => it.client.state === 'LOST')
      expect(end.reason?.cause).toMatchObject({ code: 'SESSION_EXPIRED' })
    }))

  it('is lost at once when the client stops', () =>
    world(async (it) => {
      const connection = await it.connect()
      void serve(it, connection)
      const hold = await it.client.hold()
      const stopping = it.client.stop()
      expect(hold.signal.aborted).toBe(true)
      expect((hold.signal.reason as Error).cause).toBeInstanceOf(ConnectionClosedError)
      await stopping
      expect(await failure(it.client.hold())).toBeInstanceOf(ConnectionClosedError)
    }))

  it('is lost in a process that stood still, before an answer that waited is believed', () =>
    world(async (it) => {
      const connection = await it.connect()
      let cutOff = false
      void serve(it, connection, () => (cutOff ? notReadOnly : 0))
      const hold = await it.client.hold()
      cutOff = true
      const { signal } = hold
      const order: string[] = []
      signal.addEventListener('abort', () => void order.push('lost'))
      const reading = it.client.exists('/a').then(
        () => {},
        () => void order.push('answered'),
      )
      // Its request leaves, and the answer comes while nothing runs.
      await it.sim.sleep(0)
      it.sim.pause('client', limit + 1)
      await reading
      expect(order).toEqual(['lost', 'answered'])
    }))

  it('is lost before a request leaves that was made after a long computation', () =>
    world(async ({ sim, server }) => {
      const clock = skewedClock(sim.runtime('busy'))
      const client = new KazooClient({ hosts: 'server', runtime: clock.runtime })
      const started = client.start()
      const connection = await server.next()
      await connection.accept({ timeout })
      await started
      const holding = client.hold()
      connection.answer(await connection.expect('sync'), 'sync', { path: '/' })
      const { signal } = await holding
      let wasLost: boolean | undefined
      clock.skew += limit
      void client.set('/a', 'x').catch(() => {})
      expect(signal.aborted).toBe(false)
      void connection.expect('setData').then(() => (wasLost = signal.aborted))
      const sentAt = sim.now
      await sim.until(() => wasLost !== undefined)
      expect(wasLost).toBe(true)
      expect(sim.now - sentAt).toBeLessThan(5)
      await sim.until(() => client.state === 'LOST')
    }))

  it('may be ended by a stop that its own end brings about, in a legal order of states', () =>
    world(async (it) => {
      const connection = await it.connect()
      void serve(it, connection)
      const hold = await it.client.hold({ loseOn: 'suspended' })
      hold.signal.addEventListener('abort', () => void it.client.stop())
      connection.socket.destroy()
      await it.sim.until(() => it.client.state === 'LOST')
      expect(it.states.map(([state]) => state)).toEqual(['CONNECTED', 'SUSPENDED', 'LOST'])
    }))

  it('waits no longer than its limits allow, and is not held then', () =>
    world(async (it) => {
      const connection = await it.connect()
      const waiting = failure(it.client.hold({ timeout: 100 }))
      const request = await connection.expect('sync')
      expect(await waiting).toBeInstanceOf(OperationTimeoutError)
      connection.answer(request, 'sync', { path: '/' })
      expect((await connection.next()).op).toBe('ping')
      const reason = new Error('enough')
      expect(await failure(it.client.hold({ signal: AbortSignal.abort(reason) }))).toBe(reason)
    }))

  it('can be disposed of', () =>
    world(async (it) => {
      const connection = await it.connect()
      void serve(it, connection)
      const { signal } = await (async () => {
        using hold = await it.client.hold()
        return { signal: hold.signal }
      })()
      await it.client.stop()
      expect(signal.aborted).toBe(false)
    }))

  it.each([
    [{ loseOn: 'never' }, RangeError, /loseOn/],
    [{ loseOn: 1 }, TypeError, /loseOn/],
    [{ loseon: 'lost' }, TypeError, /loseon/],
  ] as const)('rejects %o', async (options, type, message) => {
    const error = await failure(new KazooClient().hold(options as object))
    expect(error).toBeInstanceOf(type)
    expect(error.message).toMatch(message)
  })
})

describe('what a leader has confirmed', () => {
  const make = (): { holds: Holds; clock: { now: number } } => {
    const clock = { now: 0 }
    const runtime = { now: () => clock.now, setTimer: () => ({ cancel: () => {} }) }
    const holds = new Holds(runtime as unknown as ConstructorParameters<typeof Holds>[0])
    holds.granted(1n, timeout, 0, false)
    return { holds, clock }
  }

  it('is not what comes too late, even where no timer fired', () => {
    const { holds, clock } = make()
    const hold = holds.begin('lost', 0)
    const { signal } = hold
    clock.now = limit - 1
    expect(hold.signal.aborted).toBe(false)
    clock.now = limit
    expect(signal.aborted).toBe(false)
    expect(hold.signal.aborted).toBe(true)
    expect(signal.aborted).toBe(true)
    expect(holds.active).toBe(false)
  })

  it.each([
    ['setData', 0, true],
    ['multi', 0, true],
    ['sync', 0, true],
    ['create2', -110, true],
    ['delete', -111, true],
    ['setData', -103, true],
    ['create', -119, false],
    ['sync', -119, false],
    ['setData', -127, false],
    ['create', -4, false],
    ['getData', 0, false],
    ['exists', -101, false],
    ['multiRead', 0, false],
    ['addWatch', 0, false],
  ] as const)('%s answered with %i: %s', (op, errno, confirms) => {
    const { holds, clock } = make()
    const hold = holds.begin('lost', 0)
    holds.answered(operations[op].opcode, errno, 1_000)
    clock.now = limit + 500
    expect(hold.signal.aborted).toBe(!confirms)
    clock.now = limit + 1_000
    expect(hold.signal.aborted).toBe(true)
  })

  it('is less than it seems where a write comes right behind the heartbeat: a follower tells its leader of neither at once', () => {
    const { holds, clock } = make()
    const hold = holds.begin('lost', 0)
    const told = (sentAt: number): void => {
      if (sentAt >= holds.touches.due) holds.touches.add(sentAt, sentAt + 1)
      holds.answered(operations.setData.opcode, 0, sentAt)
    }
    // A quarter of the timeout may lie between two reports, so that the leader may know of the beginning alone.
    told(interval)
    told(interval + timeout / 4 - 1)
    clock.now = timeout - 1
    expect(hold.signal.aborted).toBe(false)
    clock.now = timeout
    expect(hold.signal.aborted).toBe(true)
  })

  it('is asked for earlier where it would come too late after a whole interval, and not without end', () => {
    const { holds } = make()
    holds.begin('lost', 0)
    const told = (sentAt: number): void => {
      if (sentAt >= holds.touches.due) holds.touches.add(sentAt, sentAt + 1)
      holds.answered(operations.sync.opcode, 0, sentAt)
    }
    expect(holds.askedAt).toBe(0)
    told(interval)
    expect(holds.askedAt).toBe(interval)
    told(interval + timeout / 4 - 1)
    // A quarter of the timeout before the end, which is `timeout` here.
    expect(holds.askedAt + interval).toBe(timeout - timeout / 4)
    told(timeout - timeout / 4)
    expect(holds.askedAt + interval).toBeGreaterThanOrEqual(timeout - timeout / 4 + timeout / 12)
  })

  it('counts from when it was sent, in whatever order answers come', () => {
    const { holds, clock } = make()
    const hold = holds.begin('lost', 2_000)
    holds.answered(operations.sync.opcode, 0, 1_000)
    clock.now = limit + 1_999
    expect(hold.signal.aborted).toBe(false)
  })
})
