import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The linter's configuration is held to what it promises: faults are planted in a folder of their own, one per file.

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Who may import from whom. What is not named here is a fault. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  common: [],
  runtime: ['common'],
  protocol: ['common', 'runtime'],
  transport: ['common', 'runtime', 'protocol'],
  session: ['common', 'runtime', 'protocol', 'transport'],
  client: ['common', 'runtime', 'protocol', 'transport', 'session'],
  recipes: ['common', 'runtime', 'client'],
  server: ['common', 'runtime', 'protocol'],
  testing: ['common', 'runtime', 'protocol', 'transport', 'session', 'client', 'recipes', 'server'],
  cli: ['common', 'runtime', 'protocol', 'transport', 'session', 'client', 'recipes', 'server', 'testing'],
  opentelemetry: ['common', 'runtime', 'client'],
}
const NAMES = Object.keys(LAYERS)

/** Past the door; each with the rule that has to see it. */
const DOOR: readonly (readonly [code: string, rule: string])[] = [
  ['setTimeout(() => {}, 1)', 'no-restricted-globals'],
  ['setInterval(() => {}, 1)', 'no-restricted-globals'],
  ['setImmediate(() => {})', 'no-restricted-globals'],
  ['performance.now()', 'no-restricted-globals'],
  ['crypto.randomUUID()', 'no-restricted-globals'],
  ['void fetch("http://127.0.0.1/")', 'no-restricted-globals'],
  ['globalThis.setTimeout(() => {}, 1)', 'no-restricted-properties'],
  ['Date.now()', 'no-restricted-properties'],
  ['Math.random()', 'no-restricted-properties'],
  ['AbortSignal.timeout(1)', 'no-restricted-properties'],
  ['process.hrtime()', 'no-restricted-properties'],
  ['process.hrtime.bigint()', 'no-restricted-properties'],
  ['const { now } = Date\nnow()', 'no-restricted-properties'],
  ["import { connect } from 'node:net'\nconnect(1)", 'no-restricted-imports'],
  ["import * as net from 'node:net'\nnet.connect(1)", 'no-restricted-imports'],
  ["import net from 'node:net'\nnet.connect(1)", 'no-restricted-imports'],
  ["import { connect } from 'net'\nconnect(1)", 'no-nodejs-modules'],
  ["import { connect } from 'node:tls'\nconnect(1)", 'no-nodejs-modules'],
  ["import { lookup } from 'node:dns/promises'\nlookup('x')", 'no-nodejs-modules'],
  ["import { lookup } from 'node:dns'\nlookup('x', () => {})", 'no-nodejs-modules'],
  ["import { readFileSync } from 'node:fs'\nreadFileSync('x')", 'no-nodejs-modules'],
  ["import { readFile } from 'node:fs/promises'\nvoid readFile('x')", 'no-nodejs-modules'],
  ["import { setTimeout as sleep } from 'node:timers/promises'\nvoid sleep(1)", 'no-nodejs-modules'],
  ["import { clearTimeout } from 'node:timers'\nclearTimeout(undefined)", 'no-nodejs-modules'],
  ["import { performance } from 'node:perf_hooks'\nperformance.now()", 'no-nodejs-modules'],
  ["import { get } from 'node:http'\nget('x')", 'no-nodejs-modules'],
  ["import { randomBytes } from 'node:crypto'\nrandomBytes(1)", 'no-restricted-imports'],
  ["import { randomUUID } from 'node:crypto'\nrandomUUID()", 'no-restricted-imports'],
  ["import { webcrypto } from 'node:crypto'\nwebcrypto.getRandomValues(new Uint8Array(1))", 'no-restricted-imports'],
  ["import * as all from 'node:crypto'\nall.randomBytes(1)", 'no-restricted-imports'],
  ["import all from 'node:crypto'\nall.randomBytes(1)", 'no-restricted-imports'],
  ['new Date()', 'check-one-door'],
  ['Date()', 'check-one-door'],
  ['new Date', 'check-one-door'],
]

