import { describe, expect, it, vi } from 'vitest'

import { adler32 } from '../../../../src/server/storage/adler32.ts'
import { DataDirectoryError } from '../../../../src/server/storage/data-directory-error.ts'
import type { Simulation } from '../../../../src/testing/index.ts'
import { simulate } from '../../../support/simulate.ts'
import { History } from './history.ts'

const folder = '/data/version-2'

function named(sim: Simulation, kind: string): string[] {
  return sim
    .disk('a')
    .list()
    .filter((path) => path.startsWith(`${folder}/${kind}.`))
    .toSorted((a, b) => zxidOf(a) - zxidOf(b))
}

function zxidOf(path: string): number {
  return Number.parseInt(path.slice(path.lastIndexOf('.') + 1), 16)
}

function damage(sim: Simulation, path: string, change: (bytes: Buffer) => Buffer): void {
  sim.disk('a').write(path, change(Buffer.from(sim.disk('a').read(path)!)))
}

async function reopen(sim: Simulation): Promise<History> {
  sim.kill('a')
  return await History.open(sim.runtime('a'))
}

/** A directory with one log of so many transactions, that was closed. */
async function written(sim: Simulation, count = 5): Promise<History> {
  const history = await History.open(sim.runtime('a'))
  for (let i = 0; i < count; i++) history.create(`/n${i}`, `data ${i}`)
  await history.directory.close()
  return history
}

/** A directory with snapshots and logs that begin at 0, 5 and 10 transactions. */
async function writtenInParts(sim: Simulation): Promise<History> {
  const history = await History.open(sim.runtime('a'))
  for (let i = 0; i < 15; i++) {
    if (i === 5 || i === 10) await history.directory.snapshot()
    history.create(`/n${i}`)
  }
  await history.directory.close()
  return history
}

/** A snapshot, of 3.5 as it says no digest, whose znodes have ACLs that are not in its table. */
function withUnknownAcls(bytes: Buffer, paths: readonly string[]): Buffer {
  for (const path of paths) {
    const name = Buffer.alloc(4 + path.length)
    name.writeInt32BE(path.length)
    name.write(path, 4)
    const data = bytes.indexOf(name) + name.length
    bytes.writeBigInt64BE(4242n, data + 4 + bytes.readInt32BE(data))
  }
  const slash = Buffer.from([0, 0, 0, 1, 0x2f])
  const end = bytes.indexOf(slash) + slash.length
  const seal = Buffer.alloc(8)
  seal.writeUInt32BE(adler32(bytes.subarray(0, end)), 4)
  return Buffer.concat([bytes.subarray(0, end), seal, slash])
}

