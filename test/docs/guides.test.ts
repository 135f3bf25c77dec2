import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'node:util'

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import { EmbeddedServer } from '../../src/server/index.ts'
import { extractSnippets, promisedOutput, toModule, type Snippet } from './snippets.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guides = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .toSorted()
    .map((name) => `docs/${name}`),
]
const snippets = guides.flatMap((guide) => extractSnippets(readFileSync(join(root, guide), 'utf8'), guide))

const guidesWithCode = guides.filter((guide) => snippets.some(({ file }) => file === guide))

/** The address that the guides use; each snippet finds a server of its own behind it. */
const address = /127\.0\.0\.1:2181\b/g

// Inside the project, where its own name and its dependencies' resolve; git does not see it.
let folder: string

beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  folder = mkdtempSync(join(root, '.cache', 'guides-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function moduleName({ file, line }: Snippet): string {
  return `${file.replace(/\W+/g, '-')}-${line}`
}

test('the README and the guides have snippets', () => {
  const expected = ['README.md', 'docs/embedded-server.md', 'docs/from-kazoo.md', 'docs/testing.md']
  expect(guidesWithCode).toEqual(expect.arrayContaining(expected))
})

test('every snippet compiles, strictly, against the source', () => {
  const types = join(folder, 'types')
  mkdirSync(types)
  const modules = new Map(snippets.map((snippet) => [moduleName(snippet), { snippet, ...toModule(snippet) }]))
  for (const [name, { text }] of modules) writeFileSync(join(types, `${name}.ts`), text)
  writeFileSync(
    join(types, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['*.ts'] }),
  )
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/.bin/tsc'), '--pretty', 'false', '-p', types], {
    encoding: 'utf8',
  })
  const places = /^.*?([\w-]+)\.ts\((\d+),(\d+)\)/gm
  const faults = `${tsc.stdout}${tsc.stderr}`.replace(places, (text, name: string, line: string) => {
    const module = modules.get(name)
    return module === undefined
      ? text
      : `${module.snippet.file}:${module.snippet.line + Number(line) - module.firstLine}`
  })
  expect(faults).toBe('')
  expect(tsc.status).toBe(0)
})

test.each([...guides, 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md', 'examples/README.md'])(
  'every link of %s leads somewhere',
  (guide) => {
    const text = readFileSync(join(root, guide), 'utf8')
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link)
    const dead = links.filter((link) => {
      if (/^https?:/.test(link)) return false
      const [file = '', anchor] = link.split('#')
      const target = join(root, guide, '..', file)
      if (file !== '' && !existsSync(target)) return true
      return anchor !== undefined && !anchorsOf(file === '' ? join(root, guide) : target).has(anchor)
    })
    expect(dead).toEqual([])
  },
)

test.each(guides)('every link of %s leads somewhere in the published package, too', (guide) => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  const links = [...readFileSync(join(root, guide), 'utf8').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
  const dead = links
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => !files.includes(join(guide, '..', link).split('/')[0] ?? ''))
  expect(dead).toEqual([])
})

function anchorsOf(file: string): ReadonlySet<string> {
  const text = readFileSync(file, 'utf8')
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slug(heading)))
}

/** The anchor of a heading, as Markdown's readers make it. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

describe.each(guidesWithCode)('%s', (guide) => {
  for (const snippet of snippets.filter(({ file }) => file === guide)) {
    const name = `line ${snippet.line}: ${snippet.heading}`
    if (snippet.notRun === null) test(name, () => run(snippet))
    else test.skip(`${name}: not run, ${snippet.notRun}`)
  }
})

/** Runs a snippet against a server of its own, and holds it to what it says that it prints. */
async function run(snippet: Snippet): Promise<void> {
  const printed: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(format(...values)))
  await using server = await new EmbeddedServer().start()
  const file = join(folder, `${moduleName(snippet)}.ts`)
  writeFileSync(file, toModule(snippet).text.replace(address, server.hosts))
  try {
    await import(/* @vite-ignore */ pathToFileURL(file).href)
  } finally {
    log.mockRestore()
  }
  expect(printed).toEqual(expect.arrayContaining(promisedOutput(snippet)))
}
