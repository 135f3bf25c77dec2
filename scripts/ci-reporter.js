// @ts-check
/**
 * Ends a test run with one plain line, `12 passed, 0 failed, 1 skipped`, that a machine can read.
 *
 * What never became a test counts as failed: a file that does not load, an error that no test caught, a run that was
 * interrupted. Otherwise a suite that did not run at all would look green.
 *
 * Vitest takes a reporter that is given by its path from the default export.
 */
export default class CiReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   * @param {'passed' | 'failed' | 'interrupted'} reason
   */
  onTestRunEnd(modules, unhandledErrors, reason) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++
      if (module.errors().length > 0) count.failed++
      // A hook that throws fails its suite, and its tests are reported as skipped.
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length
    }
    count.failed += count.pending
    if (reason !== 'passed' && count.failed === 0) count.failed = 1
    if (count.failed > 0) process.exitCode = 1
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
    // After everything else: the summary of the default reporter is written in the same tick.
    process.once('exit', () => process.stdout.write(`${count.passed} passed, ${count.failed} failed${skipped}\n`))
  }
}
