// @ts-check
/**
 * What the linter has no rule for, in the same two respects.
 *
 * One door: `new Date()` and `Date()` read the clock, yet `new Date(ms)` only shows one. Layers: an import that is an
 * expression, `import('../client/x.ts')` or the type `import('../client/x.ts').X`, is an import all the same.
 *
 * The source is scanned, not parsed: comments, and where they may lie strings, are blanked. Prints `file:line: what` and fails.
 * Usage: check-one-door.js [FOLDER]; the folder holds `src`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)))

// Comments and strings; a regular expression is not worth telling apart.
const NOT_CODE = /\/\/.*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g

/** @type {readonly { pattern: RegExp, message: string, strings?: boolean, except: RegExp }[]} */
const RULES = [
  {
    pattern: /\bDate\(\s*\)|\bnew\s+Date\b(?!\s*\()/g,
    message: 'reads the clock: use runtime.wallClock',
    except: /^src\/runtime\/node-[^/]+$/,
  },
  {
    // A package's name is no layer, and `./` stays in its own.
    pattern: /\bimport\s*\((?!\s*['"](?:\.\/|@|(?!node:)[a-z]))/g,
    message: 'imports past the linter: the layers hold for import statements',
    strings: true,
    // These stand above both sides.
    except: /^src\/(?:cli|testing)\//,
  },
]

/** @param {string} text */
const blank = (text) => text.replace(/[^\n]/g, ' ')

let faults = 0
for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
  const file = relative(root, join(entry.parentPath, entry.name)).split(sep).join('/')
  const source = readFileSync(join(root, file), 'utf8')
  const withStrings = source.replace(NOT_CODE, (text) => (text.startsWith('/') ? blank(text) : text))
  const bare = source.replace(NOT_CODE, blank)
  for (const { pattern, message, strings = false, except } of RULES) {
    if (except.test(file)) continue
    const code = strings ? withStrings : bare
    for (const match of code.matchAll(pattern)) {
      const line = code.slice(0, match.index).split('\n').length
      console.error(`${file}:${line}: \`${match[0]}\` ${message}`)
      faults++
    }
  }
}
if (faults > 0) process.exitCode = 1
