import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { FaultProxy, type RealMember, type RealZooKeeper } from '../../src/testing/index.ts'
import { ownZooKeeper, realServers } from '../support/real-servers.ts'

const local = realServers().filter(({ classpath }) => classpath !== null)
const sessionTimeout = 4_000

/** Lets a member reach the others through proxies, by which it can be cut off from whichever leads. */
async function behindProxies(ensemble: RealZooKeeper, member: RealMember): Promise<FaultProxy[]> {
  await member.kill()
  const proxies: FaultProxy[] = []
  const names = (await readdir(member.folder)).filter((name) => name.startsWith('zoo.cfg'))
  const texts = await Promise.all(names.map((name) => readFile(join(member.folder, name), 'utf8')))
  for (const { id, host } of ensemble.members) {
    if (id === member.id) continue
    const port = texts.map((text) => new RegExp(`^server\\.${id}=[^:]*:(\\d+):`, 'm').exec(text)?.[1]).find(Boolean)
    const proxy = await new FaultProxy({ target: { host, port: Number(port) } }).start()
    proxies.push(proxy)
    const line = new RegExp(`^(server\\.${id}=[^:]*:)${port}:`, 'm')
    for (const [index, text] of texts.entries()) texts[index] = text.replace(line, `$1${proxy.port}:`)
  }
  await Promise.all(names.map((name, index) => writeFile(join(member.folder, name), texts[index]!)))
  await member.start()
  return proxies
}

describe.skipIf(local.length === 0)('a hold on a real ensemble (not run without Java and ZooKeeper)', () => {
  describe.each(local)('$name', (of) => {
    it('is lost before the leader expires the session of a client whose follower is cut off', async () => {
      await using ensemble = await ownZooKeeper({ size: 3 }, of).start()
      const member = (await ensemble.followers())[0]!
      const proxies = await behindProxies(ensemble, member)
      try {
        const leader = await ensemble.waitForLeader()
        await using holder = await new KazooClient({ hosts: member.address, sessionTimeout }).start()
        await using witness = await new KazooClient({ hosts: leader.address, sessionTimeout }).start()
        await holder.create('/held', '', { ephemeral: true })
        const hold = await holder.hold()
        const times: { lost?: number; expired?: number } = {}
        const lost = new Promise<void>((resolve) => {
          hold.signal.addEventListener('abort', () => {
            times.lost = performance.now()
            resolve()
          })
        })
        const expired = new Promise<void>((resolve) => {
          void witness.exists('/held', {
            watch: () => {
              times.expired = performance.now()
              resolve()
            },
          })
        })
        // Longer than the session timeout: heartbeats keep both.
        await new Promise((resolve) => setTimeout(resolve, sessionTimeout * 1.5))
        expect(times).toEqual({})

        for (const proxy of proxies) {
          proxy.toServer.pause()
          proxy.toClient.pause()
        }
        // The follower has not noticed: it serves what it has.
        expect(await member.mode()).toBe('follower')
        await Promise.all([lost, expired])
        expect(times.lost).toBeLessThan(times.expired!)
      } finally {
        await Promise.all(proxies.map((proxy) => proxy.stop()))
      }
    }, 90_000)

    it('outlives the death of a follower and of the leader', async () => {
      await using ensemble = await ownZooKeeper({ size: 3 }, of).start()
      await using client = await new KazooClient({ hosts: ensemble.hosts, sessionTimeout: 10_000 }).start()
      const hold = await client.hold()
      for (const who of [async () => (await ensemble.followers())[0], () => ensemble.leader()]) {
        const member = (await who())!
        await member.kill()
        await ensemble.waitForLeader()
        await client.sync('/')
        await member.start()
      }
      expect(hold.signal.aborted).toBe(false)
      expect(client.session?.id).toBe(hold.sessionId)
    }, 90_000)
  })
})
