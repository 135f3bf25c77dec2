import { describe, expect, it } from 'vitest'

import { AsyncReader } from '../../../src/common/async-reader.ts'

const nothing = (): void => {}

async function rest<T>(reader: AsyncReader<T>): Promise<T[]> {
  reader.end(undefined)
  const values: T[] = []
  for await (const value of reader) values.push(value)
  return values
}

describe('AsyncReader', () => {
  const policy = { limit: 3, overflow: (value: number) => -value }

  it('keeps what nobody waited for, in order, up to its limit', async () => {
    const reader = new AsyncReader(policy, nothing)
    for (const value of [1, 2, 3]) reader.offer(value)
    expect(await rest(reader)).toEqual([1, 2, 3])
  })

  it('replaces all that waits when one more comes, and goes on from there', async () => {
    const reader = new AsyncReader(policy, nothing)
    for (const value of [1, 2, 3, 4, 5]) reader.offer(value)
    expect(await rest(reader)).toEqual([-4, 5])
  })

  it('hands out a value that is undefined', async () => {
    const reader = new AsyncReader<undefined>({ limit: 3, overflow: (value) => value }, nothing)
    reader.offer(undefined)
    reader.offer(undefined)
    expect(await rest(reader)).toEqual([undefined, undefined])
  })

  it('hands out nothing more once it was left, and tells of that', async () => {
    let left = 0
    const reader = new AsyncReader(policy, () => void left++)
    reader.offer(1)
    const asked = [reader.next(), reader.next()]
    await reader.return()
    expect(await Promise.all(asked)).toEqual([
      { done: false, value: 1 },
      { done: true, value: undefined },
    ])
    expect(left).toBe(1)
    expect(await reader.next()).toEqual({ done: true, value: undefined })
  })
})
