import { configuration, directories, environment } from './configuration.ts'
import { connections, monitor, summary } from './reports.ts'
import { dump } from './sessions.ts'
import type { CommandSource } from './source.ts'
import { watchesByPath, watchesBySession, watchSummary } from './watches.ts'
import { isEnabled, type CommandWord } from './words.ts'

type Command = (source: CommandSource, argument: Buffer) => string | Promise<string>

const handlers: Readonly<Record<CommandWord, Command>> = {
  conf: configuration,
  cons: connections,
  crst: resetConnections,
  dirs: directories,
  dump: dump,
  envi: environment,
  gtmk: ({ statistics }) => String(statistics.traceMask),
  hash: digests,
  isro: ({ database }) => (database.readOnly ? 'ro' : 'rw'),
  mntr: monitor,
  ruok: () => 'imok',
  srst: resetServer,
  srvr: (source) => summary(source, false),
  stat: (source) => summary(source, true),
  stmk: setTraceMask,
  'telnet close': () => '',
  wchc: watchesBySession,
  wchp: watchesByPath,
  wchs: watchSummary,
}

const commands: ReadonlyMap<string, Command> = new Map(Object.entries(handlers))

/** What a member answers that looks for a leader. */
const answeredAlways: ReadonlySet<string> = new Set(['conf', 'envi', 'gtmk', 'ruok', 'stmk', 'telnet close'])

/** Answers a four-letter word, or refuses one that is not in the whitelist. */
export function answerCommand(word: string, argument: Buffer, source: CommandSource): string | Promise<string> {
  if (!isEnabled(word, source.settings)) return `${word} is not executed because it is not in the whitelist.\n`
  if (!source.database.membership.serving && !answeredAlways.has(word)) {
    return word === 'isro' ? 'null' : 'This ZooKeeper instance is not currently serving requests\n'
  }
  return commands.get(word)?.(source, argument) ?? ''
}

/** `hash`: the digests of trees gone by, to compare with those of other servers. One in memory computes none. */
function digests({ database: { storage } }: CommandSource): string {
  return (storage?.digests ?? []).map(({ zxid, value }) => `${zxid.toString(16)}: ${value}\n`).join('')
}

function resetConnections(source: CommandSource): string {
  for (const connection of source.connections) connection.tally.reset()
  return 'Connection stats reset.\n'
}

function resetServer({ statistics, database }: CommandSource): string {
  const { sessions, proposals, storage, watches } = database
  statistics.reset()
  proposals.reset()
  sessions.expired = 0
  for (const summary of watches.fired.values()) summary.reset()
  storage?.times.syncs.reset()
  storage?.times.snapshots.reset()
  return 'Server stats reset.\n'
}

function setTraceMask({ statistics }: CommandSource, argument: Buffer): string {
  statistics.traceMask = argument.readBigInt64BE()
  return String(statistics.traceMask)
}
