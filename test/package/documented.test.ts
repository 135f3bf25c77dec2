import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

const source = new URL('../../src/', import.meta.url)

/** Where each public name of an entry point comes from. */
function originsOf(file: URL): [name: string, file: URL][] {
  const text = readFileSync(file, 'utf8')
  const all = [...text.matchAll(/export \* from '(.*)'/g)].flatMap(([, from = '']) => originsOf(new URL(from, file)))
  const named = [...text.matchAll(/export(?: type)? \{([^}]*)\} from '(.*)'/g)].flatMap(([, list = '', from = '']) =>
    list
      .split(',')
      .map((item) => item.trim().replace(/^type /, ''))
      .filter((name) => name !== '')
      .flatMap((name): [string, URL][] => {
        const origin = new URL(from, file)
        return from.endsWith('/index.ts') ? originsOf(origin).filter(([other]) => other === name) : [[name, origin]]
      }),
  )
  return [...all, ...named]
}

/** What stands before the declaration of a name; undefined if it is declared elsewhere. */
function wordsFor(name: string, file: URL): string | undefined {
  const keywords = '(?:abstract class|class|interface|type|const|function|async function)'
  const declaration = new RegExp(`^export ${keywords} ${name}\\b`, 'm').exec(readFileSync(file, 'utf8'))
  return declaration === null ? undefined : declaration.input.slice(0, declaration.index).trimEnd().split('\n').at(-1)
}

describe.each(['index.ts', 'server/index.ts', 'testing/index.ts', 'opentelemetry/index.ts'])('src/%s', (entry) => {
  it('has words for every name', () => {
    const origins = originsOf(new URL(entry, source))
    expect(origins.length).toBeGreaterThan(0)
    const bare = origins.filter(([name, file]) => !(wordsFor(name, file) ?? '').endsWith('*/')).map(([name]) => name)
    // It is declared apart from the Runtime, which hands it on.
    expect(bare.filter((name) => name !== 'TlsOptions')).toEqual([])
  })
})
