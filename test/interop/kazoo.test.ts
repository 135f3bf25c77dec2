import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { describe, expect, it } from 'vitest'

import { startEmbedded } from '../differential/targets.ts'
import { hostsOf, realServers } from '../support/real-servers.ts'

const script = join(import.meta.dirname, 'kazoo_tour.py')

/** The last is where Debian's package puts it, whichever `python3` comes first on the path. */
const python = [process.env['KAZOO_TEST_PYTHON'] ?? 'python3', '/usr/bin/python3'].find(hasKazoo)

function hasKazoo(command: string): boolean {
  try {
    execFileSync(command, ['-c', 'import kazoo'], { stdio: 'ignore', timeout: 20_000 })
    return true
  } catch {
    return false
  }
}

/** What it printed: a line for each step, behind the traceback of one that failed. */
async function tour(hosts: string): Promise<string[]> {
  const options = { timeout: 150_000, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } }
  const { stdout } = await promisify(execFile)(python!, [script, hosts], options).catch(
    (error: { stdout?: string; message: string }) => ({ stdout: `${error.stdout}${error.message}` }),
  )
  return stdout.trimEnd().split('\n')
}

describe.skipIf(python === undefined)("Python's Kazoo (not run where `import kazoo` fails)", () => {
  const timeout = 180_000

  it('works on the embedded server, with every recipe', { timeout }, async () => {
    await using server = await startEmbedded()
    const steps = await tour(`127.0.0.1:${server.port}`)
    expect(steps.filter((line) => !line.startsWith('ok '))).toEqual([])
    expect(steps.length).toBeGreaterThan(25)
  })

  // Where this one fails, it is the script that expects too much.
  it.each(
    realServers()
      .slice(0, 1)
      .map(({ name }) => name),
  )('works on %s alike', { timeout }, async (name) => {
    const steps = await tour(await hostsOf(name))
    expect(steps.filter((line) => !line.startsWith('ok '))).toEqual([])
  })
})
