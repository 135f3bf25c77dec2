import { KazooClient, type KazooClientOptions } from '../../src/index.ts'
import { Simulation } from '../../src/testing/simulation/simulation.ts'
import { ScriptedServer, type ScriptedConnection } from './scripted-server.ts'

/** The session timeout that the server of a {@link World} grants. */
export const timeout = 6_000

/** A client and a scripted server under virtual time. */
export interface World {
  readonly sim: Simulation
  readonly server: ScriptedServer
  readonly client: KazooClient
  /** State and the class of its cause, as a listener heard them. */
  readonly states: [string, string | undefined][]
  /** Starts the client, and grants it a session. */
  readonly connect: () => Promise<ScriptedConnection>
}

/** Runs a script in a simulated world without chance: each segment takes a millisecond. */
export async function world(script: (world: World) => Promise<void>, options: KazooClientOptions = {}): Promise<void> {
  const sim = new Simulation({ latency: () => 1, fragmentation: 0, trace: true })
  await sim.run(async () => {
    const server = await new ScriptedServer(sim.runtime('server')).listen(2181, '0.0.0.0')
    const client = new KazooClient({ hosts: 'server', runtime: sim.runtime('client'), ...options })
    const states: [string, string | undefined][] = []
    client.addListener((state, { cause }) => void states.push([state, cause?.constructor.name]))
    const connect = async (): Promise<ScriptedConnection> => {
      const started = client.start()
      const connection = await server.next()
      await connection.accept({ timeout })
      await started
      return connection
    }
    await script({ sim, server, client, states, connect })
  })
}

/** The error that a promise must reject with. */
export function failure<E extends Error = Error>(promise: Promise<unknown>): Promise<E> {
  return promise.then(
    () => {
      throw new Error('it should have failed')
    },
    (error: E) => error,
  )
}

/** Answers pings, and nothing else, for as long as the connection lives. */
export async function answerPings(connection: ScriptedConnection): Promise<never> {
  for (;;) {
    const request = await connection.next()
    if (request.op === 'ping') connection.answer(request, 'ping', undefined)
  }
}

/** Answers the end of the session. */
export async function answerClose(connection: ScriptedConnection): Promise<void> {
  connection.answer(await connection.expect('closeSession'), 'closeSession', undefined)
}

/** Catches what user code threw into the event loop while a script runs; vitest's own reporting is held off. */
export async function uncaughtDuring(script: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = []
  const before = process.listeners('uncaughtException')
  const note = (error: unknown): void => void seen.push(error)
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  try {
    await script()
  } finally {
    process.off('uncaughtException', note)
    for (const listener of before) process.on('uncaughtException', listener)
  }
  return seen
}
