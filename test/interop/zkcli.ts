import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, open, readFile, rm, watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'

import { javaCommand } from '../../src/testing/real-zookeeper/java.ts'

/** What zkCli needs beside ZooKeeper's jars, as Debian's packages bring it. */
const SYSTEM_COMMONS_CLI = '/usr/share/java/commons-cli.jar'

/** What it says to `redo 1000000`, with a connection or without. */
const END_OF_COMMAND = 'Command index out of range'

/** What a command leads to that zkCli does not wait for, and what would race with the command behind it. */
const consequences: readonly (readonly [command: RegExp, event: string])[] = [
  [/^addauth (nonsense|digest$)/, 'WatchedEvent state:AuthFailed'],
]

/** The longest that one run may take, in ms. */
const LIMIT = 120_000

/** The class path with which zkCli runs; null where the jar of commons-cli, which a server does not need, is missing. */
export function zkCliClasspath(classpath: string): string | null {
  const names = classpath
    .split(delimiter)
    .flatMap((entry) => (entry.endsWith('*') ? readdirSync(dirname(entry)) : [basename(entry)]))
  if (names.some((name) => /^commons-cli.*\.jar$/.test(name))) return classpath
  return existsSync(SYSTEM_COMMONS_CLI) ? `${classpath}${delimiter}${SYSTEM_COMMONS_CLI}` : null
}

/** A command and what zkCli printed to it, the events aside, and the events of its watches. */
export interface ZkCliAnswer {
  readonly command: string
  readonly output: readonly string[]
  readonly events: readonly string[]
}

/**
 * Types the commands into one zkCli and gives what it printed to each, the first being what it says when it starts.
 *
 * `flags` are for Java. A `sync` follows each command: its answer comes through the thread that prints the events, so that these are out by then.
 */
export async function runZkCli(
  classpath: string,
  port: number,
  commands: readonly string[],
  flags: readonly string[] = [],
): Promise<ZkCliAnswer[]> {
  const address = `127.0.0.1:${port}`
  const folder = await mkdtemp(join(tmpdir(), 'kazoo-zkcli-'))
  const output = await open(join(folder, 'output'), 'w')
  try {
    // Both streams into one file, so that what they say keeps its order.
    const child = spawn(
      javaCommand(process.env),
      [
        ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Duser.language=en'],
        ...['-Dfile.encoding=UTF-8', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-Duser.timezone=UTC'],
        ...flags,
        ...['-cp', classpath, 'org.apache.zookeeper.ZooKeeperMain'],
        ...['-server', address, '-timeout', '10000', '-waitforconnection'],
      ],
      { stdio: ['pipe', output.fd, output.fd], timeout: LIMIT, killSignal: 'SIGKILL' },
    )
    const input = child.stdin!
    input.on('error', () => {}) // it ended early; what it printed tells why
    const exited = once(child, 'exit')
    let awaited = 0
    for (const command of ['', ...commands]) {
      const line = command.replace('ADDRESS', address)
      const event = consequences.find(([pattern]) => pattern.test(command))?.[1]
      if (event !== undefined) {
        input.write(`${line}\n`)
        await printed(child, join(folder, 'output'), event, ++awaited)
        input.write(`sync /\nredo 1000000\n`)
      } else input.write(`${line}\nsync /\nredo 1000000\n`)
    }
    input.end()
    await exited
    const answers = split(await readFile(join(folder, 'output'), 'utf8'), ['', ...commands])
    // A command that ends it, or that was taken for the end of another, would go unnoticed on both sides alike.
    if (answers.length !== commands.length + 1) {
      throw new Error(
        `zkCli ended (${child.exitCode}) at its answer ${answers.length}: ${JSON.stringify(answers.at(-1))}`,
      )
    }
    return answers
  } finally {
    await output.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Resolves once the event stands in the output so many times, or zkCli has ended. */
async function printed(child: ChildProcess, path: string, event: string, times: number): Promise<void> {
  const over = new AbortController()
  child.once('exit', () => over.abort())
  try {
    const changes = watch(path, { signal: over.signal })
    const next = changes[Symbol.asyncIterator]()
    // The watch begins with the first call of `next`, so that nothing is missed between it and the look.
    for (let change = next.next(); child.exitCode === null; await change, change = next.next()) {
      change.catch(() => {})
      if ((await readFile(path, 'utf8')).split(event).length > times) return
    }
  } catch (error) {
    if (!over.signal.aborted) throw error
  } finally {
    over.abort()
  }
}

function split(text: string, commands: readonly string[]): ZkCliAnswer[] {
  const normalised = normalise(text)
  return normalised.split(`${END_OF_COMMAND}\n`).map((part, index) => {
    const command = commands[index] ?? ''
    const lines = part.split('\n').filter((line) => line !== '' && line !== 'WATCHER::')
    // These come in the order of a hash table: the server's, or the client's own, by where its objects lie.
    if (command === 'whoami' || command.startsWith('removewatches')) lines.sort()
    return {
      command,
      output: lines.filter((line) => !line.startsWith('WatchedEvent')),
      events: lines.filter((line) => line.startsWith('WatchedEvent') && !line.includes('state:Closed')),
    }
  })
}

/** Leaves out what no two servers share: ports, session ids, and the times of this day. */
function normalise(text: string): string {
  const sessions = new Map<string, string>()
  return text
    .replaceAll(/127\.0\.0\.1:\d{4,5}/g, 'ADDRESS')
    .replaceAll(/^((?:c|m)time = ).*(?<!1970)$/gm, '$1TIME')
    .replaceAll(/^\[\/.*, \/.*\]$/gm, (list) => list.slice(1, -1).split(', ').toSorted().join(', '))
    .replaceAll(/0x[0-9a-f]{12,16}\b/g, (id) => {
      const name = sessions.get(id) ?? `SESSION ${sessions.size + 1}`
      sessions.set(id, name)
      return name
    })
}
