import { hex, type CommandSource } from './source.ts'

/** `dump`: when sessions expire, which ephemerals they have, and the connections. */
export function dump(source: CommandSource): string {
  const { database, connectionCount } = source
  const { sessions, tree } = database
  const expirations = sessions.expirations()
  const lines = ['SessionTracker dump:', `Session Sets (${expirations.length})/(${sessions.size}):`]
  for (const [time, expiring] of expirations) {
    lines.push(`${expiring.size} expire at ${javaDate(wallTime(source, time))}:`)
    for (const { id } of expiring) lines.push(`\t${hex(id)}`)
  }
  lines.push('ephemeral nodes dump:', `Sessions with Ephemerals (${tree.ephemerals.size}):`)
  for (const [id, paths] of tree.ephemerals) {
    lines.push(`${hex(id)}:`)
    for (const path of paths) lines.push(`\t${path}`)
  }
  lines.push('Connections dump:', `Connections Sets (${connectionCount === 0 ? 0 : 1})/(${connectionCount}):`)
  if (connectionCount > 0) {
    const longest = Math.max(...Array.from(source.connections, ({ timeout }) => timeout))
    lines.push(`${connectionCount} expire at ${javaDate(source.settings.runtime.wallClock() + longest)}:`)
    for (const { remote, sessionId } of source.connections) lines.push(`\tip: ${remote} sessionId: ${hex(sessionId)}`)
  }
  return `${lines.join('\n')}\n`
}

function wallTime({ settings: { runtime } }: CommandSource, time: number): number {
  return runtime.wallClock() + time - runtime.now()
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A time as Java's `Date` shows it: `Tue Nov 24 01:09:12 UTC 2026`. */
export function javaDate(time: number): string {
  const date = new Date(time)
  const clock = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  const day = `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${two(date.getUTCDate())}`
  return `${day} ${clock} UTC ${date.getUTCFullYear()}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
