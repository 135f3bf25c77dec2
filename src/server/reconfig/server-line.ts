import { javaAddress } from '../access/ip-acl.ts'
import { errorCodes, type ErrorCode } from '../error-codes.ts'
import { parseWhole, splitAt } from './java-text.ts'

/** A host and a port, as Java shows them. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** A member as the configuration has it. */
export interface ConfiguredServer {
  readonly id: number
  readonly observer: boolean
  /** Where the members talk to each other. */
  readonly host: string
  readonly peerPort: number
  readonly electionPort: number
  /** Null where the configuration does not say. */
  readonly client: ServerAddress | null
}

/**
 * Reads `host:peerPort:electionPort[:role][;[clientHost:]clientPort]`, in ZooKeeper's order of checks. Where Java stumbles over
 * a number that is no port, the answer is −5, and −8 for what ZooKeeper sees by itself.
 */
export function parseServer(id: number, text: string): ConfiguredServer | ErrorCode {
  const parts = splitAt(text, ';')
  const [peers, clients] = parts
  if (peers === undefined) return errorCodes.marshallingError
  const client = parts.length === 2 ? parseClient(clients!) : null
  if (typeof client === 'number') return client
  // More than one address takes `multiAddress.enabled`.
  if (peers.includes('|') || parts.length > 2) return errorCodes.badArguments
  const fields = splitAddress(peers)
  if (fields === null || fields.length < 3 || fields.length > 4) return errorCodes.badArguments
  const [host = '', peer = '', election = '', role = 'participant'] = fields
  const [peerPort, electionPort] = [parsePort(peer), parsePort(election)]
  if (typeof peerPort === 'number') return peerPort
  if (typeof electionPort === 'number') return electionPort
  const kind = role.trim().toLowerCase()
  const isKnown = kind === 'observer' || kind === 'participant'
  if (peerPort.port === electionPort.port || !isKnown) return errorCodes.badArguments
  return {
    id,
    observer: kind === 'observer',
    host: hostOf(host),
    peerPort: peerPort.port,
    electionPort: electionPort.port,
    client,
  }
}

/** As a line of the configuration has it, behind the `=`. */
export function formatServer({ host, peerPort, electionPort, observer, client }: ConfiguredServer): string {
  const peer = `${bracketed(host)}:${peerPort}:${electionPort}:${observer ? 'observer' : 'participant'}`
  return client === null ? peer : `${peer};${bracketed(client.host)}:${client.port}`
}

/** Whether two members claim the same address. What every machine has is not compared: loopback, and all addresses. */
export function shareAddress(one: ConfiguredServer, other: ConfiguredServer): boolean {
  const taken = new Set(addressesOf(other))
  return addressesOf(one).some((address) => taken.has(address))
}

/** Names are not looked up: the same name is the same host. */
function addressesOf({ host, peerPort, electionPort, client }: ConfiguredServer): string[] {
  const all = [{ host, port: peerPort }, { host, port: electionPort }, ...(client === null ? [] : [client])]
  return all
    .filter((address) => !isOfEveryMachine(address.host))
    .map((each) => `${each.host.toLowerCase()} ${each.port}`)
}

function isOfEveryMachine(host: string): boolean {
  return /^(?:localhost|127\..*|0\.0\.0\.0|0:0:0:0:0:0:0:[01])$/i.test(host)
}

function parseClient(text: string): ServerAddress | ErrorCode {
  const fields = splitAddress(text)
  if (fields === null || fields.length > 2) return errorCodes.badArguments
  const [port, host] = fields.toReversed()
  if (port === undefined) return errorCodes.marshallingError
  const parsed = parsePort(port)
  return typeof parsed === 'number' ? parsed : { host: host === undefined ? '0.0.0.0' : hostOf(host), ...parsed }
}

function parsePort(text: string): { readonly port: number } | ErrorCode {
  const port = parseWhole(text)
  if (port === null || port > 0x7fff_ffff || port < -0x8000_0000) return errorCodes.badArguments
  return port < 0 || port > 65_535 ? errorCodes.marshallingError : { port }
}

/** A host, which may be an IPv6 address in brackets, and what stands behind it; null where that cannot be told. */
function splitAddress(text: string): string[] | null {
  if (!text.startsWith('[')) return splitAt(text, ':')
  const end = text.indexOf(']')
  if (end === -1 || end + 2 === text.length) return null
  const host = text.slice(1, end)
  return end + 2 < text.length ? [host, ...splitAt(text.slice(end + 2), ':')] : [host]
}

/** No host is this one, to Java. */
function hostOf(text: string): string {
  if (text === '') return 'localhost'
  return text.includes(':') ? javaAddress(text) : text
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
