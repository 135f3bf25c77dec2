import { expect, it } from 'vitest'

import { FlushQueue } from '../../../../src/server/connection/flush-queue.ts'
import { nodeRuntime } from '../../../../src/runtime/node-runtime.ts'

it('has all send once the input is handled, in order, whatever one of them does', () => {
  const deferred: (() => void)[] = []
  const queue = new FlushQueue({ ...nodeRuntime, defer: (callback) => void deferred.push(callback) })
  const sent: string[] = []
  queue.add({ flush: () => sent.push('a') })
  queue.add({
    flush: () => {
      throw new Error('mine alone')
    },
  })
  queue.add({ flush: () => sent.push('b') })
  expect([sent, deferred.length]).toEqual([[], 1])
  expect(deferred.shift()).toThrow('mine alone')
  expect(sent).toEqual(['a'])
  deferred.shift()?.()
  expect(sent).toEqual(['a', 'b'])
  expect(deferred).toEqual([])
})
