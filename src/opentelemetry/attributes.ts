import type { Attributes } from '@opentelemetry/api'

import type { RequestMessage, ServerAddress } from '../client/index.ts'
import { ZooKeeperError } from '../common/errors.ts'

/** Of the conventions' lists of names ZooKeeper is not a part; they let a system name itself. */
const system = 'zookeeper'

/** What spans and metrics of a request have in common: few values each, as metrics need it. */
export function requestAttributes({ op, server }: RequestMessage): Attributes {
  return { 'db.system.name': system, 'db.operation.name': op, ...serverAttributes(server) }
}

export function serverAttributes(server: ServerAddress | null): Attributes {
  return server === null ? {} : { 'server.address': server.host, 'server.port': server.port }
}

/** The code of ZooKeeper's errors (`'NO_NODE'`), the class of others. */
export function errorType(error: unknown): string {
  if (error instanceof ZooKeeperError) return error.code
  return error instanceof Error ? error.name : '_OTHER'
}

/** Ids and zxids as ZooKeeper's own logs write them; numbers would not hold them. */
export function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`
}