/** What the door lets through. */
const ALLOWED: readonly string[] = [
  "import { createHash } from 'node:crypto'\ncreateHash('sha1')",
  'queueMicrotask(() => {})',
  "new Date(0).toISOString() // not new Date()\nvoid 'new Date()'",
  "import { isIP } from 'node:net'\nisIP('::1')",
  "import { inspect } from 'node:util'\ninspect(1)",
]

/** Promises and unions, which take types to judge. */
const TYPED: readonly (readonly [code: string, rule: string])[] = [
  ['Promise.resolve(1)', 'no-floating-promises'],
  ['[1].forEach(async () => { await Promise.resolve() })', 'no-misused-promises'],
  ['export async function own() { try { return Promise.resolve(1) } catch { return 2 } }', 'return-await'],
  ["export function own(x: 'a' | 'b') { switch (x) { case 'a': return 1 } return 2 }", 'switch-exhaustiveness-check'],
  ['export const own = (x: any): number => x', 'no-explicit-any'],
  ['export const own = await Promise.resolve(1)', 'no-top-level-await'],
  ['export default 1', 'no-default-export'],
]

let folder: string
/** `file` → the rules that complained about it. */
let found: Map<string, Set<string>>
const planted: { file: string; code: string }[] = []

function plant(file: string, code: string): string {
  planted.push({ file, code })
  return file
}

const imports = NAMES.flatMap((from) =>
  NAMES.filter((to) => to !== from).flatMap((to) => {
    const target = `'../${to}/leaf.ts'`
    return [
      { from, to, file: plant(`src/${from}/to-${to}.ts`, `export { leaf } from ${target}`) },
      {
        from,
        to,
        file: plant(`src/${from}/value-${to}.ts`, `import { leaf } from ${target}\nexport const mine = leaf`),
      },
      {
        from,
        to,
        file: plant(`src/${from}/type-${to}.ts`, `import type { Leaf } from ${target}\nexport type Mine = Leaf`),
      },
      {
        from,
        to,
        file: plant(`src/${from}/deep/to-${to}.ts`, `export { leaf } from '../../${to}/leaf.ts'`),
      },
    ]
  }),
)
const door = DOOR.map(([code, rule], i) => ({
  code,
  rule,
  file: plant(`src/session/door-${i}.ts`, `${code}\nexport const own = 1`),
}))
const doorInRuntime = DOOR.map(([code], i) => plant(`src/runtime/node-door-${i}.ts`, `${code}\nexport const own = 1`))
const allowed = ALLOWED.map((code, i) => ({
  code,
  file: plant(`src/session/fine-${i}.ts`, `${code}\nexport const own = 1`),
}))
const typed = TYPED.map(([code, rule], i) => ({
  code,
  rule,
  file: plant(`src/client/typed-${i}.ts`, `${code}\nexport {}`),
}))
const expressions = [
  plant('src/session/dynamic.ts', "export const load = (): Promise<unknown> => import('../client/leaf.ts')"),
  plant('src/session/dynamic-type.ts', "export type Mine = import('../client/leaf.ts').Leaf"),
  plant('src/session/dynamic-node.ts', "export const load = (): Promise<unknown> => import('node:net')"),
]
const lazyPackage = plant('src/session/lazy.ts', "export const load = (): Promise<unknown> => import('kerberos')")
const cycle = [
  plant('src/common/one.ts', "import type { Two } from './two.ts'\nexport type One = Two | 1"),
  plant('src/common/two.ts', "import type { One } from './one.ts'\nexport type Two = One | 2"),
]
const packageInLibrary = plant(
  'src/client/parser.ts',
  "import { Command } from 'commander'\nexport const parser = Command",
)
const packageInCli = plant('src/cli/parser.ts', "import { Command } from 'commander'\nexport const parser = Command")
const bridgeInLibrary = plant(
  'src/client/meter.ts',
  "import { metrics } from '@opentelemetry/api'\nexport const meter = metrics",
)
const bridgeInBridge = plant(
  'src/opentelemetry/meter.ts',
  "import { metrics } from '@opentelemetry/api'\nexport const meter = metrics",
)
const serverInIndex = plant(
  'src/index.ts',
  "export { leaf } from './server/leaf.ts'\nexport { leaf as other } from './client/leaf.ts'",
)
const faceInServer = plant('src/server/face.ts', "export { other } from '../index.ts'")

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kazoo-layers-'))
  for (const layer of NAMES) plant(`src/${layer}/leaf.ts`, 'export const leaf = 1\nexport type Leaf = typeof leaf')
  for (const { file, code } of planted) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), `${code}\n`)
  }
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) await cp(join(ROOT, file), join(folder, file))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction')

  found = new Map()
  const oxlint = join(ROOT, 'node_modules/oxlint/bin/oxlint')
  for (const line of await run([oxlint, '--format=unix', 'src'])) {
    const [, file, rule] = /^(.+?):\d+:\d+: .*\[\w+\/[^\]]*?\(([\w-]+)\)\]$/.exec(line) ?? []
    if (file !== undefined && rule !== undefined) note(file, rule)
  }
  for (const line of await run([join(ROOT, 'scripts/check-one-door.js'), folder])) {
    const [, file] = /^(src\/.+?):\d+: /.exec(line) ?? []
    if (file !== undefined) note(file, 'check-one-door')
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

function note(file: string, rule: string): void {
  found.set(file, (found.get(file) ?? new Set()).add(rule))
}

function run(args: readonly string[]): Promise<string[]> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 26 }, (_, out, err) =>
      resolve(`${out}\n${err}`.split('\n')),
    )
  })
}

