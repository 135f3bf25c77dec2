import { describe, expect, it } from 'vitest'

import { compareVersions } from '../../src/testing/real-zookeeper/find.ts'
import { startEmbedded, startReal } from '../differential/targets.ts'
import { realServers } from '../support/real-servers.ts'
import { runZkCli, zkCliClasspath } from './zkcli.ts'
import { zkCliCommands, zkCliIdentities } from './zkcli-commands.ts'

/** What the embedded server stands for; older ones differ in what `docs/differences.md` says of them. */
const oldest = '3.9.5'

const found = realServers().filter(({ classpath }) => classpath !== null)
const reference = found.find(({ version }) => compareVersions(version, oldest) >= 0)
const tools = found.flatMap(({ version, classpath }) => {
  const complete = zkCliClasspath(classpath!)
  return complete === null ? [] : [[version, complete] as const]
})

const needs = `Java, commons-cli and a ZooKeeper of at least ${oldest}`

describe.skipIf(reference === undefined || tools.length === 0)(`zkCli (not run without ${needs})`, () => {
  it.each(tools.length > 0 ? tools : [['of no version', '']])(
    'zkCli %s prints the same on the embedded server as on a real one, to every command',
    { timeout: 300_000 },
    async (_, classpath) => {
      const commands = [...zkCliCommands, ...zkCliIdentities]
      await using real = await startReal({ version: reference!.version, classpath: reference!.classpath! })
      const expected = await runZkCli(classpath, real.port, commands)
      await using embedded = await startEmbedded()
      const actual = await runZkCli(classpath, embedded.port, commands)

      console.log(`zkCli: ${commands.length} commands on ${embedded.name} and ${real.name}`)
      expect(actual).toEqual(expected)
      const typed = new Set(commands.map((command) => command.split(' ')[0]))
      const listed = expected[1]!.output.flatMap((line) => /^\t(\w+) /.exec(line)?.[1] ?? [])
      expect(listed.length).toBeGreaterThan(25)
      expect(listed.filter((name) => !typed.has(name))).toEqual([])
    },
  )
})
