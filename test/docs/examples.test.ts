import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { KazooClient } from '../../src/index.ts'
import { servers, type RunningServer } from '../support/servers.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The examples name the package, as a user's program does, and so they run on what was built. */
beforeAll(() => {
  if (!existsSync(`${root}/dist/server/index.js`)) throw new Error('nothing is built: npm run build')
})

const children = new Set<ChildProcess>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

function example(name: string, ...args: string[]) {
  const child = spawn(process.execPath, [`examples/${name}`, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  return child
}

/** Runs an example to its end. */
async function run(name: string, ...args: string[]) {
  const child = example(name, ...args)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { stdout, stderr, code: child.exitCode }
}

/** An example that goes on, line by line, until it is interrupted. */
class Running {
  readonly #child: ReturnType<typeof example>
  readonly #lines: AsyncIterator<string>
  readonly #stderr: Promise<string>

  constructor(name: string, ...args: string[]) {
    this.#child = example(name, ...args)
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
    this.#stderr = text(this.#child.stderr)
  }

  /** Reads on to a line that is so; those before it may be any. */
  async line(wanted: string): Promise<void> {
    for (;;) {
      const next = await this.#lines.next()
      if (next.done === true) throw new Error(`it ended before it said ${wanted}: ${await this.#stderr}`)
      if (next.value === wanted) return
    }
  }

  async interrupt(): Promise<number | null> {
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGINT')
    await closed
    return this.#child.exitCode
  }
}

test('the tour runs on a server that it starts itself', async () => {
  const { stdout, stderr, code } = await run('tour.js')
  expect(stderr).toBe('')
  expect(stdout).toContain('on an embedded server at 127.0.0.1:')
  expect(stdout).toMatch(/That was the tour\. Nothing of it is left behind\.\n$/)
  expect(code).toBe(0)
})

test('the tour tells how it is used', async () => {
  const help = await run('tour.js', '--help')
  expect(help.stdout).toContain('--hosts')
  expect(help.code).toBe(0)
  const wrong = await run('tour.js', '--nonsense')
  expect(wrong.stderr).toContain("Unknown option '--nonsense'")
  expect(wrong.code).toBe(1)
})

test('tests with an embedded server pass, faults included', async () => {
  const child = spawn(process.execPath, ['--test-reporter=tap', '--test', 'examples/embedded-server.js'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(stdout).toMatch(/^# pass 4$/m)
  expect(child.exitCode).toBe(0)
})

describe.each(servers())('on $name', (kind) => {
  let server: RunningServer
  let zk: KazooClient
  const path = `/examples-${process.pid}`

  beforeAll(async () => {
    server = await kind.start()
    zk = await new KazooClient({ hosts: server.hosts }).start()
    await zk.ensurePath(path)
  })

  afterAll(async () => {
    await zk.delete(path, { recursive: true })
    await zk.stop()
    await server.stop()
  })

  test('the tour runs, and leaves nothing behind', async () => {
    const hosts = server.hosts + path
    const { stdout, stderr, code } = await run('tour.js', '--hosts', hosts)
    expect(stderr).toBe('')
    expect(stdout).toContain(`on ${hosts}\n`)
    expect(stdout.match(/^ ?\d+\. /gm)).toHaveLength(16)
    expect(code).toBe(0)
    await zk.sync(path)
    expect(await zk.getChildren(path)).toEqual([])
  })

  test('the tour leaves nothing behind when it is interrupted', async () => {
    const tour = new Running('tour.js', '--hosts', server.hosts + path)
    await tour.line(' 6. One-time watches')
    await tour.interrupt()
    await zk.sync(path)
    expect(await zk.getChildren(path)).toEqual([])
  })

  test('the tour that fails says where, and ends with 1', async () => {
    const barren = await zk.create(`${path}/barren`, '', { ephemeral: true })
    const { stderr, code } = await run('tour.js', '--hosts', `${server.hosts}${barren}/chroot`)
    expect(stderr).toContain('step 1, "Connect, and listen to the state", failed')
    expect(code).toBe(1)
    expect(await zk.getChildren(path)).toEqual(['barren'])
    await zk.delete(barren)
  })

  test('config-watch follows the configuration', async () => {
    const config = `${path}/config`
    const watch = new Running('config-watch.js', server.hosts, config)
    await watch.line(`${config} is missing: the defaults hold`)
    await zk.create(config, '{ "level": 1 }')
    await watch.line('configuration: {"level":1}')
    await zk.set(config, 'not JSON')
    await watch.line(`${config} is no JSON: nothing changes`)
    await zk.set(config, '{ "level": 2 }')
    await watch.line('configuration: {"level":2}')
    expect(await watch.interrupt()).toBe(0)
    await zk.delete(config)
  })

  test('service-members know each other', async () => {
    const members = `${path}/members`
    const ada = new Running('service-members.js', server.hosts, 'ada', members)
    await ada.line('members: ada')
    const grace = new Running('service-members.js', server.hosts, 'grace', members)
    await grace.line('members: ada, grace')
    await ada.line('members: ada, grace')
    expect(await ada.interrupt()).toBe(0)
    await grace.line('members: grace')
    expect(await grace.interrupt()).toBe(0)
    await zk.delete(members, { recursive: true })
  })

  test('shared-total loses no change', async () => {
    const total = `${path}/total`
    const results = await Promise.all(
      [1, 2, 3].map((amount) => run('shared-total.js', server.hosts, `${amount}`, total)),
    )
    expect(results.map(({ stderr, code }) => ({ stderr, code }))).toEqual(
      [1, 2, 3].map(() => ({ stderr: '', code: 0 })),
    )
    expect((await zk.get(total)).data.toString()).toBe('6')
    await zk.delete(total)
  })
})
