import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

const source = (file: string): string => fileURLToPath(new URL(`src/${file}`, import.meta.url))

export default defineConfig({
  resolve: {
    // The package's own name means its source, so that a test holds one copy of each module.
    alias: [
      { find: /^kazoo-ts$/, replacement: source('index.ts') },
      { find: /^kazoo-ts\/server$/, replacement: source('server/index.ts') },
      { find: /^kazoo-ts\/testing$/, replacement: source('testing/index.ts') },
      { find: /^kazoo-ts\/opentelemetry$/, replacement: source('opentelemetry/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './scripts/ci-reporter.js'],
    pool: 'forks',
    // Sockets and servers of several files at once make a small machine slow; no test depends on how fast it is.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    allowOnly: !process.env['CI'],
    passWithNoTests: false,
  },
})
