import { Worker } from 'node:worker_threads'

import { build } from 'esbuild'

import type { Fault } from '../fault.ts'
import type { Trial } from '../trial.ts'
import { until, within } from '../until.ts'
import type { BlockedReport, BlockedTask } from './blocked-client.ts'

/** Milliseconds. */
const timeout = 800

/**
 * The event loop of a client stands still for longer than its session timeout, in a thread of its own. The first that it
 * learns is that its session may be gone; answers that came in meanwhile are not believed.
 */
export const blockedLoop: Fault = {
  name: 'event-loop-blocked',
  open: async () => {
    const source = await bundle()
    return {
      run: (trial) => blocked(trial, source),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  },
}

async function blocked(trial: Trial, source: string): Promise<void> {
  const { random, target, root } = trial
  await trial.withFreshClient(async (fresh) => {
    for (const path of ['/watched', '/written', '/owned']) await fresh.ensurePath(path)
    await fresh.sync('/')
    const task: BlockedTask = {
      hosts: `${trial.hostsFrom(random.integer(0, target.members.length - 1))}${root}`,
      sessionTimeout: timeout,
      // A server rounds up: for a short while after, it would still answer.
      block: timeout * (random.chance(0.5) ? random.between(1.05, 1.2) : random.between(1.2, 2.5)),
      before: random.between(0, 300),
      inFlight: random.integer(0, 40),
      flush: random.chance(0.7),
      askAtOnce: random.chance(0.5),
    }
    const worker = new Worker(source, { eval: true, workerData: task })
    try {
      const blockedAt = message(worker, 'blocked')
      const done = message(worker, 'done')
      const failed = new Promise<never>((_, reject) => void worker.once('error', reject))
      failed.catch(() => {})
      await within('the thread is blocked', Promise.race([blockedAt, failed]))
      // Changed while it cannot hear of it.
      const { version } = await fresh.set('/watched', `while blocked ${trial.index}`)
      const report = (await within('the end of the thread', Promise.race([done, failed]))) as unknown as BlockedReport
      check(trial, report, version)
      await fresh.sync('/')
      for (const path of report.acknowledged) {
        if ((await fresh.exists(path)) === null) trial.problem(`${path} is lost`)
      }
      for (const path of report.refused) {
        if ((await fresh.exists(path)) !== null) trial.problem(`${path} is there, and was said not to be`)
      }
      await until('the ephemerals go', async () => (await fresh.getChildren('/owned')).length === 0)
      trial.count('acknowledged', report.acknowledged.length)
      trial.count('open', report.open.length)
      trial.count('refused', report.refused.length)
      trial.count('suspended', report.states.filter((state) => state === 'SUSPENDED').length)
      trial.count('lost', report.states.filter((state) => state === 'LOST').length - 1)
    } finally {
      await worker.terminate()
    }
  })
}

function check(trial: Trial, report: BlockedReport, version: number): void {
  for (const problem of report.problems) trial.problem(problem)
  const told = report.states.join(', ')
  if (!told.startsWith('CONNECTED, SUSPENDED, LOST, CONNECTED')) trial.problem(`the listener was told ${told}`)
  if (report.watchedVersion !== version) trial.problem(`the watch shows ${report.watchedVersion}, not ${version}`)
}

function message(worker: Worker, kind: string): Promise<{ readonly kind: string }> {
  return new Promise((resolve) => {
    worker.on('message', (each: { readonly kind: string }) => {
      if (each.kind === kind) resolve(each)
    })
  })
}

/** The program of the thread, from its source; this one may itself be bundled, far from it. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: process.cwd(),
    entryPoints: ['test/faults/faults/blocked-client.ts'],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  })
  return outputFiles[0]!.text
}
