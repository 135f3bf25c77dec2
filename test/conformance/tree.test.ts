import { describe, expect, it } from 'vitest'

import {
  type Acl,
  ANYONE_ID_UNSAFE,
  type KazooClient,
  makeDigestAcl,
  NoAuthError,
  NoNodeError,
  OPEN_ACL_UNSAFE,
  Permissions,
  type WalkOptions,
} from '../../src/index.ts'
import { operations as wire } from '../../src/protocol/operations.ts'
import { failure } from './support/events.ts'
import { type Ground, onEachServerAndChroot } from './support/ground.ts'
import { WireTap } from './support/wire-tap.ts'

/** All to the owner, who cleans up; to others what is named. */
function besides(perms: number): Acl[] {
  return [{ perms, id: ANYONE_ID_UNSAFE }, makeDigestAcl('owner', 'secret', { all: true })]
}

onEachServerAndChroot((ground) => {
  describe('delete with recursive', () => {
    it('takes a transaction for many znodes, none above the limits of count and bytes', async () => {
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime, maxBuffer: 4_000 })
      await grow(ground, 30, 10)
      const before = tap.sent.length
      await zk.delete(ground.at('/tree'), { recursive: true })
      const frames = tap.sent.slice(before).filter(({ opcode }) => opcode === wire.multi.opcode)
      const bytes = 331 * (17 + ground.full('/tree/10/5').length)
      expect(frames.length).toBeGreaterThanOrEqual(Math.floor(bytes / 4_000))
      expect(frames.length).toBeLessThan(bytes / 3_000 + 2)
      expect(Math.max(...frames.map(({ size }) => size))).toBeLessThanOrEqual(4_000)
      expect(tap.sent.some(({ opcode }) => opcode === wire.delete.opcode)).toBe(false)
      expect(await zk.exists(ground.at('/tree'))).toBeNull()
    })

    it('ends with what it may not delete: that is left, and what is above it', async () => {
      const { admin } = ground
      await grow(ground, 3, 3)
      const acl = besides(Permissions.READ | Permissions.CREATE | Permissions.WRITE)
      await admin.setAcls(ground.full('/tree/1'), acl)
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      const before = tap.sent.length
      const error = await failure(zk.delete(ground.at('/tree'), { recursive: true }))
      expect(error).toBeInstanceOf(NoAuthError)
      expect(error).toMatchObject({ op: 'delete', path: ground.at('/tree'), maybeApplied: true })
      // Each of the 13 is listed and tried: nobody else is at work whom the znodes above it could wait for.
      expect(tap.sent.slice(before).filter(({ opcode }) => opcode !== wire.ping.opcode)).toHaveLength(2 * 13 + 1)
      expect((error as Error).cause).toMatchObject({ op: 'delete' })
      expect(((error as Error).cause as { path: string }).path.startsWith(ground.at('/tree/1/'))).toBe(true)
      expect((await admin.getChildren(ground.full('/tree/1'))).toSorted()).toEqual(['0', '1', '2'])
      // All of them were in one transaction, and then each by itself.
      expect(await admin.getChildren(ground.full('/tree'))).toEqual(['1'])
    })

    it('asks no more for all the znodes that are above what it may not delete', async () => {
      const { admin } = ground
      const depth = 8
      const paths = Array.from({ length: depth }, (_, level) => `/tree${'/x'.repeat(level)}`)
      for (const path of paths) await admin.create(ground.full(path))
      await admin.setAcls(ground.full(paths.at(-2)!), besides(Permissions.READ))
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      const before = tap.sent.length
      expect(await failure(zk.delete(ground.at('/tree'), { recursive: true }))).toBeInstanceOf(NoAuthError)
      const sent = tap.sent.slice(before).filter(({ opcode }) => opcode !== wire.ping.opcode)
      expect(sent).toHaveLength(2 * depth + 1)
      expect(await admin.exists(ground.full(paths.at(-1)!))).not.toBeNull()
    })

    it('deletes what others create at each of its steps, too', async () => {
      const { admin } = ground
      await grow(ground, 3, 3)
      const tap = new WireTap()
      const zk = await ground.connect({ runtime: tap.runtime })
      tap.hold()
      const deleting = zk.delete(ground.at('/tree'), { recursive: true }).then(() => 'done')
      let created = 0
      const create = (path: string): Promise<void> =>
        admin.create(ground.full(path)).then(
          () => void created++,
          (error: unknown) => expect(error).toBeInstanceOf(NoNodeError),
        )
      for (let step = 0; step < 30; step++) {
        if ((await Promise.race([deleting, tap.held(1)])) === 'done') break
        await Promise.all([`/tree/late-${step}`, `/tree/1/late-${step}`, `/tree/1/2/late-${step}`].map(create))
        tap.release()
        tap.hold()
      }
      tap.release()
      await deleting
      expect(created).toBeGreaterThan(3)
      expect(await admin.exists(ground.full('/tree'))).toBeNull()
    })
  })

  it('what works on a tree keeps to the number of requests that may be pending', async () => {
    await grow(ground, 6, 6)
    const zk = await ground.connect({ maxPending: 4, maxBuffer: 1_000 })
    expect(await pathsOf(zk, ground.at('/tree'))).toHaveLength(43)
    await zk.setAcls(ground.at('/tree'), OPEN_ACL_UNSAFE, { recursive: true })
    expect((await zk.getAcls(ground.at('/tree/5/5'))).stat.aversion).toBe(1)
    // Once in transactions, and once each by itself.
    await ground.admin.setAcls(ground.full('/tree/3'), besides(Permissions.READ))
    expect(await failure(zk.delete(ground.at('/tree'), { recursive: true }))).toBeInstanceOf(NoAuthError)
    await ground.admin.setAcls(ground.full('/tree/3'), OPEN_ACL_UNSAFE)
    await zk.delete(ground.at('/tree'), { recursive: true })
    expect(await zk.exists(ground.at('/tree'))).toBeNull()
  })

  describe('setAcls with recursive', () => {
    const acls = besides(Permissions.READ)

    it("sets the ACL of all that is below, and nothing beside it; it resolves to the root's Stat", async () => {
      await grow(ground, 3, 2)
      await ground.admin.create(ground.full('/tree-beside'))
      const zk = await ground.connect()
      const stat = await zk.setAcls(ground.at('/tree'), acls, { recursive: true })
      expect(stat).toEqual(await zk.exists(ground.at('/tree')))
      expect(stat.aversion).toBe(1)
      for (const path of ['/tree', '/tree/0', '/tree/2', '/tree/2/1']) {
        expect((await ground.admin.getAcls(ground.full(path))).acls).toEqual(acls)
      }
      expect((await zk.getAcls(ground.at('/tree-beside'))).acls).toEqual(OPEN_ACL_UNSAFE)
    })

    it('may take away the permission to list', async () => {
      await grow(ground, 2, 2)
      const zk = await ground.connect()
      await zk.setAcls(ground.at('/tree'), besides(0), { recursive: true })
      expect(await failure(zk.get(ground.at('/tree/1/1')))).toBeInstanceOf(NoAuthError)
    })

    it('changes nothing where one of them may not be listed', async () => {
      await grow(ground, 2, 2)
      await ground.admin.setAcls(ground.full('/tree/1'), besides(Permissions.ALL & ~Permissions.READ))
      const zk = await ground.connect()
      const error = await failure(zk.setAcls(ground.at('/tree'), acls, { recursive: true }))
      expect(error).toBeInstanceOf(NoAuthError)
      expect(error).toMatchObject({ op: 'setAcls', path: ground.at('/tree'), maybeApplied: false })
      expect((await ground.admin.exists(ground.full('/tree/0/0')))?.aversion).toBe(0)
    })

    it('rejects with NoNodeError', async () => {
      const zk = await ground.connect()
      const error = await failure(zk.setAcls(ground.at('/missing'), acls, { recursive: true }))
      expect(error).toBeInstanceOf(NoNodeError)
      expect(error).toMatchObject({ op: 'setAcls', path: ground.at('/missing') })
    })
  })

  describe('walk', () => {
    it('gives each znode before those below it, and all below it before its siblings', async () => {
      await grow(ground, 3, 3)
      const zk = await ground.connect()
      for (const concurrency of [1, 2, 64]) {
        const paths = await pathsOf(zk, ground.at('/tree'), { concurrency })
        expect(paths[0]).toBe(ground.at('/tree'))
        expect(paths).toHaveLength(13)
        expect(new Set(paths).size).toBe(13)
        for (const [index, path] of paths.entries()) {
          if (path.split('/').length - ground.at('/tree').split('/').length !== 1) continue
          expect(paths.slice(index + 1, index + 4).every((below) => below.startsWith(`${path}/`))).toBe(true)
        }
      }
    })

    it('includes Stat and data where they are asked for', async () => {
      await ground.admin.create(ground.full('/tree'), 'root')
      await ground.admin.create(ground.full('/tree/leaf'), 'leaf')
      const zk = await ground.connect()
      const [root, leaf] = await collect(zk.walk(ground.at('/tree'), { includeData: true }))
      expect(root).toEqual({ path: ground.at('/tree'), ...(await zk.get(ground.at('/tree'))) })
      expect(leaf).toEqual({ path: ground.at('/tree/leaf'), ...(await zk.get(ground.at('/tree/leaf'))) })
      const stats = await collect(zk.walk(ground.at('/tree'), { includeStat: true }))
      expect(stats[1]).toEqual({ path: ground.at('/tree/leaf'), stat: leaf?.stat })
    })

    it('passes over what vanishes meanwhile', async () => {
      await grow(ground, 3, 1)
      const zk = await ground.connect()
      const paths: string[] = []
      for await (const { path } of zk.walk(ground.at('/tree'), { concurrency: 1 })) {
        paths.push(path)
        if (paths.length === 2) await ground.admin.delete(ground.full('/tree'), { recursive: true })
      }
      // One was read in advance.
      expect(paths.length).toBeLessThanOrEqual(3)
    })

    it('ends early, and rejects when it is aborted', async () => {
      await grow(ground, 3, 3)
      const zk = await ground.connect()
      for await (const { path } of zk.walk(ground.at('/tree'))) {
        expect(path).toBe(ground.at('/tree'))
        break
      }
      const abort = new AbortController()
      const seen: string[] = []
      const error = await failure(
        (async () => {
          for await (const { path } of zk.walk(ground.at('/tree'), { signal: abort.signal })) {
            seen.push(path)
            if (seen.length === 2) abort.abort(new Error('enough'))
          }
        })(),
      )
      expect((error as Error).message).toBe('enough')
      expect(seen).toHaveLength(2)
    })

    it('rejects with NoNodeError, and with NoAuthError', async () => {
      const zk = await ground.connect()
      const missing = await failure(pathsOf(zk, ground.at('/missing')))
      expect(missing).toBeInstanceOf(NoNodeError)
      expect(missing).toMatchObject({ op: 'walk', path: ground.at('/missing') })
      await grow(ground, 2, 1)
      await ground.admin.setAcls(ground.full('/tree/1'), besides(0))
      const refused = await failure(pathsOf(zk, ground.at('/tree')))
      expect(refused).toBeInstanceOf(NoAuthError)
      expect(refused).toMatchObject({ op: 'walk', path: ground.at('/tree/1') })
    })
  })
})

/** `/tree` with so many children, each of which has so many. */
async function grow(ground: Ground, children: number, grandchildren: number): Promise<void> {
  const { admin } = ground
  const making: Promise<string>[] = [admin.create(ground.full('/tree'))]
  for (let child = 0; child < children; child++) {
    making.push(admin.create(ground.full(`/tree/${child}`)))
    for (let below = 0; below < grandchildren; below++)
      making.push(admin.create(ground.full(`/tree/${child}/${below}`)))
  }
  await Promise.all(making)
}

async function pathsOf(zk: KazooClient, root: string, options: WalkOptions = {}): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of zk.walk(root, options)) paths.push(path)
  return paths
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
