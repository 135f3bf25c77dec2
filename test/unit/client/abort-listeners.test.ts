import { getEventListeners } from 'node:events'

import { describe, expect, it } from 'vitest'

import { ChildrenWatch, DataWatch, KazooClient, type CallOptions, type Runtime } from '../../../src/index.ts'
import { EmbeddedServer } from '../../../src/server/index.ts'
import { askProvider } from '../../../src/session/connecting/host-provider.ts'
import { lookUp } from '../../../src/session/connecting/server-round.ts'
import { Simulation } from '../../../src/testing/simulation/simulation.ts'

interface Waiting {
  /** Connected. */
  readonly client: KazooClient
  readonly runtime: Runtime
  readonly limits: CallOptions & { readonly signal: AbortSignal }
  /** What somebody else answers, unless nobody answers any more. */
  readonly answered: Promise<void>
}

/** All that waits, and may be told to stop waiting by a signal. */
const waits: Readonly<Record<string, (it: Waiting) => Promise<unknown>>> = {
  'a request': ({ client, limits }) => client.exists('/', limits),
  'a write of several requests': ({ client, limits }) => client.create('/a/b/c', '', { makePath: true, ...limits }),
  'command()': ({ client, limits }) => client.command('ruok', limits),
  'drained()': ({ client, limits }) => {
    client.exists('/').catch(() => {})
    return client.drained({ below: 1, ...limits })
  },
  'hold()': ({ client, limits }) => client.hold(limits),
  'watch()': ({ client, limits }) => client.watch('/', limits),
  'start()': ({ runtime, limits }) => new KazooClient({ hosts: 'server', runtime }).start(limits),
  'start() during a stop': ({ client, limits }) => {
    void client.stop()
    return client.start(limits)
  },
  'DataWatch.start()': ({ client, limits }) => new DataWatch(client, '/', () => {}).start(limits),
  'ChildrenWatch.start()': ({ client, limits }) => new ChildrenWatch(client, '/', () => {}).start(limits),
  'a function that gives the hosts': ({ runtime, limits, answered }) =>
    askProvider(runtime, () => answered.then(() => 'server'), limits.timeout ?? 1_000, limits.signal),
  'a look-up': ({ runtime, limits, answered }) =>
    lookUp(
      Object.assign(Object.create(runtime) as Runtime, {
        setTimer: runtime.setTimer.bind(runtime),
        resolve: () => answered.then(() => []),
      }),
      { host: 'server', port: 2181 },
      limits.timeout ?? 1_000,
      limits.signal,
    ),
}

const ends = ['is over', 'has run out of time', 'is aborted'] as const

describe.each(Object.entries(waits))('%s leaves no listener on its signal', (_name, wait) => {
  it.each(ends)('when it %s', (end) => {
    const sim = new Simulation()
    return sim.run(async () => {
      await new EmbeddedServer({ runtime: sim.runtime('server'), host: '0.0.0.0', port: 2181 }).start()
      const runtime = sim.runtime('client')
      const client = await new KazooClient({ hosts: 'server', runtime }).start()
      if (end !== 'is over') sim.network.partition(['client'], ['server'])
      const controller = new AbortController()
      const { signal } = controller
      const waiting = wait({
        client,
        runtime,
        limits: end === 'has run out of time' ? { signal, timeout: 100 } : { signal },
        answered: end === 'is over' ? sim.sleep(10) : new Promise(() => {}),
      })
      expect(getEventListeners(signal, 'abort')).not.toEqual([])
      if (end === 'is aborted') {
        await sim.sleep(100)
        controller.abort()
      }
      const outcome = waiting.then(
        () => 'fulfilled',
        () => 'rejected',
      )
      // These two tell of a failure by what they resolve to.
      const neverRejects = wait === waits['a look-up'] || wait === waits['a function that gives the hosts']
      expect(await outcome).toBe(end === 'is over' || neverRejects ? 'fulfilled' : 'rejected')
      expect(getEventListeners(signal, 'abort')).toEqual([])
      sim.network.heal()
      await client.stop()
    })
  })
})
