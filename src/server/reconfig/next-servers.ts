import type { RequestOf } from '../../protocol/operations.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import type { EnsembleConfig } from './ensemble-config.ts'
import { parseProperties, parseWhole, splitTrimmed } from './java-text.ts'
import { parseServer, shareAddress, type ConfiguredServer } from './server-line.ts'

type Servers = ReadonlyMap<number, ConfiguredServer>

/** The members that a `reconfig` asks for. The checks come in ZooKeeper's order, which decides the error. */
export function nextServers(current: EnsembleConfig, request: RequestOf<'reconfig'>): Servers | ErrorCode {
  const { newMembers, joining, leaving } = request
  const servers = newMembers === null ? changed(current.servers, joining ?? '', leaving ?? '') : replaced(newMembers)
  // With `standaloneEnabled`, which is ZooKeeper's default, one voter would be no ensemble.
  return typeof servers !== 'number' && countVoters(servers) < 2 ? errorCodes.badArguments : servers
}

function changed(current: Servers, joining: string, leaving: string): Servers | ErrorCode {
  const servers = new Map(current)
  for (const text of splitTrimmed(leaving, ',')) {
    const id = parseWhole(text)
    if (id === null) return errorCodes.marshallingError
    servers.delete(id)
  }
  for (const text of splitTrimmed(joining, ',')) {
    const server = parseJoining(text)
    if (typeof server === 'number') return server
    const others = [...servers.values()].filter(({ id }) => id !== server.id)
    if (others.some((other) => shareAddress(server, other))) return errorCodes.badArguments
    servers.set(server.id, server)
  }
  return servers
}

/** `server.ID=…`; only what is behind the last dot counts of what is before the `=`. */
function parseJoining(text: string): ConfiguredServer | ErrorCode {
  const [name, address, ...more] = splitTrimmed(text, '=')
  if (name === undefined || address === undefined || more.length > 0) return errorCodes.badArguments
  const id = parseWhole(name.slice(name.lastIndexOf('.') + 1))
  if (id === null) return errorCodes.marshallingError
  const server = parseServer(id, address)
  return typeof server !== 'number' && server.client === null ? errorCodes.badArguments : server
}

/** All members anew. Their addresses are not compared, and none for clients has to be given. */
function replaced(newMembers: string): Servers | ErrorCode {
  const entries = [...parseProperties(newMembers.replaceAll(',', '\n'))]
  // Groups and weights, which ZooKeeper knows, are not there.
  if (entries.some(([key]) => !key.startsWith('server.') && key !== 'version')) return errorCodes.badArguments
  const servers = new Map<number, ConfiguredServer>()
  for (const [key, value] of entries) {
    // The version is read, and comes to nothing.
    const isVersion = key === 'version'
    const number = isVersion ? parseWhole(value, 16) : parseWhole(key.slice('server.'.length))
    if (number === null) return errorCodes.marshallingError
    if (isVersion) continue
    const server = parseServer(number, value)
    if (typeof server === 'number') return server
    servers.set(number, server)
  }
  const voters = countVoters(servers)
  return voters < 2 && voters < servers.size ? errorCodes.marshallingError : servers
}

function countVoters(servers: Servers): number {
  return [...servers.values()].filter(({ observer }) => !observer).length
}
