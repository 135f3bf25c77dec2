// @ts-check
/**
 * Builds dist/: declarations by the compiler, JavaScript by the bundler.
 *
 * The modules of an entry point are put into one file, and what several entry points share into chunks: to load a
 * hundred small modules takes Node three times as long as to load a few large ones, and an error class that stood in
 * two files would be two classes.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

const compiler = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')
try {
  execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
} catch {
  // The compiler has said why.
  process.exit(1)
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [
    'src/index.ts',
    'src/server/index.ts',
    'src/testing/index.ts',
    'src/opentelemetry/index.ts',
    'src/cli/main.ts',
  ],
  outdir: 'dist',
  outbase: 'src',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  metafile: true,
  logLevel: 'warning',
})

// What an earlier build left behind goes last, so that a program which is just being started still finds its files.
const written = new Set(Object.keys(metafile.outputs).map((file) => join(root, file)))
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name)
  const isCode = /\.js(\.map)?$/.test(entry.name) && relative(dist, file).split(sep)[0] !== 'node_modules'
  if (entry.isFile() && isCode && !written.has(file)) rmSync(file)
}
