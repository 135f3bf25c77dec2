import { expect, it } from 'vitest'

import { EmbeddedEnsemble } from '../../src/server/index.ts'
import { superDigest } from '../differential/targets.ts'
import { ownZooKeeper, realServers } from '../support/real-servers.ts'
import { runZkCli, zkCliClasspath, type ZkCliAnswer } from './zkcli.ts'

const found = realServers().filter(({ version, classpath }) => classpath !== null && version.startsWith('3.9.'))
const [reference] = found
const classpath = reference === undefined ? null : zkCliClasspath(reference.classpath!)

/** Member 1 does not lead: it is the last that is elected. */
const commands = [
  'config',
  'config -s',
  'config -c',
  'getAcl -s /zookeeper/config',
  'reconfig -remove 1',
  'addauth digest super:admin',
  'config -w',
  'reconfig -remove 1',
  'config -s',
  'config -c',
  'reconfig -remove 2',
  'reconfig -remove x',
  'reconfig -add server.4=127.0.0.1',
  'reconfig -v 0 -remove 3',
  'reconfig -add server.4=127.0.0.1:1:2;3,server.5=127.0.0.1:1:2;3,server.6=127.0.0.1:1:2;3',
  'get -s /zookeeper/config',
  'create /a',
  'quit',
]

it.skipIf(classpath === null)(
  'zkCli prints the same of an embedded ensemble as of a real one, and of a change of its members (not run without Java, commons-cli and a ZooKeeper 3.9)',
  { timeout: 180_000 },
  async () => {
    const jvmFlags = [`-Dzookeeper.DigestAuthenticationProvider.superDigest=${superDigest}`]
    await using real = await ownZooKeeper({ size: 3, jvmFlags }, reference).start()
    await real.waitForLeader()
    const expected = await runZkCli(classpath!, real.members[1]!.port, commands)
    await using embedded = await new EmbeddedEnsemble({ reconfig: true, superDigest, tickTime: 500 }).start()
    const actual = await runZkCli(classpath!, embedded.member(2).port, commands)
    expect(actual.map(withoutPorts)).toEqual(expected.map(withoutPorts))
  },
)

/** Those of the members among themselves differ, and so the length of what says so. */
function withoutPorts({ command, output, events }: ZkCliAnswer): ZkCliAnswer {
  const bare = (line: string): string =>
    line.replaceAll(/ADDRESS:\d+/g, 'ADDRESS').replace(/^(dataLength = )1\d\d$/, '$1LENGTH')
  return { command, output: output.map(bare), events }
}
