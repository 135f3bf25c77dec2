import { describe, expect, it, vi } from 'vitest'

import { failure, world } from '../../support/world.ts'

const maxBuffer = 1_000
// Nobody sends two billion requests in a test.
const last = vi.hoisted(() => 5)
vi.mock('../../../src/protocol/constants.ts', async (importOriginal) => ({ ...(await importOriginal()), maxXid: last }))

describe('the numbers of requests', () => {
  it('begin again at 1 where they would become negative, which is for events and pings', () =>
    world(async ({ client, connect }) => {
      const connection = await connect()
      const paths = Array.from({ length: 2 * last + 2 }, (_, index) => `/${index}`)
      const reading = Promise.all(paths.map((path) => client.exists(path)))
      const xids: number[] = []
      for (const path of paths) {
        const request = await connection.expect('exists')
        expect(request.values.path).toBe(path)
        xids.push(request.xid)
        connection.fail(request, -101)
      }
      expect(await reading).toEqual(paths.map(() => null))
      expect(xids).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2])
    }))

  it('leave none out for a request that is refused before it is sent', () =>
    world(
      async ({ client, connect }) => {
        const connection = await connect()
        for (const xid of [1, 2, 3, 4, 5, 1, 2]) {
          // The data alone would do: it is when all of it was written that it is too much.
          expect(await failure(client.set('/a', Buffer.alloc(maxBuffer)))).toBeInstanceOf(RangeError)
          const reading = client.exists('/a')
          const request = await connection.expect('exists')
          expect(request.xid).toBe(xid)
          connection.fail(request, -101)
          expect(await reading).toBeNull()
        }
      },
      { maxBuffer },
    ))
})