describe('a data directory', () => {
  it('begins with an empty snapshot, and is the same when it is opened again', () =>
    simulate(async (sim) => {
      const history = await History.open(sim.runtime('a'))
      expect(sim.disk('a').list()).toEqual([`${folder}/kazoo.lock.1`, `${folder}/snapshot.0`])
      for (let i = 0; i < 200; i++) history.commitRandom(sim.random)
      await history.settle()
      const again = await reopen(sim)
      expect(again.state.notices).toEqual([])
      expect(again.describe()).toBe(history.describe())
      expect(again.zxid).toBe(200)
      again.create('/more')
      await again.settle()
      expect((await reopen(sim)).describe()).toBe(again.describe())
    }))

  it('comes to the same tree from a snapshot that was written while it changed', () =>
    simulate(
      async (sim) => {
        const runtime = sim.runtime('a')
        const history = await History.open(runtime, { snapCount: 120 })
        for (let i = 0; i < 500; i++) {
          history.commitRandom(sim.random)
          if (sim.random.chance(0.2)) await runtime.files.exists('/data')
        }
        await history.directory.close()
        expect(named(sim, 'snapshot').length).toBeGreaterThan(1)
        const again = await reopen(sim)
        expect(again.state.notices).toEqual([])
        expect(again.describe()).toBe(history.describe())
      },
      { seeds: 20 },
    ))

  it.each([
    ['logs beside the snapshots', {}],
    ['logs in a directory of their own', { dataLogDir: '/logs' }],
  ])('keeps all that was acknowledged when power is lost, with %s', (_name, folders) =>
    simulate(
      async (sim) => {
        const options = { ...folders, snapCount: 20, retainSnapshots: 1 }
        const history = await History.open(sim.runtime('a'), options)
        const states = [history.describe()]
        const count = sim.random.integer(1, 200)
        for (let i = 0; i < count; i++) {
          history.commitRandom(sim.random)
          states.push(history.describe())
          // Up to as long as a sync takes, so that it is in the middle of anything when the power goes.
          if (sim.random.chance(0.2)) await sim.sleep(sim.random.between(0, 5))
        }
        const { acknowledged } = history
        sim.powerOff('a')
        const again = await History.open(sim.runtime('a'), options)
        expect(again.zxid).toBeGreaterThanOrEqual(acknowledged)
        expect(again.describe()).toBe(states[again.zxid])
      },
      { seeds: 50 },
    ),
  )

  it('has the header and the name of a log on disk before there is a transaction in it', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      const done: string[] = []
      const open = runtime.files.open.bind(runtime.files)
      const syncDirectory = runtime.files.syncDirectory.bind(runtime.files)
      vi.spyOn(runtime.files, 'syncDirectory').mockImplementation(async (path) => {
        await syncDirectory(path)
        done.push(`sync ${path}`)
      })
      vi.spyOn(runtime.files, 'open').mockImplementation(async (path, options) => {
        const file = await open(path, options)
        if (!path.includes('log.')) return file
        const write: typeof file.write = async (position, bytes) => {
          done.push(`write at ${position}`)
          await file.write(position, bytes)
        }
        const sync = async (): Promise<void> => {
          await file.sync()
          done.push('sync')
        }
        return { ...file, write, sync }
      })
      const history = await History.open(runtime)
      done.length = 0
      history.create('/a')
      await history.settle()
      expect(done).toEqual(['write at 0', 'sync', `sync ${folder}`, 'write at 16', 'sync'])
    }))

  it('ends sessions that only their ephemerals know of, and what is created in their place stays', () =>
    simulate(async (sim) => {
      const first = await History.open(sim.runtime('a'))
      first.commit({ type: 'createSession', timeout: 4000 }, 7n)
      first.commit({ type: 'create', path: '/e', data: null, acl: [], owner: 7n, parentCreates: 1 }, 7n)
      // As a snapshot of another server may be, that has the ephemeral and not the session.
      first.sessions.clear()
      await first.directory.snapshot()
      await first.directory.close()
      for (const name of ['snapshot.0', 'log.1']) await sim.runtime('a').files.remove(`${folder}/${name}`)

      const again = await reopen(sim)
      expect(again.tree.find('/e')).toBeUndefined()
      expect(again.tree.ephemerals.size).toBe(0)
      // By a transaction, so that every recovery comes to the same.
      expect(again.zxid).toBe(3)
      again.create('/e', 'precious')
      await again.settle()
      const third = await reopen(sim)
      expect(third.describe()).toBe(again.describe())
      expect(third.tree.find('/e')).toMatchObject({ data: Buffer.from('precious'), owner: 0n })
      expect(third.zxid).toBe(again.zxid)
      expect(third.state.notices).toEqual([])
    }))

  it('writes what comes in together with one sync', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      const open = runtime.files.open.bind(runtime.files)
      let syncs = 0
      vi.spyOn(runtime.files, 'open').mockImplementation(async (path, options) => {
        const file = await open(path, options)
        return { ...file, sync: () => (syncs++, file.sync()) }
      })
      const history = await History.open(runtime)
      history.create('/first')
      await history.settle()
      syncs = 0
      for (let i = 1; i < 100; i++) history.create(`/n${i}`)
      expect(history.directory.isDurable).toBe(false)
      expect(history.acknowledged).toBe(1)
      await history.settle()
      expect(history.acknowledged).toBe(100)
      expect(syncs).toBe(1)
    }))

  it('leaves out a torn end, wherever it is torn, and says so', () =>
    simulate(
      async (sim) => {
        await written(sim)
        const log = `${folder}/log.1`
        const good = Buffer.from(sim.disk('a').read(log)!)
        const entry = good.readInt32BE(16 + 8) + 13
        for (let size = good.length - entry; size < good.length; size += 3) {
          for (const padding of [0, 50]) {
            damage(sim, log, () => Buffer.concat([good.subarray(0, size), Buffer.alloc(padding)]))
            const again = await reopen(sim)
            expect(again.zxid).toBe(4)
            const isTorn = good.subarray(good.length - entry, size).some((byte) => byte !== 0)
            expect(again.state.notices.join()).toMatch(isTorn ? /log\.1: ends in an unfinished write/ : /^$/)
            again.create('/n4', 'data 4')
            await again.settle()
            const third = await reopen(sim)
            expect(third.state.notices).toEqual([])
            expect(third.tree.find('/n4')?.czxid).toBe(5)
            await sim.runtime('a').files.remove(`${folder}/log.5`)
          }
        }
      },
      { seeds: 1 },
    ))

  it('refuses a last transaction that was written to its end and reads otherwise, and leaves the log as it is', () =>
    simulate(
      async (sim) => {
        await written(sim)
        const log = `${folder}/log.1`
        const good = Buffer.from(sim.disk('a').read(log)!)
        const entry = good.readInt32BE(16 + 8) + 13
        const last = good.length - entry
        // All but its length and its end mark.
        for (let at = last; at < good.length - 1; at += at === last + 7 ? 5 : 1) {
          for (const room of [0, 65_536]) {
            const bad = Buffer.concat([good, Buffer.alloc(room)])
            bad[at]! ^= 1
            damage(sim, log, () => bad)
            sim.kill('a')
            await expect(History.open(sim.runtime('a'))).rejects.toThrow(
              `log.1: damaged after 0x4, at byte ${last} (wrong checksum), where a transaction was written to its end`,
            )
            expect(sim.disk('a').read(log)!.equals(bad)).toBe(true)
          }
        }
      },
      { seeds: 1 },
    ))

  it('keeps a copy of what it cuts off', () =>
    simulate(async (sim) => {
      await written(sim)
      const log = `${folder}/log.1`
      const good = Buffer.from(sim.disk('a').read(log)!)
      const last = good.length - (good.readInt32BE(16 + 8) + 13)
      // Damage to its length makes a whole transaction look like one that was never finished, to a ZooKeeper as well.
      damage(sim, log, (bytes) => {
        bytes[last + 11]! ^= 0x10
        return Buffer.concat([bytes, Buffer.alloc(100)])
      })
      const bad = Buffer.from(sim.disk('a').read(log)!.subarray(last, good.length))
      const again = await reopen(sim)
      expect(again.zxid).toBe(4)
      const copy = `${folder}/torn.log.1-${last}`
      expect(again.state.notices).toEqual([
        expect.stringMatching(new RegExp(`log\\.1: ends in an unfinished write .* left out, and kept as ${copy}$`)),
      ])
      expect(sim.disk('a').read(copy)).toEqual(bad)
      expect(sim.disk('a').read(log)).toEqual(good.subarray(0, last))
      expect((await reopen(sim)).state.notices).toEqual([])
    }))

  it('takes the ACL of a znode out of the log where the snapshot was begun before it came up', () =>
    simulate(async (sim) => {
      const history = await History.open(sim.runtime('a'))
      history.create('/a')
      history.create('/b')
      history.create('/c')
      await history.directory.snapshot()
      const acl = [{ perms: 1, id: { scheme: 'digest', id: 'ada:hash' } }]
      history.commit({ type: 'setAcl', path: '/a', acl, aversion: 1 })
      history.commit({ type: 'multi', transactions: [{ type: 'setAcl', path: '/b', acl, aversion: 1 }] })
      history.commit({ type: 'delete', path: '/c' })
      await history.directory.close()
      await sim.runtime('a').files.remove(`${folder}/snapshot.0`)
      damage(sim, `${folder}/snapshot.3`, (bytes) => withUnknownAcls(bytes, ['/a', '/b', '/c']))
      const again = await reopen(sim)
      expect(again.state.notices).toEqual([])
      expect(again.describe()).toBe(history.describe())
      expect(again.tree.acls.size).toBe(history.tree.acls.size)

      // What no log sets, nobody knows.
      await sim.runtime('a').files.remove(`${folder}/log.4`)
      await expect(reopen(sim)).rejects.toThrow(
        'the ACL of /a is neither in the snapshot 0x3 nor in a log behind it: a log is missing',
      )
    }))

  it('writes nothing any more once it is closed', () =>
    simulate(async (sim) => {
      const history = await written(sim)
      const files = sim.disk('a').list()
      expect(() => history.create('/late')).toThrow('the log is closed')
      await sim.sleep(1_000)
      expect(sim.disk('a').list()).toEqual(files)
    }))

  it('refuses a log that is damaged in the middle', () =>
    simulate(
      async (sim) => {
        await written(sim)
        const [log = ''] = named(sim, 'log')
        const good = Buffer.from(sim.disk('a').read(log)!)
        for (let at = 16; at < good.length - 110; at += 3) {
          damage(sim, log, () => Buffer.from(good))
          damage(sim, log, (bytes) => {
            bytes[at]! ^= 0xff
            return bytes
          })
          sim.kill('a')
          await expect(History.open(sim.runtime('a'))).rejects.toThrow(
            /log\.1: damaged .*at byte \d+.*whole transactions/,
          )
        }
        damage(sim, log, () => Buffer.concat([good.subarray(0, 16), Buffer.alloc(50), good.subarray(66)]))
        sim.kill('a')
        await expect(History.open(sim.runtime('a'))).rejects.toThrow(DataDirectoryError)
      },
      { seeds: 1 },
    ))

  it('refuses what is no log', () =>
    simulate(async (sim) => {
      await written(sim)
      damage(sim, `${folder}/log.1`, () => Buffer.from('a text that has come here by mistake'))
      sim.kill('a')
      await expect(History.open(sim.runtime('a'))).rejects.toThrow('does not begin with ZKLG')
    }))

  it('drops a log whose header was never finished', () =>
    simulate(async (sim) => {
      const history = await written(sim)
      for (const bytes of [
        Buffer.alloc(0),
        Buffer.from('ZK'),
        Buffer.alloc(4096),
        Buffer.from('ZKL'.padEnd(99, '\0')),
      ]) {
        sim.disk('a').write(`${folder}/log.6`, bytes)
        const again = await reopen(sim)
        expect(again.describe()).toBe(history.describe())
        expect(named(sim, 'log')).toEqual([`${folder}/log.1`])
      }
    }))

  it('replays all logs where there is no snapshot, and refuses if they do not begin at the start', () =>
    simulate(async (sim) => {
      const history = await writtenInParts(sim)
      for (const path of named(sim, 'snapshot')) await sim.runtime('a').files.remove(path)
      const again = await reopen(sim)
      expect(again.describe()).toBe(history.describe())
      expect(again.state.notices.join()).toContain('no whole snapshot')
      expect(named(sim, 'snapshot')).toEqual([`${folder}/snapshot.f`])

      const files = sim.runtime('a').files
      await files.remove(`${folder}/snapshot.f`)
      await files.remove(`${folder}/log.1`)
      await expect(reopen(sim)).rejects.toThrow('there is no snapshot, and the logs begin only with 0x6')
    }))

  it('goes back to an older snapshot where the newest is damaged', () =>
    simulate(async (sim) => {
      const history = await writtenInParts(sim)
      damage(sim, `${folder}/snapshot.a`, (bytes) => bytes.subarray(0, bytes.length - 20))
      damage(sim, `${folder}/snapshot.5`, (bytes) => {
        bytes[bytes.length >> 1]! ^= 1
        return bytes
      })
      const again = await reopen(sim)
      expect(again.describe()).toBe(history.describe())
      expect(again.state.notices).toHaveLength(2)
    }))

  it('refuses where a log is missing', () =>
    simulate(async (sim) => {
      await writtenInParts(sim)
      await sim.runtime('a').files.remove(`${folder}/snapshot.a`)
      await sim.runtime('a').files.remove(`${folder}/log.6`)
      await expect(reopen(sim)).rejects.toThrow('begins with 0xb, but 0x6 to 0xa are in no log')
    }))

  it('tells a damaged tree by its digest', () =>
    simulate(async (sim) => {
      const history = await writtenInParts(sim)
      await sim.runtime('a').files.remove(`${folder}/snapshot.a`)
      // An older state under the name of a newer one.
      sim.disk('a').write(`${folder}/snapshot.a`, sim.disk('a').read(`${folder}/snapshot.5`)!)
      const again = await reopen(sim)
      expect(again.describe()).not.toBe(history.describe())
      expect(again.state.notices.join()).toContain('digest differs')
    }))

  it('refuses a snapshot that holds some of what is in no log', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('a')
      const history = await History.open(runtime)
      for (let i = 0; i < 50; i++) history.create(`/n${i}`)
      await history.settle()
      const snapshot = history.directory.snapshot()
      for (let i = 0; i < 10; i++) {
        history.create(`/while${i}`)
        await runtime.files.exists('/data')
      }
      await snapshot
      await history.directory.close()
      const log = Buffer.from(sim.disk('a').read(`${folder}/log.33`)!)
      expect((await reopen(sim)).describe()).toBe(history.describe())
      sim.disk('a').write(`${folder}/log.33`, log.subarray(0, 16))
      await expect(reopen(sim)).rejects.toThrow(
        /snapshot 0x32 was still being written at 0x3\w, but the logs end at 0x32/,
      )
    }))

  it('keeps three snapshots and the logs they need', () =>
    simulate(async (sim) => {
      const history = await History.open(sim.runtime('a'))
      for (let i = 0; i < 30; i++) {
        history.create(`/n${i}`)
        if (i % 5 === 4) await history.directory.snapshot()
      }
      await history.directory.close()
      expect(named(sim, 'snapshot')).toEqual(['14', '19', '1e'].map((zxid) => `${folder}/snapshot.${zxid}`))
      expect(named(sim, 'log')).toEqual(['15', '1a'].map((zxid) => `${folder}/log.${zxid}`))
      const again = await reopen(sim)
      expect(again.describe()).toBe(history.describe())
    }))

  it('removes what an unfinished snapshot left behind', () =>
    simulate(async (sim) => {
      const history = await written(sim)
      sim.disk('a').write(`${folder}/unfinished.snapshot.5`, Buffer.from('ZKSN'))
      sim.disk('a').write(`${folder}/currentEpoch`, Buffer.from('1'))
      expect((await reopen(sim)).describe()).toBe(history.describe())
      expect(await sim.runtime('a').files.exists(`${folder}/unfinished.snapshot.5`)).toBe(false)
      expect(sim.disk('a').read(`${folder}/currentEpoch`)?.toString()).toBe('1')
    }))

  it('acknowledges nothing that a full disk did not take, and says so once', () =>
    simulate(async (sim) => {
      const onFailure = vi.fn<(error: Error) => void>()
      const history = await History.open(sim.runtime('a'), { onFailure, preallocate: 4096 })
      for (let i = 0; i < 10; i++) history.create(`/n${i}`)
      await history.settle()
      sim.disk('a').capacity = sim.disk('a').read(`${folder}/log.1`)!.length + 500
      for (let i = 10; i < 500; i++) history.create(`/n${i}`)
      await history.directory.close()
      expect(onFailure).toHaveBeenCalledTimes(1)
      expect(onFailure.mock.calls[0]?.[0].message).toMatch(/a write failed.*ENOSPC/)
      expect(history.acknowledged).toBe(10)
      history.create('/late')
      expect(history.directory.isDurable).toBe(false)
      await history.directory.close()
      expect(history.acknowledged).toBe(10)
      sim.disk('a').capacity = Number.POSITIVE_INFINITY
      const again = await reopen(sim)
      expect(again.zxid).toBe(10)
    }))

  it('goes on when a snapshot could not be written', () =>
    simulate(async (sim) => {
      const notices: string[] = []
      const history = await History.open(sim.runtime('a'), {
        snapCount: 10,
        preallocate: 4096,
        onNotice: (notice) => notices.push(notice),
      })
      history.create('/large', 'x'.repeat(20_000))
      await history.settle()
      sim.disk('a').capacity = 42_000
      for (let i = 0; i < 12; i++) history.create(`/n${i}`)
      await history.directory.close()
      expect(notices.join()).toContain('no snapshot could be written')
      expect(history.acknowledged).toBe(13)
      expect(named(sim, 'unfinished')).toEqual([])
      expect((await reopen(sim)).describe()).toBe(history.describe())
    }))
})
