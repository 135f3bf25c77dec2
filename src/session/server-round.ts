import type { ResolvedAddress, Runtime } from '../runtime/runtime.ts'
import type { ServerName } from './hosts.ts'

/** An address to dial, and the server it belongs to. */
export interface Candidate {
  readonly server: ServerName
  readonly address: string
  /** How many addresses the server's name has: they share its part of the time. */
  readonly siblings: number
}

/**
 * One round over all servers: each address of each name once, in random order if so wanted, the server that was used
 * last at the end. Names are resolved anew, all at the same time, and none waits for another's answer.
 */
export async function* serverRound(
  runtime: Runtime,
  servers: readonly ServerName[],
  { randomize, last, resolveTimeout }: { randomize: boolean; last: ServerName | null; resolveTimeout: number },
): AsyncGenerator<Candidate | Error, void, void> {
  const order = randomize ? shuffled(runtime, servers) : [...servers]
  const lastIndex = last === null ? -1 : order.findIndex(({ host, port }) => host === last.host && port === last.port)
  if (lastIndex !== -1) order.push(...order.splice(lastIndex, 1))
  const lookups = order.map((server) => lookUp(runtime, server, resolveTimeout))
  for (const [index, server] of order.entries()) {
    const found = await lookups[index]!
    if (found instanceof Error) {
      yield found
      continue
    }
    const addresses = randomize ? shuffled(runtime, found) : found
    for (const { address } of addresses) yield { server, address, siblings: addresses.length }
  }
}

/** Addresses, or the error that there are none; never rejects, and ends within `timeout` milliseconds. */
function lookUp(runtime: Runtime, { host }: ServerName, timeout: number): Promise<readonly ResolvedAddress[] | Error> {
  return new Promise((resolve) => {
    const timer = runtime.setTimer(timeout, () => resolve(new Error(`no answer to the look-up of ${host}`)))
    runtime.resolve(host).then(
      (addresses) => {
        timer.cancel()
        resolve(addresses.length > 0 ? addresses : new Error(`${host} has no address`))
      },
      (error: unknown) => {
        timer.cancel()
        resolve(error instanceof Error ? error : new Error(`${host} cannot be resolved`, { cause: error }))
      },
    )
  })
}

function shuffled<T>(runtime: Runtime, items: readonly T[]): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(runtime.random() * (i + 1))
    const item = result[i]!
    result[i] = result[j]!
    result[j] = item
  }
  return result
}
