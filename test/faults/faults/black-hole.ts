import { Worker } from 'node:worker_threads'

import { FaultProxy } from '../../../src/testing/index.ts'
import { underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import { within } from '../until.ts'

/** A port that answers nothing: either nobody takes the connection, or somebody takes it and says nothing. */
interface Hole extends AsyncDisposable {
  readonly address: string
}

/** The first address of all clients is a black hole, at their start and whenever they are disconnected. */
export const blackHole: Fault = {
  name: 'black-hole-first',
  open: async () => {
    const holes = [await silentPort(), await fullPort()] as const
    return {
      run: async (trial) => {
        const { random, target } = trial
        const proxies = await Promise.all(target.members.map((member) => trial.proxyTo(member)))
        const clients = proxies.map((_, index) => ({
          hosts: [random.pick(holes).address, ...proxies.map((_, i) => proxies[(index + i) % 3]!.hosts)].join(','),
        }))
        await underLoad(trial, { sessionTimeout: 2_000, clients }, async ({ participants }) => {
          const since = participants.map(({ heard }) => heard.length)
          for (const proxy of proxies) proxy.cut()
          await Promise.all(participants.map((each, index) => each.hears('SUSPENDED', since[index]!)))
          await Promise.all(participants.map((each, index) => each.hears('CONNECTED', since[index]!)))
          // One hole among four costs a quarter of the session timeout.
          for (const { name, heard } of participants) {
            if (heard.some(({ state }) => state === 'LOST'))
              trial.problem(`${name} has lost its session to a black hole`)
          }
        })
      },
      [Symbol.asyncDispose]: async () => {
        for (const hole of holes) await hole[Symbol.asyncDispose]()
      },
    }
  },
}

async function silentPort(): Promise<Hole> {
  const proxy = await new FaultProxy({ target: { host: '127.0.0.1', port: 1 } }).start()
  await proxy.setMode('hang')
  return { address: proxy.hosts, [Symbol.asyncDispose]: () => proxy.stop() }
}

/**
 * Listens in a thread that is blocked, so that nobody ever accepts, and fills the queue: the system then drops what asks
 * for a connection.
 */
async function fullPort(): Promise<Hole> {
  const source = `
    const { connect, createServer } = require('node:net')
    const { parentPort } = require('node:worker_threads')
    const server = createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
      const { port } = server.address()
      for (let i = 0; i < 8; i++) connect({ host: '127.0.0.1', port })
      parentPort.postMessage(port)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const worker = new Worker(source, { eval: true })
  const port = await within('the port', new Promise<number>((resolve) => void worker.once('message', resolve)))
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await worker.terminate()
    },
  }
}
