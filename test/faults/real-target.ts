import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { FaultProxy, type RealMember, RealZooKeeper } from '../../src/testing/index.ts'
import { syncLimit, type Member, type Target, tickTime } from './target.ts'

const ids = [1, 2, 3] as const

/**
 * Three members which reach each other's quorum port, that is their leader, through proxies of this process. Elections go
 * past them: one that is cut off learns who leads, and does not get there.
 */
export async function startReal(
  choice: { readonly version?: string; readonly classpath?: string } = {},
): Promise<Target> {
  // By follower and leader.
  const links = new Map<string, FaultProxy>()
  for (const from of ids) {
    for (const to of ids) {
      if (from !== to) links.set(`${from}-${to}`, await new FaultProxy({ target: nowhere }).start())
    }
  }
  const ensemble = await new RealZooKeeper({
    ...choice,
    size: 3,
    tickTime,
    logLevel: 'ERROR',
    config: ({ id, host, ensemble: ports }) => {
      const lines: Record<string, string> = { reconfigEnabled: 'false', syncLimit: String(syncLimit) }
      ports.forEach(({ client, quorum, election }, index) => {
        const link = links.get(`${id}-${index + 1}`)
        if (link !== undefined) link.target = { host, port: quorum }
        lines[`server.${index + 1}`] = `${host}:${link?.port ?? quorum}:${election}:participant;${host}:${client}`
      })
      return lines
    },
  }).start()
  const paused = new Set<RealMember>()

  const members = ensemble.members.map((member): Member => {
    const { id, address, host, port } = member
    const end = async (how: 'kill' | 'stop'): Promise<void> => {
      paused.delete(member)
      await member[how]()
    }
    return {
      id,
      address,
      host,
      port,
      kill: () => end('kill'),
      stop: () => end('stop'),
      start: async () => void (await member.start()),
      wipe: () => wipe(member),
      pause: () => {
        paused.add(member)
        member.pause()
      },
      resume: () => {
        if (paused.delete(member)) member.resume()
      },
    }
  })

  const heal = async (): Promise<void> => {
    for (const member of paused) member.resume()
    paused.clear()
    for (const link of links.values()) await link.heal()
    await Promise.all(ensemble.members.map((member) => member.start()))
    await ensemble.waitForLeader()
  }

  return {
    kind: 'real',
    name: `ZooKeeper ${ensemble.version}`,
    members,
    hosts: ensemble.hosts,
    leader: async () => members[(await ensemble.waitForLeader()).id - 1]!,
    cutOff: ({ id }) => {
      for (const other of ids) {
        for (const link of [links.get(`${id}-${other}`), links.get(`${other}-${id}`)]) {
          link?.toServer.pause()
          link?.toClient.pause()
        }
      }
    },
    setWallClock: () => {},
    wipeAll: async () => {
      await Promise.all(ensemble.members.map((member) => member.kill()))
      await Promise.all(ensemble.members.map(wipe))
      await heal()
    },
    heal,
    [Symbol.asyncDispose]: async () => {
      await ensemble.stop()
      for (const link of links.values()) await link.stop()
    },
  }
}

/** Where proxies lead until the ports are known. */
const nowhere = { host: '127.0.0.1', port: 1 }

async function wipe(member: RealMember): Promise<void> {
  for (const name of ['data', 'log']) {
    await rm(join(member.folder, name, 'version-2'), { recursive: true, force: true })
  }
}
