import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { compareVersions } from '../../src/testing/real-zookeeper/find.ts'
import { startEmbedded, startReal } from '../differential/targets.ts'
import { realServers } from '../support/real-servers.ts'

/** The shell of the C client, of its library for threads; Debian's package zookeeper-bin has it. */
const cli = [process.env['KAZOO_TEST_CLI_MT'], '/usr/lib/zookeeper/bin/cli_mt', '/usr/bin/cli_mt'].find(
  (path) => path !== undefined && existsSync(path),
)

const reference = realServers().find(
  ({ version, classpath }) => classpath !== null && compareVersions(version, '3.9.5') >= 0,
)

/** All its commands but `od`, which never ends. `get`, `ls` and `exists` leave a watch each. */
const commands = [
  'help',
  'create /c',
  'create /c',
  'create /missing/child',
  'create +e /c/e',
  'create /c/e/child',
  'delete /c/e',
  'create +s /c/s-',
  'create +es /c/es-',
  'delete /c/es-0000000002',
  'create2 /c/two',
  'create2 +c /c/container',
  'create2 +t=3600000 /c/ttl',
  'create2 +st=3600000 /c/ttl-',
  'get /c/two',
  'set /c/two changed',
  'set /c/two again',
  'get /c/two',
  'delete /c/two',
  'delete /c/two',
  'exists /c/later',
  'create /c/later',
  'wexists /c/later',
  'delete /c/later',
  'exists /c/s-0000000001',
  'set /c/s-0000000001 x',
  'ls /c/container',
  'ls2 /c/container',
  'create /c/container/child',
  'ls /c/container',
  'ls2 /c/container',
  'delete /c/container/child',
  'get /missing',
  'ls /missing',
  'set /missing x',
  'sync /c',
  'addauth digest ann:secret',
  'get /zookeeper',
  'config',
  'reconfig -remove 9',
  'myid',
  'delete /c',
  'get /the-end',
]

/** Behind the answers to those: it closes the session, and what is not answered yet fails. */
const afterwards = ['verbose', 'verbose', 'reinit', 'ls /c/container', 'get /end-of-all']

/** What the completions and the watcher print, which is one thread, so that it has one order. */
async function transcript(port: number): Promise<string[]> {
  const child = spawn(cli!, ['-h', `127.0.0.1:${port}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  let text = ''
  let next = afterwards.map((command) => `${command}\n`).join('')
  child.stdout.resume()
  child.stdin.on('error', () => {})
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.includes('/the-end: rc') && next !== '') {
      child.stdin.write(next)
      next = ''
    }
    if (text.includes('/end-of-all: rc') && child.stdin.writable) child.stdin.end('quit\n')
  })
  const closed = once(child, 'close')
  // In one piece: a line that it reads in two it loses.
  child.stdin.write(commands.map((command) => `${command}\n`).join(''))
  await closed
  return text
    .split('\n')
    .filter((line) => !/^\d{4}-\d\d-\d\d |^ {4}|^(?:time = |Creating |Error |logging |Quitting|bye)|^$/.test(line))
    .map((line) => line.replace(/((?:c|m)time ?=) ?.*(?<!1970)$/, '$1 TIME').replace(/0x[0-9a-f]{12,}/, 'SESSION'))
    .map((line) => line.replace(/(ephemeralOwner ?= ?)[0-9a-f]{12,}/, '$1SESSION'))
}

describe.skipIf(cli === undefined || reference === undefined)(
  'the C client (not run without its cli_mt and a ZooKeeper 3.9 to compare with)',
  () => {
    it('prints the same on the embedded server as on a real one, to every command', { timeout: 120_000 }, async () => {
      await using real = await startReal({ version: reference!.version, classpath: reference!.classpath! })
      const expected = await transcript(real.port)
      await using embedded = await startEmbedded()
      expect(await transcript(embedded.port)).toEqual(expected)
      expect(expected).toContain('/end-of-all: rc = -101')
    })
  },
)
