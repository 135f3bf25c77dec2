import { parentPort, workerData } from 'node:worker_threads'

import { DataWatch, type ZooKeeperError } from '../../../src/index.ts'
import { Participant } from '../participant.ts'
import { sleep, until } from '../until.ts'

/** What the thread is to do. Times are milliseconds. */
export interface BlockedTask {
  readonly hosts: string
  readonly sessionTimeout: number
  /** How long the event loop stands still. */
  readonly block: number
  /** How long it works before. */
  readonly before: number
  /** Requests that are sent right before. */
  readonly inFlight: number
  /** Whether they leave the process. */
  readonly flush: boolean
  /** Whether it asks for something as soon as it goes on. */
  readonly askAtOnce: boolean
}

/** What came of it. */
export interface BlockedReport {
  readonly kind: 'done'
  readonly states: readonly string[]
  readonly problems: readonly string[]
  /** The paths of creates, by what became of them. */
  readonly acknowledged: readonly string[]
  readonly open: readonly string[]
  readonly refused: readonly string[]
  readonly watchedVersion: number
}

const { hosts, sessionTimeout, block, before, inFlight, flush, askAtOnce } = workerData as BlockedTask
const problems: string[] = []
const outcomes = { acknowledged: [] as string[], open: [] as string[], refused: [] as string[] }
const participant = new Participant('t', { hosts, sessionTimeout })
const { client } = participant
let count = 0
let pending = 0
let watchedVersion = -1
/** Set between the end of the block and the news that the session is lost. */
let isUnaware = false

function create(): void {
  const path = `/written/${++count}`
  pending++
  void client
    .create(path)
    .then(
      () => {
        if (isUnaware) problems.push(`${path} was acknowledged after the session's time was over`)
        outcomes.acknowledged.push(path)
      },
      ({ maybeApplied, message }: ZooKeeperError) => {
        if (maybeApplied === undefined) problems.push(`${path}: ${message}`)
        outcomes[maybeApplied ? 'open' : 'refused'].push(path)
      },
    )
    .finally(() => pending--)
}

client.addListener((state) => {
  if (state === 'LOST') isUnaware = false
})
run().catch((error: unknown) => {
  problems.push(String(error))
  report()
})

async function run(): Promise<void> {
  await client.start()
  await client.create('/owned/mine', '', { ephemeral: true })
  const watch = await new DataWatch(client, '/watched', (_, stat) => {
    if (isUnaware) problems.push('a watch was called after the session was over')
    watchedVersion = stat?.version ?? -1
  }).start()
  const end = performance.now() + before
  while (performance.now() < end) {
    create()
    await sleep(5)
  }
  const hold = await client.hold()
  for (let i = 0; i < inFlight; i++) create()
  // Sent, and answered while nobody listens; or not even sent.
  if (flush) await new Promise<void>((resolve) => void setImmediate(resolve))
  parentPort?.postMessage({ kind: 'blocked' }, [])
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, block)
  if (!hold.signal.aborted) problems.push('it holds on, after its time is over')
  isUnaware = true
  // Asked in the same turn, before anybody can know.
  if (askAtOnce) create()
  const since = 1
  await participant.hears('LOST', since)
  await participant.hears('CONNECTED', since)
  create()
  await until('all requests have ended', () => pending === 0)
  const { stat } = await client.get('/watched')
  await until('the watch has told', () => watchedVersion === stat.version)
  await watch.stop()
  problems.push(...(await participant.stop()))
  report()
}

function report(): void {
  if (pending > 0) problems.push(`${pending} requests are left pending`)
  const states = participant.heard.map(({ state }) => state)
  const done: BlockedReport = { kind: 'done', states, problems, ...outcomes, watchedVersion }
  parentPort?.postMessage(done, [])
}
