// @ts-check
/**
 * Does to an ensemble what production does, while clients read, write and watch, and holds them to what they were told.
 * Usage: faults.js [--trials N] [--seed S] [--first INDEX] [--on embedded|real] [--only FAULT]… [--version 3.9.5]
 */
import { fileURLToPath } from 'node:url'

import { runBundled } from './run-bundled.js'

// One of them bundles a thread of its own.
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
await runBundled('test/faults/main.ts')
