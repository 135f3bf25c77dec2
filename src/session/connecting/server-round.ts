import type { ResolvedAddress, Runtime } from '../../runtime/runtime.ts'
import { limited } from '../limited.ts'
import type { ServerName } from './hosts.ts'
import { shuffled } from './shuffled.ts'

/** An address to dial, and the server it belongs to. */
export interface Candidate {
  readonly server: ServerName
  readonly address: string
  /** How many addresses the server's name has: they share its part of the time. */
  readonly siblings: number
}

/** How a round goes. */
export interface RoundOptions {
  readonly randomize: boolean
  /** Whether the servers come in the order given all the same. @defaultValue false */
  readonly keepOrder?: boolean
  /** What was dialled last: that server comes at the end, and of its addresses that one. */
  readonly last: Pick<Candidate, 'server' | 'address'> | null
  /** Milliseconds for the look-up of a name. */
  readonly resolveTimeout: number
  /** Ends the look-ups under way. */
  readonly signal?: AbortSignal
}

/**
 * One round over all servers: each address of each name once, in random order if so wanted, what was used last at the
 * end. Names are resolved anew, all at the same time, and none waits for another's answer.
 */
export async function* serverRound(
  runtime: Runtime,
  servers: readonly ServerName[],
  { randomize, keepOrder = false, last, resolveTimeout, signal }: RoundOptions,
): AsyncGenerator<Candidate | Error, void, void> {
  const order = randomize && !keepOrder ? shuffled(runtime, servers) : [...servers]
  const isLast = ({ host, port }: ServerName): boolean => host === last?.server.host && port === last.server.port
  moveToEnd(order, isLast)
  const lookups = order.map((server) => lookUp(runtime, server, resolveTimeout, signal))
  for (const [index, server] of order.entries()) {
    const found = await lookups[index]!
    if (found instanceof Error) {
      yield found
      continue
    }
    const addresses = randomize ? shuffled(runtime, found) : [...found]
    if (isLast(server)) moveToEnd(addresses, ({ address }) => address === last?.address)
    for (const { address } of addresses) yield { server, address, siblings: addresses.length }
  }
}

/** Addresses, or the error that there are none; never rejects, and ends within `timeout` milliseconds. */
export async function lookUp(
  runtime: Runtime,
  { host }: ServerName,
  timeout: number,
  signal?: AbortSignal,
): Promise<readonly ResolvedAddress[] | Error> {
  try {
    const late = (): Error => new Error(`no answer to the look-up of ${host}`)
    const addresses = await limited(runtime, runtime.resolve(host), { timeout, signal }, late)
    return addresses.length > 0 ? addresses : new Error(`${host} has no address`)
  } catch (error) {
    return error instanceof Error ? error : new Error(`${host} cannot be resolved`, { cause: error })
  }
}

function moveToEnd<T>(items: T[], isMeant: (item: T) => boolean): void {
  const index = items.findIndex(isMeant)
  if (index !== -1) items.push(...items.splice(index, 1))
}
