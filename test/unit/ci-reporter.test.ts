import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HEAD = "import { beforeAll, describe, expect, it } from 'vitest'\n"

const CONFIG = `export default { test: {
  include: ['*.test.js'], pool: 'threads',
  reporters: ['default', ${JSON.stringify(join(ROOT, 'scripts/ci-reporter.js'))}],
} }`

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kazoo-reporter-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs Vitest on these files, and gives its exit code and the last line it printed. */
async function run(name: string, files: Record<string, string>): Promise<{ code: number; line: string | undefined }> {
  const cwd = join(folder, name)
  await mkdir(cwd)
  await symlink(join(ROOT, 'node_modules'), join(cwd, 'node_modules'), 'junction')
  await writeFile(join(cwd, 'vitest.config.js'), CONFIG)
  for (const [file, code] of Object.entries(files)) await writeFile(join(cwd, `${file}.test.js`), HEAD + code)
  return new Promise((resolve) => {
    const args = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run']
    // Our own worker's variables would make the inner run believe that it is a worker.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('VITEST')))
    execFile(process.execPath, args, { cwd, env }, (error, out) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, line: out.trimEnd().split('\n').at(-1) })
    })
  })
}

it('counts what passed and what was skipped', async () => {
  const done = await run('green', { a: "it('one', () => {}); it.skip('two', () => {})", b: "it('three', () => {})" })
  expect(done).toEqual({ code: 0, line: '2 passed, 0 failed, 1 skipped' })
})

it('counts what never became a test as failed', async () => {
  const done = await run('red', {
    passes: "it('passes', () => {})",
    fails: "it('fails', () => expect(1).toBe(2))",
    unloadable: "throw new Error('does not load')",
    hook: "describe('suite', () => { beforeAll(() => { throw new Error('hook') }); it('is not run', () => {}) })",
    unhandled: "it('leaves an error', () => { void Promise.reject(new Error('nobody caught it')) })",
  })
  expect(done).toEqual({ code: 1, line: '2 passed, 4 failed, 1 skipped' })
})

it('counts a run without any test as failed', async () => {
  expect(await run('empty', {})).toMatchObject({ code: 1, line: '0 passed, 1 failed' })
})
