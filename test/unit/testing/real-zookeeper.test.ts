import { access } from 'node:fs/promises'

import { describe, expect, it } from 'vitest'

import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'
import { RealZooKeeper, sendFourLetterWord } from '../../../src/testing/index.ts'
import { ownZooKeeper, realServers } from '../../support/real-servers.ts'

const local = realServers().filter(({ classpath }) => classpath !== null)

async function serves(port: number): Promise<boolean> {
  const answer = await sendFourLetterWord(nodeRuntime, { host: '127.0.0.1', port }, 'ruok').catch(() => '')
  return answer === 'imok'
}

// Without Java and jars there is nothing to launch; the run says so in its first line.
describe.each(local)('RealZooKeeper: $name', (server) => {
  it('starts a standalone server and leaves nothing behind', async () => {
    const zk = ownZooKeeper({}, server)
    expect(zk.members).toEqual([])
    expect(await zk.start()).toBe(zk)
    const [member] = zk.members
    const { folder } = zk
    if (member === undefined || folder === null) throw new Error('it has started')
    expect(zk.hosts).toBe(`127.0.0.1:${member.port}`)
    expect(await member.mode()).toBe('standalone')
    expect(await member.command('srvr')).toContain(`version: ${server.version}`)
    expect(await zk.leader()).toBe(member)

    await zk.stop()
    expect(member.running).toBe(false)
    expect(await serves(member.port)).toBe(false)
    await expect(access(folder)).rejects.toThrow('ENOENT')
    await zk.stop()
  })

  it('starts an ensemble whose members can be killed, paused and restarted', async () => {
    await using zk = await ownZooKeeper({ size: 3 }, server).start()
    const modes = await Promise.all(zk.members.map((member) => member.mode()))
    expect(modes.map(String).toSorted()).toEqual(['follower', 'follower', 'leader'])

    const leader = await zk.leader()
    await leader?.kill()
    expect(leader?.running).toBe(false)
    expect(await leader?.mode()).toBeNull()
    const next = await zk.waitForLeader()
    expect(next).not.toBe(leader)
    expect(await next.mode()).toBe('leader')

    await leader?.start()
    expect(await leader?.mode()).toBe('follower')
    const [follower] = await zk.followers()
    if (follower === undefined) throw new Error('an ensemble of three has followers')

    follower.pause()
    // The signal is on its way when pause() returns; threads of a JVM may answer for a moment more.
    const answer = (): Promise<string> => follower.command('ruok', { timeout: 200 }).catch(() => 'silence')
    await expect.poll(answer).toBe('silence')
    follower.resume()
    expect(await follower.command('ruok')).toBe('imok')

    const { pid } = follower
    await follower.restart()
    expect(follower.pid).not.toBe(pid)
    expect(await follower.waitUntilServing()).toBe('follower')
    follower.pause()
    await follower.stop() // not stuck on a process that cannot take the signal
    expect(follower.running).toBe(false)
  }, 60_000)

  it('shows the log of a server that does not start', async () => {
    const zk = ownZooKeeper({ config: { tickTime: 'soon' } }, server)
    await expect(zk.start()).rejects.toThrow(/The end of its log:\n(.|\n)*soon/)
    expect(zk.folder).toBeNull()
  })

  it('adds to and replaces lines of the configuration', async () => {
    await using zk = await ownZooKeeper({ tickTime: 700, config: { maxClientCnxns: '7' } }, server).start()
    const conf = (await zk.members[0]?.command('conf')) ?? ''
    expect(conf).toContain('tickTime=700')
    expect(conf).toContain('maxClientCnxns=7')
  })
})

describe('RealZooKeeper', () => {
  it.each([
    [null, TypeError, 'the options must be an object'],
    [{ ticktime: 500 }, TypeError, 'unknown option "ticktime"'],
    [{ version: 3.8 }, TypeError, 'version must be a string'],
    [{ classpath: '' }, RangeError, 'classpath must not be empty'],
    [{ size: 2 }, RangeError, 'size must be 1 or 3'],
    [{ size: 5 }, RangeError, 'size'],
    [{ tickTime: 0 }, RangeError, 'tickTime'],
    [{ startTimeout: '60s' }, TypeError, 'startTimeout must be a number'],
    [{ secure: 'yes' }, TypeError, 'secure must be true or false'],
    [{ config: 'tickTime=500' }, TypeError, 'config must be an object'],
    [{ jvmFlags: '-Xmx1g' }, TypeError, 'jvmFlags must be an array of strings'],
    [{ jaas: {} }, TypeError, 'jaas must be a string'],
    [{ logLevel: 'warn' }, RangeError, 'logLevel must be one of ERROR, WARN, INFO, DEBUG'],
  ])('refuses %o', (options, kind, message) => {
    const make = (): unknown => new RealZooKeeper(options as never)
    expect(make).toThrow(kind)
    expect(make).toThrow(message)
  })

  it('says what is missing', async () => {
    const env = { JAVA_HOME: '/nowhere' }
    await expect(new RealZooKeeper({ env }).start()).rejects.toThrow('no Apache ZooKeeper found')
    await expect(new RealZooKeeper({ env, classpath: '/nowhere/a.jar' }).start()).rejects.toThrow('/nowhere/a.jar')
  })
})
