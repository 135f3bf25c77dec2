import { javaAddress } from '../access/ip-acl.ts'
import { EnsembleConfig } from '../reconfig/ensemble-config.ts'

/** A member as the options have it. */
export interface PlannedMember {
  readonly id: number
  readonly observer: boolean
  /** Where it listens for clients. */
  readonly host: string
  readonly port: number
}

/** ZooKeeper's usual ports for what members say to each other. Here they say nothing, and nobody listens there. */
const usualPorts = { peer: 2888, election: 3888 }

/** The configuration that an ensemble begins with. */
export function firstConfig(version: number, members: readonly PlannedMember[]): EnsembleConfig {
  const taken = new Set(members.map(({ port }) => port))
  const take = (first: number): number => {
    let port = first
    while (taken.has(port)) port++
    taken.add(port)
    return port
  }
  const servers = members.map(({ id, observer, host, port }) => ({
    id,
    observer,
    host: peerHost(host),
    peerPort: take(usualPorts.peer),
    electionPort: take(usualPorts.election),
    client: { host: javaAddress(host), port },
  }))
  return new EnsembleConfig(version, servers)
}

/** Members are somewhere, also where they listen on all addresses: clients look there for them then. */
function peerHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return javaAddress(host === '::' ? '::1' : host)
}
