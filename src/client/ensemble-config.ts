import { describeType } from '../common/paths.ts'
import { formatServer, parseHosts, type ServerName } from '../session/connecting/hosts.ts'

/** A member of the ensemble, as the configuration in `/zookeeper/config` has it. */
export interface EnsembleMember {
  /** Its number, as in `server.1`. */
  readonly id: number
  /** Whether it votes. */
  readonly role: 'participant' | 'observer'
  /** Its hosts among the members: names or addresses, more than one where ZooKeeper has `multiAddress.enabled`. */
  readonly hosts: readonly string[]
  /** `host:port` for clients without TLS, or null where the configuration does not say. */
  readonly client: string | null
  /** `host:port` for clients with TLS, or null: servers up to 3.9 never say. */
  readonly secureClient: string | null
}

/** Addresses that mean any of a machine's own, as Java writes them. */
const anyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])

/** What is more is no configuration: ZooKeeper's ids of members go to 255. In characters, and in members. */
const longestLine = 4_096
const mostMembers = 255

/**
 * Reads `server.1=host:port:port|host:port:port:role;clientHost:clientPort;secureHost:securePort` and its like, a line
 * for each member. A client address that means all of the member's own becomes that on the member's first host.
 *
 * @throws RangeError where a line is no such, or a host cannot be told; where a line is too long, or there are too many
 */
export function parseEnsembleConfig(text: string): EnsembleMember[] {
  const members: EnsembleMember[] = []
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    if (!trimmed.startsWith('server.')) continue
    if (trimmed.length > longestLine) throw new RangeError(`a line of ${trimmed.length} characters`)
    const found = /^server\.(-?\d+)\s*=\s*(\S.*)$/.exec(trimmed)
    if (found === null) continue
    if (members.length === mostMembers) throw new RangeError(`more than ${mostMembers} members`)
    members.push(parseMember(Number(found[1]), found[2]!))
  }
  return members
}

function parseMember(id: number, text: string): EnsembleMember {
  const refuse = (why: string): never => {
    throw new RangeError(`${why} in server.${id}=${text}`)
  }
  const [addresses = '', client = '', secure = ''] = text.split(';')
  const parts = addresses.split('|').map(splitAddress)
  const hosts = parts.map(([host = '']) => host)
  if (hosts.some((host) => host === '') || parts.some(({ length }) => length < 3)) refuse('no address')
  const role = parts.map((part) => part[3]?.toLowerCase()).find((each) => each !== undefined) ?? 'participant'
  if (role !== 'participant' && role !== 'observer') return refuse(`the role "${role}"`)
  const reachable = hosts.find((host) => !anyAddress.has(host))
  const clientAddress = (address: string): string | null => {
    if (address === '') return null
    const [port = '', host = ''] = splitAddress(address).toReversed()
    const named = host === '' || anyAddress.has(host) ? reachable : host
    if (named === undefined) return refuse('no host that clients could use')
    if (!/^\d{1,5}$/.test(port)) return refuse(`the port "${port}"`)
    return formatServer({ host: named, port: Number(port) })
  }
  return { id, role, hosts, client: clientAddress(client), secureClient: clientAddress(secure) }
}

/** A host, which may be an IPv6 address in brackets, and what stands behind it, apart. */
function splitAddress(address: string): string[] {
  const [, inner, rest] = /^\[([^\]]*)\](?::(.*))?$/.exec(address.trim()) ?? []
  return inner === undefined ? address.trim().split(':') : [inner, ...(rest?.split(':') ?? [])]
}

/**
 * The servers that clients are to use, a member's at most once.
 *
 * @param choose - the address of a member as clients see it, or null to leave it out
 * @throws TypeError or RangeError where that gives no address, and whatever it throws
 */
export function clientServers(
  members: readonly EnsembleMember[],
  choose: (member: EnsembleMember) => string | null,
): ServerName[] {
  return members.flatMap((member) => {
    const address: unknown = choose(member)
    if (address === null) return []
    if (typeof address !== 'string') {
      throw new TypeError(`trackEnsemble must give 'host:port' or null, not ${describeType(address)}`)
    }
    const { servers, chroot } = parseHosts(address)
    if (servers.length > 1 || chroot !== '') {
      throw new RangeError(`trackEnsemble must give one 'host:port' or null, not ${JSON.stringify(address)}`)
    }
    return servers
  })
}
