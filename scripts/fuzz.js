// @ts-check
/**
 * Sends any bytes at all to the embedded server, while another session watches; fails with the input that did harm.
 * Usage: node [--expose-gc] scripts/fuzz.js [--inputs N] [--seed S] [--first INDEX]
 */
import { runBundled } from './run-bundled.js'

await runBundled('test/fuzz/main.ts')
