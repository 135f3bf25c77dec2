import { describe, expect, it } from 'vitest'

import { Latest } from '../../../src/recipes/latest.ts'

const nothing = (): void => {}

describe('Latest', () => {
  it('gives a late reader the current value', async () => {
    const latest = new Latest<number>(nothing)
    latest.set(1)
    latest.set(2)
    expect(await latest.iterate().next()).toEqual({ done: false, value: 2 })
  })

  it('lets a slow reader skip to the latest, and never go back', async () => {
    const latest = new Latest<number>(nothing)
    const reader = latest.iterate()
    latest.set(1)
    latest.set(2)
    latest.set(3)
    expect(await reader.next()).toEqual({ done: false, value: 3 })
    const next = reader.next()
    latest.set(4)
    expect(await next).toEqual({ done: false, value: 4 })
  })

  it('serves readers that ask ahead in order', async () => {
    const latest = new Latest<number>(nothing)
    const reader = latest.iterate()
    const asked = [reader.next(), reader.next()]
    latest.set(1)
    latest.set(2)
    expect(await Promise.all(asked)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
    ])
  })

  it('hands out what there is before it ends', async () => {
    const latest = new Latest<number>(nothing)
    const reader = latest.iterate()
    latest.set(1)
    latest.end()
    expect(await reader.next()).toEqual({ done: false, value: 1 })
    expect(await reader.next()).toEqual({ done: true, value: undefined })
  })

  it('throws an error once, to whoever waits, and is at its end after it', async () => {
    const latest = new Latest<number>(nothing)
    const reader = latest.iterate()
    const asked = [reader.next(), reader.next()]
    latest.end(new Error('gone'))
    await expect(asked[0]).rejects.toThrow('gone')
    expect(await asked[1]).toEqual({ done: true, value: undefined })
    await expect(latest.iterate().next()).rejects.toThrow('gone')
  })

  it('tells when the last of its readers has left, and only then', async () => {
    let idle = 0
    const latest = new Latest<number>(() => void idle++)
    const [first, second] = [latest.iterate(), latest.iterate()]
    await first.return?.()
    await first.return?.()
    expect(idle).toBe(0)
    await second.return?.()
    expect(idle).toBe(1)
  })
})