const rulesAt = (file: string): string[] => [...(found.get(file) ?? [])]

describe('layers', () => {
  it.each(NAMES)('%s imports what lies below it, and nothing else', (layer) => {
    for (const { to, file } of imports.filter(({ from }) => from === layer)) {
      if (LAYERS[layer]?.includes(to)) expect(rulesAt(file), file).not.toContain('no-restricted-imports')
      else expect(rulesAt(file), file).toContain('no-restricted-imports')
    }
  })

  it('the client does not load the server, nor does the server take the public face', () => {
    expect(rulesAt(serverInIndex)).toContain('no-restricted-imports')
    expect(rulesAt(faceInServer)).toContain('no-restricted-imports')
  })

  it('an import by expression does not slip through', () => {
    for (const file of expressions) expect(rulesAt(file), file).toContain('check-one-door')
    expect(rulesAt(lazyPackage)).toEqual([])
  })

  it('no cycles, of types neither', () => {
    expect(cycle.flatMap(rulesAt)).toContain('no-cycle')
  })

  it('only the command line and the bridge use a package', () => {
    expect(rulesAt(packageInLibrary)).toContain('no-restricted-imports')
    expect(rulesAt(bridgeInLibrary)).toContain('no-restricted-imports')
    expect(rulesAt(bridgeInBridge)).toEqual([])
    expect(rulesAt(packageInCli)).toEqual([])
  })
})

describe('the one door', () => {
  it.each(door)('is closed to $code', ({ file, rule }) => {
    expect(rulesAt(file)).toContain(rule)
  })

  it.each(allowed)('has nothing against $code', ({ file }) => {
    expect(rulesAt(file)).toEqual([])
  })

  it('is open in the Runtime of Node', () => {
    const rules = new Set(doorInRuntime.flatMap(rulesAt))
    for (const rule of new Set(DOOR.map(([, name]) => name))) expect(rules).not.toContain(rule)
  })
})

describe('other rules', () => {
  it.each(typed)('$rule sees $code', ({ file, rule }) => {
    expect(rulesAt(file)).toContain(rule)
  })
})
