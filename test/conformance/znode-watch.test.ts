import { describe, expect, it } from 'vitest'

import { ChildrenWatch, DataWatch, makeAcl, NoAuthError } from '../../src/index.ts'
import { States, suspend } from './support/events.ts'
import { onEachServerAndChroot } from './support/ground.ts'

/** What a watch's function was called with, and the moment at which it was called with a certain value. */
class Seen {
  readonly values: string[] = []
  #waiting: { readonly value: string; readonly resolve: () => void }[] = []

  add(value: string): void {
    this.values.push(value)
    for (const each of this.#waiting) if (each.value === value) each.resolve()
  }

  async until(value: string): Promise<void> {
    if (!this.values.includes(value)) await new Promise<void>((resolve) => void this.#waiting.push({ value, resolve }))
  }
}

const text = (data: Buffer | null): string => (data === null ? 'missing' : data.toString())
const list = (children: string[] | null): string => (children === null ? 'missing' : children.toSorted().join(' '))

onEachServerAndChroot((ground) => {
  const path = '/node'

  describe('DataWatch', () => {
    it('tells of now and of every change; of a znode deleted and made again', async () => {
      const zk = await ground.connect()
      const seen = new Seen()
      await using _ = await new DataWatch(zk, ground.at(path), (data) => seen.add(text(data))).start()
      expect(seen.values).toEqual(['missing'])
      await ground.admin.create(ground.full(path), 'created')
      await seen.until('created')
      await ground.admin.set(ground.full(path), 'changed')
      await seen.until('changed')
      await ground.admin.delete(ground.full(path))
      await ground.admin.create(ground.full(path), 'again')
      await seen.until('again')
      expect(seen.values.filter((value) => value !== 'missing')).toEqual(['created', 'changed', 'again'])
    })

    it('goes on over a reconnect, and calls for what changed meanwhile alone', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await ground.admin.create(ground.full(path), 'first')
      const seen = new Seen()
      await using _ = await new DataWatch(zk, ground.at(path), (data) => seen.add(text(data))).start()
      const connected = new States(zk).next('CONNECTED')
      proxy.cut()
      await connected
      await suspend(zk, proxy)
      await ground.admin.set(ground.full(path), 'skipped')
      await ground.admin.set(ground.full(path), 'second')
      await proxy.setMode('forward')
      await seen.until('second')
      await ground.admin.set(ground.full(path), 'third')
      await seen.until('third')
      expect(seen.values).toEqual(['first', 'second', 'third'])
    })

    it('goes on over a new session', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await ground.admin.create(ground.full(path), 'first')
      const seen = new Seen()
      await using _ = await new DataWatch(zk, ground.at(path), (data) => seen.add(text(data))).start()
      const { session } = zk
      await suspend(zk, proxy)
      const heir = await ground.connect({ session: session! })
      await heir.stop()
      await ground.admin.set(ground.full(path), 'second')
      await proxy.setMode('forward')
      await seen.until('second')
      await ground.admin.set(ground.full(path), 'third')
      await seen.until('third')
      expect(seen.values).toEqual(['first', 'second', 'third'])
      expect(zk.session?.id).not.toBe(session?.id)
    })

    it('is an async iterator over the latest value', async () => {
      const zk = await ground.connect()
      await ground.admin.create(ground.full(path), '0')
      const values: string[] = []
      const watch = await new DataWatch(zk, ground.at(path)).start()
      for await (const { data } of watch) {
        values.push(text(data))
        if (values.length === 4) break
        await ground.admin.set(ground.full(path), String(values.length))
      }
      expect(values).toEqual(['0', '1', '2', '3'])
      expect(await watch.closed).toEqual({ reason: 'stopped' })
    })

    it('says why it ended', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await ground.admin.create(ground.full(path), 'first')
      const ended = await new DataWatch(zk, ground.at(path), () => false).start()
      expect(await ended.closed).toEqual({ reason: 'returned-false' })
      const refused = await new DataWatch(zk, ground.at(path), () => {}).start()
      const left = await new DataWatch(zk, ground.at('/missing'), () => {}).start()
      // A new session has to read anew, which is not permitted any more.
      const { session } = zk
      await suspend(zk, proxy)
      const heir = await ground.connect({ session: session! })
      await heir.stop()
      await ground.admin.setAcls(ground.full(path), [makeAcl('auth', '', { all: true })])
      await proxy.setMode('forward')
      const { reason, error } = await refused.closed
      expect(reason).toBe('failed')
      expect(error).toBeInstanceOf(NoAuthError)
      expect(error).toMatchObject({ path: ground.at(path) })
      await zk.stop()
      expect(await left.closed).toMatchObject({ reason: 'client-stopped' })
    })
  })

  describe('ChildrenWatch', () => {
    it('tells of now and of every change; of a znode deleted and made again', async () => {
      const zk = await ground.connect()
      const seen = new Seen()
      await using _ = await new ChildrenWatch(zk, ground.at(path), (names) => seen.add(list(names))).start()
      expect(seen.values).toEqual(['missing'])
      await ground.admin.create(ground.full(path))
      await seen.until('')
      await ground.admin.create(ground.full('/node/a'))
      await seen.until('a')
      await ground.admin.create(ground.full('/node/b'))
      await seen.until('a b')
      await ground.admin.delete(ground.full(path), { recursive: true })
      await ground.admin.create(ground.full('/node/c'), '', { makePath: true })
      await seen.until('c')
    })

    it('goes on over a reconnect and a new session', async () => {
      const { zk, proxy } = await ground.connectThroughProxy()
      await ground.admin.create(ground.full(path))
      const seen = new Seen()
      await using _ = await new ChildrenWatch(zk, ground.at(path), (names) => seen.add(list(names))).start()
      await suspend(zk, proxy)
      await ground.admin.create(ground.full('/node/a'))
      await proxy.setMode('forward')
      await seen.until('a')
      const { session } = zk
      await suspend(zk, proxy)
      const heir = await ground.connect({ session: session! })
      await heir.stop()
      await ground.admin.create(ground.full('/node/b'))
      await proxy.setMode('forward')
      await seen.until('a b')
      await ground.admin.delete(ground.full('/node/a'))
      await seen.until('b')
      expect(seen.values).toEqual(['', 'a', 'a b', 'b'])
    })
  })
})
