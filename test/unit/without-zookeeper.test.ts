import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { EmbeddedServer } from '../../src/server/index.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Where tests start ZooKeepers of their own. */
const FOLDERS = ['real', 'exchange', 'interop', 'differential', 'faults', 'unit/testing']
const NO_TEST = 'no test is called this'

/** Has Vitest load these tests and run none of them; gives what it says of those it could not load. */
function load(more: Record<string, string>): Promise<{ code: number; failures: string[] }> {
  const args = ['run', ...FOLDERS.map((folder) => `test/${folder}/`), '-t', NO_TEST, '--reporter', 'tap-flat']
  // Our own worker's variables would make the inner run believe that it is a worker.
  const inherited = Object.entries(process.env).filter(([key]) => !/^(VITEST|KAZOO_|ZOOKEEPER_)/.test(key))
  const env = { ...Object.fromEntries(inherited), JAVA_HOME: '/nowhere', ...more }
  return new Promise((resolve) => {
    execFile(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], { cwd: ROOT, env }, (error, out, err) => {
      const failures = `${out}\n${err}`.split('\n').filter((line) => /^not ok|Error/.test(line))
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, failures })
    })
  })
}

// A file that defines no test at all is a failure to Vitest, and skipping it is not enough: `each` of nothing is nothing.
describe('the tests that start a ZooKeeper of their own have something to skip', () => {
  it('where there is none', { timeout: 120_000 }, async () => {
    expect(await load({})).toEqual({ code: 0, failures: [] })
  })

  it('where one is named that runs elsewhere', { timeout: 120_000 }, async () => {
    await using server = await new EmbeddedServer().start()
    expect(await load({ KAZOO_TEST_HOSTS: server.hosts })).toEqual({ code: 0, failures: [] })
  })
})
