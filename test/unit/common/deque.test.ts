import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { Deque } from '../../../src/common/deque.ts'

type Model = number[]

const commands = fc.commands(
  [
    fc.integer().map((item) => ({
      check: () => true,
      run: (model: Model, real: Deque<number>) => {
        model.push(item)
        real.push(item)
        expect(real.length).toBe(model.length)
      },
      toString: () => `push ${item}`,
    })),
    fc.integer({ min: 1, max: 40 }).map((count) => ({
      check: () => true,
      run: (model: Model, real: Deque<number>) => {
        for (let i = 0; i < count; i++) {
          model.push(i)
          real.push(i)
        }
        expect(real.length).toBe(model.length)
      },
      toString: () => `push ${count} times`,
    })),
    fc.integer({ min: 1, max: 40 }).map((count) => ({
      check: () => true,
      run: (model: Model, real: Deque<number>) => {
        for (let i = 0; i < count; i++) expect(real.shift()).toBe(model.shift())
        expect(real.length).toBe(model.length)
      },
      toString: () => `shift ${count} times`,
    })),
    fc.constant({
      check: () => true,
      run: (model: Model, real: Deque<number>) => expect(real.peek()).toBe(model[0]),
      toString: () => 'peek',
    }),
    fc.constant({
      check: () => true,
      run: (model: Model, real: Deque<number>) => expect(real.last).toBe(model.at(-1)),
      toString: () => 'last',
    }),
    fc.constant({
      check: () => true,
      run: (model: Model, real: Deque<number>) => {
        expect([...real]).toEqual(model)
        expect(real.length).toBe(model.length)
      },
      toString: () => 'iterate',
    }),
    fc.constant({
      check: () => true,
      run: (model: Model, real: Deque<number>) => {
        expect(real.drain()).toEqual(model.splice(0))
        expect(real.length).toBe(0)
      },
      toString: () => 'drain',
    }),
  ],
  { maxCommands: 60 },
)

describe('Deque', () => {
  it('does what an array does, whatever is done to it', () => {
    fc.assert(
      fc.property(commands, (script) => {
        fc.modelRun(() => ({ model: [] as Model, real: new Deque<number>() }), script)
      }),
      { numRuns: 300 },
    )
  })

  it('keeps the order while it grows with its head in the middle', () => {
    const deque = new Deque<number>()
    for (let i = 0; i < 16; i++) deque.push(i)
    for (let i = 0; i < 10; i++) deque.shift()
    for (let i = 16; i < 100; i++) deque.push(i)
    expect(deque.drain()).toEqual(Array.from({ length: 90 }, (_, i) => i + 10))
  })

  it('gives nothing, and stays empty, when it is empty', () => {
    const deque = new Deque<number>()
    expect([deque.peek(), deque.last, deque.shift(), deque.shift()]).toEqual(Array.from({ length: 4 }))
    expect([deque.length, ...deque]).toEqual([0])
    deque.push(1)
    expect(deque.drain()).toEqual([1])
    expect(deque.drain()).toEqual([])
  })
})
