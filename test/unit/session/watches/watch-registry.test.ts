import { describe, expect, it, vi } from 'vitest'

import { eventTypes } from '../../../../src/protocol/constants.ts'
import { watchPortions } from '../../../../src/session/watches/set-watches.ts'
import { WatchRegistry, type WatchedEvent, type WatchKind } from '../../../../src/session/watches/watch-registry.ts'
import { uncaughtDuring } from '../../../support/world.ts'

const oneShot = ['data', 'exist', 'child'] as const
const lasting = ['persistent', 'recursive'] as const

/** Which one-shot kinds each event calls and ends. */
const table = [
  ['CREATED', eventTypes.created, ['data', 'exist']],
  ['DELETED', eventTypes.deleted, ['data', 'exist', 'child']],
  ['CHANGED', eventTypes.dataChanged, ['data', 'exist']],
  ['CHILD', eventTypes.childrenChanged, ['child']],
] as const

const microtask = (): Promise<void> => Promise.resolve()

describe('which watches an event calls', () => {
  it.each(table)('%s', async (type, wire, kinds) => {
    const registry = new WatchRegistry()
    const called: string[] = []
    for (const kind of oneShot) {
      registry.add(kind, '/a', (event) => void called.push(`${kind} ${event.type} ${event.path}`), '')
      registry.add(kind, '/b', () => void called.push('another path'), '')
    }
    registry.dispatch(wire, '/a', -1n)
    expect(called).toEqual([])
    await microtask()
    expect(called).toEqual(kinds.map((kind) => `${kind} ${type} /a`))
    for (const kind of oneShot) {
      const isLeft = [...registry.paths(kind)].includes('/a')
      expect(isLeft).toBe(!(kinds as readonly string[]).includes(kind))
    }
    registry.dispatch(wire, '/a', -1n)
    await microtask()
    expect(called).toHaveLength(kinds.length)
  })

  it.each([0, -1, -2, 5, 99])('none for the unknown type %i', async (wire) => {
    const registry = new WatchRegistry()
    const called: WatchedEvent[] = []
    for (const kind of [...oneShot, ...lasting]) registry.add(kind, '/a', (event) => void called.push(event), '')
    registry.dispatch(wire, '/a', -1n)
    await microtask()
    expect(called).toEqual([])
    expect(registry.size).toBe(5)
  })

  it('those that last each time, those on all below for what is below', async () => {
    const registry = new WatchRegistry()
    const called: string[] = []
    registry.add('persistent', '/a', ({ type, path }) => void called.push(`persistent ${type} ${path}`), '')
    registry.add('recursive', '/a', ({ type, path }) => void called.push(`recursive ${type} ${path}`), '')
    registry.add('recursive', '/', ({ type, path }) => void called.push(`root ${type} ${path}`), '')
    for (const path of ['/a', '/a/b/c', '/ab', '/a']) registry.dispatch(eventTypes.dataChanged, path, -1n)
    registry.dispatch(eventTypes.childrenChanged, '/a', -1n)
    await microtask()
    expect(called).toEqual([
      'persistent CHANGED /a',
      'recursive CHANGED /a',
      'root CHANGED /a',
      'recursive CHANGED /a/b/c',
      'root CHANGED /a/b/c',
      'root CHANGED /ab',
      'persistent CHANGED /a',
      'recursive CHANGED /a',
      'root CHANGED /a',
      'persistent CHILD /a',
    ])
  })
})

describe('an event below a recursive watch', () => {
  it.each([
    ['/a', '/a'],
    ['/a', '/a/b'],
    ['/a/bc', '/a/bc/d'],
    ['/', '/a/b/c'],
    ['/', '/'],
    ['/日本', '/日本/a'],
  ])('of %s, on %s, is told', async (watched, path) => {
    const registry = new WatchRegistry()
    const called: string[] = []
    registry.add('recursive', watched, (event) => void called.push(event.path), '')
    registry.dispatch(eventTypes.dataChanged, path, -1n)
    await microtask()
    expect(called).toEqual([path])
  })

  it.each([
    ['/a/b', '/a'],
    ['/a', '/ab'],
    ['/a', '/b/a'],
    ['/a/bc', '/a/b/c'],
  ])('of %s, on %s, is none', async (watched, path) => {
    const registry = new WatchRegistry()
    const called: string[] = []
    registry.add('recursive', watched, (event) => void called.push(event.path), '')
    registry.dispatch(eventTypes.dataChanged, path, -1n)
    await microtask()
    expect(called).toEqual([])
  })

  it('costs a few look-ups, however many components a server makes up', async () => {
    const registry = new WatchRegistry()
    const called: string[] = []
    registry.add('recursive', '/a', ({ path }) => void called.push(path), '')
    const lookUps = vi.spyOn(Map.prototype, 'get')
    registry.dispatch(eventTypes.dataChanged, `/a${'/b'.repeat(10_000)}`, -1n)
    registry.dispatch(eventTypes.dataChanged, '/c'.repeat(10_000), -1n)
    const count = lookUps.mock.calls.length
    lookUps.mockRestore()
    expect(count).toBeLessThan(50)
    await microtask()
    expect(called).toHaveLength(1)
  })
})

