import { describe, expect, it } from 'vitest'

import type { AclEntry } from '../../../../src/protocol/records.ts'
import type { Runtime } from '../../../../src/runtime/runtime.ts'
import { DataTree } from '../../../../src/server/tree/data-tree.ts'
import { ttlOwner } from '../../../../src/server/tree/owner.ts'
import { readSnapshot } from '../../../../src/server/storage/snapshot-reader.ts'
import { writeSnapshot } from '../../../../src/server/storage/snapshot-writer.ts'
import { TreeDigest } from '../../../../src/server/storage/tree-digest.ts'
import { WatchTables } from '../../../../src/server/tree/watch-table.ts'
import { simulate } from '../../../support/simulate.ts'
import { describe as describeTree } from './history.ts'

const folder = '/data/version-2'
const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]

const many = (perms: number): AclEntry[] =>
  Array.from({ length: 300 }, (_, index) => ({ perms, id: { scheme: 'digest', id: `user${index}:hash` } }))

class Tree {
  readonly tree = new DataTree(new WatchTables())
  zxid = 0

  create(path: string, data: Uint8Array | null = Buffer.from('data'), owner = 0n, list?: AclEntry[]): void {
    const parentCreates = this.tree.find(path.slice(0, path.lastIndexOf('/')))!.creates + 1
    const short = this.zxid % 3 === 0 ? open : [{ perms: this.zxid % 32, id: { scheme: 'ip', id: '127.0.0.1' } }]
    const acl = list ?? short
    this.tree.apply(this.#header(), { type: 'create', path, data, acl, owner, parentCreates })
  }

  delete(path: string): void {
    this.tree.apply(this.#header(), { type: 'delete', path })
  }

  /** @param between - called whenever a part of it was written */
  async write({ files }: Runtime, chunkSize: number, between = (): void => {}): Promise<number> {
    await files.makeDirectory(folder)
    const { tree, zxid: lastZxid } = this
    let parts = 0
    const source = {
      tree,
      lastZxid,
      digest: new TreeDigest(tree).value,
      sessions: () => [[7n, 4000] as const],
      get chunkSize() {
        if (parts++ > 0) between()
        return chunkSize
      },
      durable: async () => {},
    }
    return await writeSnapshot(files, folder, source)
  }

  #header() {
    this.zxid++
    return { sessionId: 7n, xid: 1, zxid: this.zxid, time: 1_764_000_000_000 + this.zxid }
  }
}

async function read({ files }: Runtime, zxid: number): ReturnType<typeof readSnapshot> {
  const name = `snapshot.${zxid.toString(16)}`
  return await readSnapshot(files, { path: `${folder}/${name}`, name, zxid, extension: '' })
}

describe('a snapshot', () => {
  it('gives back the tree that it was taken of, whatever is in it, and sums up its digest on the way', () =>
    simulate(async (sim) => {
      const made = new Tree()
      made.create('/null', null)
      made.create('/empty', Buffer.alloc(0))
      made.create('/ünï-cødé-✓', Buffer.from('ünï'))
      made.create('/ünï-cødé-✓/below', Buffer.alloc(300, 0xff))
      made.create('/ephemeral', null, 7n)
      made.create('/ttl', null, ttlOwner(5000))
      made.create('/zookeeper-like', Buffer.from('counted'))
      made.create('/zookeeper/quota/null', null)
      // More than is read at once, and one that is larger than that.
      made.create('/large', Buffer.alloc(1_500_000, 'x'))
      for (let i = 0; i < 3_000; i++) made.create(`/large/${i}`, Buffer.alloc(1_000, `${i}`))
      // As of one who has proven many identities.
      for (let perms = 1; perms < 100; perms++) made.create(`/large/n${perms}`, null, 0n, many(perms))
      const runtime = sim.runtime('a')
      const found = await read(runtime, await made.write(runtime, 100_000))
      const sessions = new Map([[7n, 4000]])
      expect(found.sessions).toEqual(sessions)
      expect(describeTree(found.tree, sessions)).toBe(describeTree(made.tree, sessions))
      expect(found.tree.acls.namedCount).toBe(1)
      expect(found.sum).toBe(new TreeDigest(found.tree).value)
      expect(found.digest).toMatchObject({ zxid: made.zxid, version: 2, value: found.sum })
    }))

  it('has siblings together, each with what is below it, and leaves out what is younger', () =>
    simulate(async (sim) => {
      const made = new Tree()
      for (const path of ['/a', '/b', '/a/1', '/b/1', '/a/2', '/b/2', '/a/1/x']) made.create(path)
      const below = ['', '/a', '/a/1', '/a/1/x', '/a/2', '/b', '/b/1', '/b/2']
      const paths = (): string[] =>
        Array.from(
          made.tree.descend(() => true),
          ([path]) => path,
        )
      expect(paths().filter((path) => !path.startsWith('/zookeeper'))).toEqual(below)
      let changed = false
      const zxid = await made.write(sim.runtime('a'), 1, () => {
        if (changed) return
        changed = true
        made.create('/c')
        made.create('/a/3')
        // What comes back under its name is another znode.
        made.delete('/b/1')
        made.create('/b/1')
        made.create('/b/1/y')
      })
      const { tree } = await read(sim.runtime('a'), zxid)
      const found = Array.from(
        tree.descend(() => true),
        ([path]) => path,
      )
      expect(found.filter((path) => !path.startsWith('/zookeeper'))).toEqual(below.filter((path) => path !== '/b/1'))
    }))
})
