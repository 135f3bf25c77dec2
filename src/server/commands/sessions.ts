import type { Session } from '../session-table.ts'
import { hex, type CommandSource } from './source.ts'

/** `dump`: when sessions expire, which ephemerals they have, and when connections do. */
export function dump(source: CommandSource): string {
  const { ephemerals } = source.database.tree
  const lines = ['SessionTracker dump:', ...sessionLines(source)]
  lines.push('ephemeral nodes dump:', `Sessions with Ephemerals (${ephemerals.size}):`)
  for (const [id, paths] of ephemerals) {
    lines.push(`${hex(id)}:`)
    for (const path of paths) lines.push(`\t${path}`)
  }
  lines.push('Connections dump:', ...connectionLines(source))
  return `${lines.join('\n')}\n`
}

/** A follower knows the sessions, and leaves it to its leader when they expire. Without a quorum it has some of its own. */
function sessionLines(source: CommandSource): string[] {
  const { sessions, membership, readOnly } = source.database
  const { role } = membership
  if (!readOnly && (role === 'standalone' || role === 'leader'))
    return setLines(source, 'Session', sessions.expirations())
  const all = [...sessions.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const shared = all.filter(({ isLocal }) => !isLocal)
  const own = sessions.expirations((session) => session.isLocal)
  return [
    ...(readOnly ? setLines(source, 'Local Session', own) : []),
    `Global Sessions(${shared.length}):`,
    ...shared.map(({ id, timeout }) => `${hex(id)}\t${timeout}ms`),
  ]
}

function setLines(source: CommandSource, name: string, sets: [time: number, sessions: readonly Session[]][]): string[] {
  return expiryLines(
    source,
    name,
    sets.map(([time, expiring]) => [time, expiring.map(({ id }) => hex(id))]),
  )
}

/** Milliseconds. Connections are looked at in turns of this length, and a client without a session may take one. */
const connectionTurn = 10_000

function connectionLines(source: CommandSource): string[] {
  const sets = new Map<number, string[]>()
  for (const { remote, sessionId, timeout, heardAt } of source.connections) {
    const time = (Math.floor((heardAt + (timeout || connectionTurn)) / connectionTurn) + 1) * connectionTurn
    const line = `ip: ${remote} sessionId: ${hex(sessionId)}`
    const set = sets.get(time)
    if (set === undefined) sets.set(time, [line])
    else set.push(line)
  }
  const inOrder = [...sets].toSorted(([a], [b]) => a - b)
  return expiryLines(source, 'Connections', inOrder)
}

/** What expires when, by ticks of the monotonic clock. */
function expiryLines(
  source: CommandSource,
  name: string,
  sets: [time: number, members: readonly string[]][],
): string[] {
  const count = sets.reduce((sum, [, members]) => sum + members.length, 0)
  const lines = [`${name} Sets (${sets.length})/(${count}):`]
  for (const [time, members] of sets) {
    lines.push(`${members.length} expire at ${javaDate(wallTime(source, time))}:`)
    for (const member of members) lines.push(`\t${member}`)
  }
  return lines
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
