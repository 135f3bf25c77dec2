import { hex, type CommandSource } from './source.ts'

/** `wchs`: how many watches there are. As in ZooKeeper, the three words know of data watches alone. */
export function watchSummary({ database: { watches } }: CommandSource): string {
  const { watcherCount, pathCount, size } = watches.data
  return `${watcherCount} connections watching ${pathCount} paths\nTotal watches:${size}\n`
}

/** `wchp`: the sessions that watch each path. */
export function watchesByPath(source: CommandSource): string {
  const ids = sessionIds(source)
  let text = ''
  for (const [path, watchers] of source.database.watches.data.paths()) {
    text += `${path}\n`
    for (const watcher of watchers) text += `\t${hex(ids.get(watcher) ?? null)}\n`
  }
  return `${text}\n`
}

/** `wchc`: the paths that each session watches. */
export function watchesBySession(source: CommandSource): string {
  const ids = sessionIds(source)
  let text = ''
  for (const [watcher, paths] of source.database.watches.data.watchers()) {
    text += `${hex(ids.get(watcher) ?? null)}\n`
    for (const path of paths) text += `\t${path}\n`
  }
  return `${text}\n`
}

function sessionIds({ connections }: CommandSource): ReadonlyMap<unknown, bigint | null> {
  return new Map<unknown, bigint | null>(Array.from(connections, (connection) => [connection, connection.sessionId]))
}
