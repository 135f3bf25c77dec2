import type { Runtime } from '../../runtime/runtime.ts'
import { formatServer, type ServerName } from './hosts.ts'
import { shuffled } from './shuffled.ts'

/**
 * What one client does when its ensemble changes, so that many that do the same spread evenly over the new one and no
 * more of them move than must: ZooKeeper's rule (ZOOKEEPER-1355, `updateServerList`).
 *
 * - A client whose server is still there stays, unless there are more servers than before: then it moves to one of the
 *   added ones with the probability by which its server has to become emptier, 1 − before / after.
 * - A client whose server is gone moves: to an added one if there are more servers than before, and else to one that was
 *   there or to an added one with probabilities that fill both alike.
 *
 * @param before - the servers that the clients are spread over evenly
 * @param isHere - whether a server is the one that the client uses
 * @returns the order in which to try the servers, or null to stay
 */
export function rebalance(
  runtime: Pick<Runtime, 'random'>,
  before: readonly ServerName[],
  after: readonly ServerName[],
  isHere: (server: ServerName) => boolean,
): ServerName[] | null {
  const known = new Map(before.map((server) => [formatServer(server), server]))
  const distinct = [...new Map(after.map((server) => [formatServer(server), server])).values()]
  const [size, total] = [known.size, distinct.length]
  const grows = total > size
  if (distinct.some((server) => isHere(server)) && !(grows && runtime.random() < 1 - size / total)) return null
  const kept: ServerName[] = []
  const added: ServerName[] = []
  for (const server of shuffled(runtime, distinct)) (known.has(formatServer(server)) ? kept : added).push(server)
  // Those that have to move are on the `size - kept` servers that are gone; each server is to have its part of all.
  const toKept = grows ? 0 : (kept.length * (size - total)) / (total * (size - kept.length))
  const order: ServerName[] = []
  while (kept.length > 0 && added.length > 0) order.push((runtime.random() < toKept ? kept : added).pop()!)
  return [...order, ...kept, ...added]
}
