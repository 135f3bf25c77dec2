// @ts-check
/**
 * Runs random programs on a real ZooKeeper and on the embedded server, and tells where they differ.
 * Usage: differential.js [--programs N] [--seed S] [--first INDEX] [--differences MOST] [--version 3.9.5]
 */
import { runBundled } from './run-bundled.js'

await runBundled('test/differential/main.ts')
