// @ts-check
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Runs a program written in TypeScript in this process, with the arguments of the command line.
 *
 * @param {string} entry - relative to the project
 */
export async function runBundled(entry) {
  const outfile = join(
    root,
    'node_modules',
    '.cache',
    'kazoo-ts',
    `${entry.replaceAll(/[^a-z]+/g, '-')}-${process.pid}.mjs`,
  )
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  await import(pathToFileURL(outfile).href)
}
