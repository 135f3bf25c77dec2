import { describe, expect, it } from 'vitest'

import { type KazooClient, UnimplementedError } from '../../src/index.ts'
import { failure, fence, States } from './support/events.ts'
import { type Ground, onEachServerAndChroot } from './support/ground.ts'

interface Feature {
  readonly op: string
  readonly since: string
  readonly run: (zk: KazooClient, ground: Ground) => Promise<unknown>
}

/** What came with a release after the oldest that the client is for. */
const features: readonly Feature[] = [
  { op: 'multiRead', since: '3.6.0', run: (zk, ground) => zk.multiRead().get(ground.at('/')).commit() },
  { op: 'getAllChildrenNumber', since: '3.6.0', run: (zk, ground) => zk.getAllChildrenNumber(ground.at('/')) },
  { op: 'getEphemerals', since: '3.6.0', run: (zk) => zk.getEphemerals() },
  { op: 'watch', since: '3.6.0', run: (zk, ground) => zk.watch(ground.at('/')) },
  { op: 'watch', since: '3.6.0', run: (zk, ground) => zk.watch(ground.at('/'), { recursive: true }) },
  { op: 'whoAmI', since: '3.7.0', run: (zk) => zk.whoAmI() },
]

onEachServerAndChroot((ground) => {
  describe.each(features)('$op', ({ op, since, run }) => {
    it(`works since ${since}; older servers are not sent it, as it would cost the connection`, async () => {
      const zk = await ground.connect()
      const states = new States(zk)
      const before = zk.lastZxid
      if (ground.isSince(since)) {
        await run(zk, ground)
      } else {
        const error = await failure(run(zk, ground))
        expect(error).toBeInstanceOf(UnimplementedError)
        expect(error).toMatchObject({ op, maybeApplied: false, retryable: false })
        expect((error as Error).message).toContain(`needs ZooKeeper ${since}`)
      }
      await fence(zk)
      expect(states.seen).toEqual([])
      expect(zk.lastZxid).toBeGreaterThanOrEqual(before)
    })

    it('is refused or done on each connection anew', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      const outcome = (): Promise<string> =>
        run(zk, ground).then(
          () => 'done',
          (error: Error) => error.name,
        )
      const expected = ground.isSince(since) ? 'done' : 'UnimplementedError'
      expect(await outcome()).toBe(expected)
      const states = new States(zk)
      const connected = states.next('CONNECTED')
      proxy.cut()
      await connected
      expect(await outcome()).toBe(expected)
      expect(states.seen).toEqual(['SUSPENDED', 'CONNECTED'])
    })
  })

  describe('one-shot watches alone', () => {
    it('are set again after a reconnect on every release', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await zk.create(ground.at('/node'))
      const events: string[] = []
      const changed = new Promise<void>((resolve) => {
        void zk.get(ground.at('/node'), {
          watch: ({ type }) => {
            events.push(type)
            resolve()
          },
        })
      })
      await fence(zk)
      const connected = new States(zk).next('CONNECTED')
      proxy.cut()
      await connected
      await ground.admin.set(ground.full('/node'), 'x')
      await changed
      expect(events).toEqual(['CHANGED'])
    })
  })
})
