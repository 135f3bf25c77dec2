import type { Socket } from '../../runtime/runtime.ts'

/**
 * Matching of `ip` ACLs, `10.0.0.0/8` or `fe80::/10`. They are compared as bytes, as Java does: an IPv4 address in IPv6
 * clothes (`::ffff:10.0.0.1`) counts as IPv4.
 */

/** The address as Java prints it: IPv6 in eight groups without leading zeros, no `::`. */
export function javaAddress(address: string): string {
  const plain = unmapped(address)
  if (!plain.includes(':')) return plain
  const bytes = ipBytes(plain)
  if (bytes === null) return plain
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16))
  return groups.join(':')
}

/** Whether `expression` is an address, or an address and a number of bits. */
export function isIpAcl(expression: string): boolean {
  return parse(expression) !== null
}

export function matchesIpAcl(address: string, expression: string): boolean {
  const acl = parse(expression)
  const bytes = ipBytes(address)
  if (acl === null || bytes === null || bytes.length !== acl.bytes.length) return false
  for (let i = 0; i < bytes.length; i++) {
    const bits = Math.min(8, Math.max(0, acl.bits - i * 8))
    const mask = 0xff & (0xff00 >> bits)
    if ((bytes[i]! & mask) !== (acl.bytes[i]! & mask)) return false
  }
  return true
}

function parse(expression: string): { readonly bytes: Uint8Array; readonly bits: number } | null {
  const slash = expression.indexOf('/')
  const bytes = ipBytes(slash === -1 ? expression : expression.slice(0, slash))
  if (bytes === null) return null
  if (slash === -1) return { bytes, bits: bytes.length * 8 }
  const bits = javaInt(expression.slice(slash + 1), 10)
  return bits === null || bits < 0 || bits > bytes.length * 8 ? null : { bytes, bits }
}

function unmapped(address: string): string {
  const zone = address.indexOf('%')
  const plain = zone === -1 ? address : address.slice(0, zone)
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(plain) ? plain.slice(7) : plain
}

function ipBytes(address: string): Uint8Array | null {
  return address.includes(':') ? ipv6Bytes(address) : ipv4Bytes(address)
}

function ipv4Bytes(address: string): Uint8Array | null {
  const parts = address.split('.').map((part) => javaInt(part, 10))
  if (parts.length !== 4) return null
  return parts.every((part) => part !== null && part >= 0 && part <= 255) ? Uint8Array.from(parts as number[]) : null
}

function ipv6Bytes(address: string): Uint8Array | null {
  const halves = address.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const [head = [], tail = []] = halves
  if (halves.length > 2) return null
  const count = head.length + tail.length
  if (halves.length === 2 ? count >= 8 : count !== 8) return null
  const groups = [...head, ...Array<string>(8 - count).fill('0'), ...tail]
  const numbers = groups.map((group) => (group.length > 4 ? null : javaInt(group, 16)))
  if (numbers.includes(null)) return null
  return Uint8Array.from((numbers as number[]).flatMap((number) => [number >> 8, number]))
}

/** A number as Java's `Integer.parseInt` takes it: any sign and any zeros may stand in front. Null for what is none. */
function javaInt(text: string, radix: 10 | 16): number | null {
  if (!(radix === 10 ? /^[+-]?\d+$/ : /^[+-]?[\da-f]+$/i).test(text)) return null
  const number = parseInt(text, radix)
  return number === (number | 0) ? number : null
}

/** The other end of a connection as Java shows it: `/127.0.0.1:50123`. */
export function javaPeer({ remoteAddress = '', remotePort = 0 }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  const address = javaAddress(remoteAddress)
  return address.includes(':') ? `/[${address}]:${remotePort}` : `/${address}:${remotePort}`
}
