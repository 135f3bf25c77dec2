import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { EmbeddedServer } from '../../src/server/index.ts'
import { realServers } from '../support/real-servers.ts'
import { runZkCli, zkCliClasspath } from './zkcli.ts'

const found = realServers().find(({ classpath }) => classpath !== null)
const classpath = found === undefined ? null : zkCliClasspath(found.classpath!)

describe.skipIf(classpath === null)('zkCli with SASL (not run without Java, ZooKeeper and commons-cli)', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kazoo-zkcli-sasl-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  const commands = ['create /sasl x sasl:bob:cdrwa', 'get /sasl', 'whoami', 'quit']

  /** What it prints who logs in as Bob, and what its watcher learns of the connection. */
  async function asBob(port: number, password: string): Promise<{ output: string[]; states: string[] }> {
    const jaas = join(folder, 'jaas.conf')
    const login = 'org.apache.zookeeper.server.auth.DigestLoginModule'
    await writeFile(jaas, `Client { ${login} required username="bob" password="${password}"; };\n`)
    const answers = await runZkCli(classpath!, port, commands, [
      `-Djava.security.auth.login.config=${jaas}`,
      // Else the client of 3.9 does not take part in DIGEST-MD5 (ZOOKEEPER-4889).
      '-Dzookeeper.fips-mode=false',
    ])
    return {
      output: answers.flatMap(({ output }) => output),
      states: answers.flatMap(({ events }) => events.flatMap((event) => /state:(\w+)/.exec(event)?.[1] ?? [])),
    }
  }

  it.each([false, true])('proves itself, or learns at once that it failed (required: %s)', async (requireSasl) => {
    await using server = await new EmbeddedServer({ saslUsers: { bob: 'secret' }, requireSasl }).start()
    const good = await asBob(server.port, 'secret')
    expect(good.states).toEqual(['SyncConnected', 'SaslAuthenticated'])
    expect(good.output).toEqual(expect.arrayContaining(['Created /sasl', 'x', 'sasl: bob']))

    const bad = await asBob(server.port, 'wrong')
    expect(bad.states).toEqual(['SyncConnected', 'AuthFailed'])
    expect(bad.output).not.toContain('x')
  })
})
