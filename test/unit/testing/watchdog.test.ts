import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { watchdogScript } from '../../../src/testing/real-zookeeper/java.ts'

// Starts the watchdog as the launcher does, then waits to be killed.
const PARENT = `
const { spawn } = require('node:child_process')
const [script, pid, folder] = process.argv.slice(1)
const watchdog = spawn('sh', ['-c', script, 'watchdog', pid, folder], { stdio: ['pipe', 'ignore', 'ignore'] })
watchdog.on('spawn', () => process.stdout.write('ready'))
setInterval(() => {}, 1e6)
`

it('ends the server and removes its folder when the launching process is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kazoo-watchdog-'))
  const server = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 600_000)'])
  const parent = spawn(process.execPath, ['-e', PARENT, watchdogScript, String(server.pid), folder])
  await once(parent.stdout, 'data')
  expect(server.exitCode).toBeNull()

  const ended = once(server, 'exit')
  parent.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
  await expect.poll(() => access(folder).catch((error: NodeJS.ErrnoException) => error.code)).toBe('ENOENT')
})
