import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import manifest from '../../package.json' with { type: 'json' }
import { publicNames } from './public-names.ts'

const root = new URL('../../', import.meta.url)

interface Names {
  /** What there is at run time. */
  readonly values: string[]
  readonly types: string[]
}

/** What an entry point's module exports; it may export everything of another one. */
function exportsOf(file: URL): Names {
  const names: Names = { values: [], types: [] }
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\/|\/\/.*/gs, '')
  for (const [, from = ''] of text.matchAll(/export \* from '(.*)'/g)) {
    // Elsewhere each name has to be written down: what a module adds for its neighbours is not public by itself.
    expect(from).toMatch(/\/index\.ts$/)
    const { values, types } = exportsOf(new URL(from, file))
    names.values.push(...values)
    names.types.push(...types)
  }
  for (const [, allTypes, list = ''] of text.matchAll(/export( type)? \{([^}]*)\}/g)) {
    for (const item of list.split(',').map((each) => each.trim())) {
      if (item === '') continue
      const isType = allTypes !== undefined || item.startsWith('type ')
      names[isType ? 'types' : 'values'].push(item.replace(/^type /, '').replace(/^.* as /, ''))
    }
  }
  // Nothing is declared in an entry point, and nothing exported in a way that was overlooked here.
  expect(text.match(/export/g)?.length).toBe(text.match(/export( type)? \{|export \* from/g)?.length)
  return names
}

const entries = Object.entries(manifest.exports).flatMap(([entry, target]) =>
  typeof target === 'string' ? [] : [[entry, target.default] as const],
)

it('there is a list for each entry point', () => {
  expect(Object.keys(publicNames)).toEqual(entries.map(([entry]) => entry))
})

describe.each(entries)('%s', (entry, built) => {
  it('exports these names and no others', () => {
    const names = exportsOf(new URL(built.replace(/^\.\/dist/, 'src').replace(/\.js$/, '.ts'), root))
    const { values, types } = publicNames[entry as keyof typeof publicNames]
    expect(names.values.toSorted()).toEqual(values.toSorted())
    expect(names.types.toSorted()).toEqual(types.toSorted())
  })

  it('exports the values as built', async () => {
    const file = new URL(built, root)
    expect(existsSync(fileURLToPath(file)), 'npm run build').toBe(true)
    const exported = (await import(file.href)) as object
    expect(Object.keys(exported).toSorted()).toEqual(publicNames[entry as keyof typeof publicNames].values.toSorted())
  })
})
