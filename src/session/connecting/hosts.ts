import { isIPv6 } from 'node:net'

import { checkPath, describeType } from '../../common/paths.ts'

/** A server as the user named it: a host name or an address, and a port. */
export interface ServerName {
  readonly host: string
  readonly port: number
}

export interface Hosts {
  /** Empty until a function that gives them has answered. */
  readonly servers: readonly ServerName[]
  /** `''`, or the path that every path of the client is under. */
  readonly chroot: string
}

export const defaultPort = 2181

/**
 * Reads `'h1:2181,h2,[::1]:2181/chroot'`, or a list of such servers whose last entry may be the chroot.
 *
 * @throws TypeError or RangeError that names `hosts`
 */
export function parseHosts(hosts: unknown): Hosts {
  const text = Array.isArray(hosts) ? joinList(hosts) : hosts
  if (typeof text !== 'string') {
    throw new TypeError(`hosts must be a string or an array of strings, not ${describeType(hosts)}`)
  }
  const slash = text.indexOf('/')
  const list = slash === -1 ? text : text.slice(0, slash)
  const given = slash === -1 ? '/' : text.slice(slash)
  // One slash at the end is forgiven.
  checkPath(given, 'hosts: the chroot', true)
  const chroot = given.replace(/(?<=.)\/$/, '')
  const servers = list.split(',').map((entry) => parseServer(entry.trim(), text))
  return { servers, chroot: chroot === '/' ? '' : chroot }
}

function joinList(entries: readonly unknown[]): string {
  const texts = entries.map((entry) => {
    if (typeof entry !== 'string') throw new TypeError(`hosts must hold strings, not ${describeType(entry)}`)
    return entry
  })
  // Joined, it would make one long chroot of all the servers behind it.
  const early = texts.slice(0, -1).find((entry) => entry.includes('/'))
  if (early !== undefined) {
    throw new RangeError(`hosts: the chroot must come last, not in ${JSON.stringify(early)}`)
  }
  const last = texts.at(-1)
  return last?.startsWith('/') === true ? texts.slice(0, -1).join(',') + last : texts.join(',')
}

function parseServer(entry: string, hosts: string): ServerName {
  const refuse = (why: string): never => {
    throw new RangeError(`hosts: ${why} in ${JSON.stringify(hosts)}`)
  }
  if (entry === '') return refuse('an empty server')
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(entry)
  if (bracketed !== null) {
    const host = bracketed[1]!
    // A zone (`fe80::1%eth0`) is no part of the address proper.
    if (!isIPv6(host.split('%', 1)[0]!)) return refuse(`"${host}" is not an IPv6 address`)
    return { host, port: parsePort(bracketed[2], refuse) }
  }
  const [host, port, ...rest] = entry.split(':')
  if (rest.length > 0) return refuse(`"${entry}" needs brackets, [host]:port, if it is an IPv6 address`)
  if (host === undefined || !/^[\w.-]+$/.test(host)) return refuse(`"${host}" is not a host name`)
  return { host, port: parsePort(port, refuse) }
}

function parsePort(port: string | undefined, refuse: (why: string) => never): number {
  if (port === undefined) return defaultPort
  const value = Number(port)
  if (!/^\d{1,5}$/.test(port) || value < 1 || value > 65_535) return refuse(`"${port}" is not a port`)
  return value
}

/** A server as hosts strings write it. */
export function formatServer({ host, port }: ServerName): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
