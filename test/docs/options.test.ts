import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)

function read(file: string): string {
  return readFileSync(fileURLToPath(new URL(file, root)), 'utf8')
}

/** The names of an interface's own properties. */
function propertiesOf(file: string, name: string): string[] {
  const [, body = ''] = new RegExp(`export interface ${name} [^{]*\\{\\n(.*?)\\n\\}`, 's').exec(read(file)) ?? []
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, property = '']) => property)
}

/** The first cells of the tables whose first column is called Option. */
function documented(file: string, section?: RegExp): string[] {
  const text = section === undefined ? read(file) : (section.exec(read(file))?.[0] ?? '')
  return [...text.matchAll(/^\| Option .*\n\|[ -|]*\n((?:\|.*\n?)*)/gm)].flatMap(([, rows = '']) =>
    [...rows.matchAll(/^\| `(\w+)`/gm)].map(([, option = '']) => option),
  )
}

test.each([
  ['docs/client-options.md', undefined, 'src/client/options.ts', 'KazooClientOptions'],
  ['docs/embedded-server.md', /^## Options.*?(?=^## )/ms, 'src/server/options.ts', 'EmbeddedServerOptions'],
  [
    'docs/embedded-server.md',
    /^## An ensemble.*?(?=^## )/ms,
    'src/server/ensemble/embedded-ensemble.ts',
    'EmbeddedEnsembleOptions',
  ],
  ['docs/observability.md', undefined, 'src/opentelemetry/instrument.ts', 'InstrumentOptions'],
])('%s has all options, and no others', (guide, section, file, name) => {
  const properties = propertiesOf(file, name)
  expect(properties).not.toEqual([])
  expect(documented(guide, section).toSorted()).toEqual(properties.toSorted())
})
