import { getEventListeners } from 'node:events'

import { describe, expect, it } from 'vitest'

import { offAbort, onAbort } from '../../../src/common/abort-listeners.ts'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('who is told of an abort', () => {
  it('are many by one listener, each once, in the order in which they came', () => {
    const controller = new AbortController()
    const { signal } = controller
    const told: number[] = []
    for (let i = 0; i < 100; i++) onAbort(signal, () => void told.push(i))
    expect(listeners(signal)).toBe(1)
    controller.abort()
    expect(told).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(listeners(signal)).toBe(0)
  })

  it('are not those who took it back, before or because of what another did', () => {
    const controller = new AbortController()
    const { signal } = controller
    const told: string[] = []
    const early = (): void => void told.push('early')
    const late = (): void => void told.push('late')
    onAbort(signal, early)
    onAbort(signal, () => {
      told.push('first')
      offAbort(signal, late)
    })
    onAbort(signal, late)
    offAbort(signal, early)
    offAbort(signal, early)
    controller.abort()
    expect(told).toEqual(['first'])
  })

  it('leave nothing behind when the last has taken it back, and may come again', () => {
    const { signal } = new AbortController()
    const callbacks = [1, 2, 3].map(() => (): void => {})
    for (let round = 0; round < 3; round++) {
      for (const callback of callbacks) onAbort(signal, callback)
      for (const callback of callbacks) offAbort(signal, callback)
      expect(listeners(signal)).toBe(0)
    }
  })

  it('may have no signal', () => {
    onAbort(undefined, () => {})
    offAbort(undefined, () => {})
  })
})
