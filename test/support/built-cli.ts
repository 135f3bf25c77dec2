import { mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
let built: Promise<string> | undefined

/** The `kazoo` command of this source, built aside: `dist` may be older, or missing. */
export function main(): Promise<string> {
  built ??= make()
  return built
}

export async function removeBuilt(): Promise<void> {
  if (built !== undefined) await rm(dirname(await built), { recursive: true })
}

async function make(): Promise<string> {
  const folder = await mkdtemp(join(root, 'node_modules', '.kazoo-cli-'))
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    outfile: join(folder, 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'warning',
  })
  return join(folder, 'main.js')
}