describe('listeners', () => {
  it('are called once, however often they were registered for a path', async () => {
    const registry = new WatchRegistry()
    const events: WatchedEvent[] = []
    const listener = (event: WatchedEvent): void => void events.push(event)
    registry.add('data', '/a', listener, '')
    registry.add('data', '/a', listener, '')
    registry.add('child', '/a', listener, '')
    registry.add('exist', '/a', listener, '')
    registry.dispatch(eventTypes.deleted, '/a', 7n)
    await microtask()
    expect(events).toEqual([{ type: 'DELETED', path: '/a', zxid: 7n }])
    expect(registry.size).toBe(0)
  })

  it('are all called, in the order in which they came', async () => {
    const registry = new WatchRegistry()
    const called: number[] = []
    for (const i of [1, 2, 3]) registry.add('data', '/a', () => void called.push(i), '')
    registry.dispatch(eventTypes.dataChanged, '/a', -1n)
    await microtask()
    expect(called).toEqual([1, 2, 3])
  })

  it('get their own path, and a zxid where the server gave one', async () => {
    const registry = new WatchRegistry()
    const events: WatchedEvent[] = []
    registry.add('data', '/app/a', (event) => void events.push(event), '/app')
    registry.add('data', '/app', (event) => void events.push(event), '/app')
    registry.dispatch(eventTypes.dataChanged, '/app/a', 0n)
    registry.dispatch(eventTypes.dataChanged, '/app', 5n)
    await microtask()
    expect(events).toEqual([
      { type: 'CHANGED', path: '/a' },
      { type: 'CHANGED', path: '/', zxid: 5n },
    ])
    expect('zxid' in events[0]!).toBe(false)
  })

  it('that throw are reported as uncaught, and the others are called all the same', async () => {
    const called: string[] = []
    const uncaught = await uncaughtDuring(async () => {
      const registry = new WatchRegistry()
      registry.add(
        'data',
        '/a',
        () => {
          throw new Error('mine')
        },
        '',
      )
      registry.add('data', '/a', () => void called.push('other'), '')
      registry.dispatch(eventTypes.dataChanged, '/a', -1n)
      await new Promise((resolve) => void setImmediate(resolve))
    })
    expect(called).toEqual(['other'])
    expect(uncaught).toMatchObject([{ message: 'mine' }])
  })

  it('may set their watch again: it is for the next event', async () => {
    const registry = new WatchRegistry()
    let count = 0
    const listener = (): void => {
      count++
      registry.add('data', '/a', listener, '')
    }
    registry.add('data', '/a', listener, '')
    registry.dispatch(eventTypes.dataChanged, '/a', -1n)
    await microtask()
    expect(count).toBe(1)
    registry.dispatch(eventTypes.dataChanged, '/a', -1n)
    await microtask()
    expect(count).toBe(2)
  })

  it('can be taken out, and are all gone at the end of the session', async () => {
    const registry = new WatchRegistry()
    const called: string[] = []
    const first = (): void => void called.push('first')
    const second = (): void => void called.push('second')
    registry.add('persistent', '/a', first, '')
    registry.add('persistent', '/a', second, '')
    expect(registry.remove('persistent', '/a', first)).toBe(false)
    registry.dispatch(eventTypes.dataChanged, '/a', -1n)
    await microtask()
    expect(called).toEqual(['second'])
    expect(registry.remove('persistent', '/a', second)).toBe(true)
    expect(registry.remove('persistent', '/a', second)).toBe(false)
    for (const kind of [...oneShot, ...lasting]) registry.add(kind, '/a', first, '')
    registry.clear()
    expect(registry.size).toBe(0)
    for (const [, wire] of table) registry.dispatch(wire, '/a', -1n)
    await microtask()
    expect(called).toEqual(['second'])
  })
})

describe('portions for setWatches', () => {
  const kinds: readonly WatchKind[] = ['data', 'exist', 'child', 'persistent', 'recursive']
  const cost = (paths: readonly string[]): number => paths.reduce((sum, path) => sum + 4 + Buffer.byteLength(path), 0)

  it('are none without watches', () => {
    expect([...watchPortions(new WatchRegistry(), 0xf_ffff)]).toEqual([])
  })

  it.each([0xf_ffff, 10_000])(
    'hold 128 KiB of paths at most, and half of a maxBuffer of %i, and each path once',
    (max) => {
      const registry = new WatchRegistry()
      for (const kind of kinds) {
        for (let i = 0; i < 5_000; i++) registry.add(kind, `/${kind}/日本-${i}`, () => {}, '')
      }
      const portions = [...watchPortions(registry, max)]
      const limit = Math.min(128 * 1024, max / 2)
      for (const portion of portions) expect(cost(kinds.flatMap((kind) => portion[kind]))).toBeLessThanOrEqual(limit)
      for (const kind of kinds) {
        expect(portions.flatMap((portion) => portion[kind])).toEqual([...registry.paths(kind)])
      }
      const whole = cost(kinds.flatMap((kind) => [...registry.paths(kind)]))
      expect(portions.length).toBeLessThanOrEqual(Math.ceil(whole / (limit - 40)))
    },
  )

  it('hold one path each when paths are longer than they may be', () => {
    const registry = new WatchRegistry()
    for (const name of ['a', 'b']) registry.add('data', `/${name.repeat(200_000)}`, () => {}, '')
    const portions = [...watchPortions(registry, 0xf_ffff)]
    expect(portions.map((portion) => portion.data.length)).toEqual([1, 1])
  })
})
