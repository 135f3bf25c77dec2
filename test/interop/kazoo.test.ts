import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { startEmbedded } from '../differential/targets.ts'
import { hostsOf, realServers } from '../support/real-servers.ts'
import { runTour, TOUR_TIMEOUT } from './tour.ts'

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

describe.skipIf(python === undefined)("Python's Kazoo (not run where `import kazoo` fails)", () => {
  it('works on the embedded server, with every recipe', { timeout: TOUR_TIMEOUT }, async () => {
    await using server = await startEmbedded()
    const steps = await runTour(python!, [script, `127.0.0.1:${server.port}`])
    expect(steps.filter((line) => !line.startsWith('ok '))).toEqual([])
    expect(steps.length).toBeGreaterThan(25)
  })

  // Where this one fails, it is the script that expects too much.
  it.each(
    realServers()
      .slice(0, 1)
      .map(({ name }) => name),
  )('works on %s alike', { timeout: TOUR_TIMEOUT }, async (name) => {
    const steps = await runTour(python!, [script, await hostsOf(name)])
    expect(steps.filter((line) => !line.startsWith('ok '))).toEqual([])
  })
})
