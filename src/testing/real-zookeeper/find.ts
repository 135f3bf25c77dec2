import { basename, delimiter, dirname, join } from 'node:path'

import { nodeRuntime } from '../../runtime/node-runtime.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { javaCommand, runJava } from './java.ts'

/** The jars of one Apache ZooKeeper. */
export interface FoundZooKeeper {
  /** As `'3.8.0'`. */
  readonly version: string
  /** What Java's `-cp` takes. */
  readonly classpath: string
  /** Where it was found: the variable of the environment, or the system's folder of jars. */
  readonly source: 'ZOOKEEPER_CLASSPATH' | 'KAZOO_ZOOKEEPERS_DIR' | 'system'
}

/** Options of {@link findZooKeepers}. */
export interface FindOptions {
  /** The outside world: files and processes. @defaultValue that of Node */
  readonly runtime?: Runtime | undefined
  /** Where `ZOOKEEPER_CLASSPATH`, `KAZOO_ZOOKEEPERS_DIR` and `JAVA_HOME` are read. @defaultValue this process's */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}

/** Where Debian's packages put jars. */
const systemJars = '/usr/share/java'

/** One of these prints the log; without any, SLF4J says nothing at all. */
const systemLoggers: readonly (readonly string[])[] = [['slf4j-simple.jar'], ['slf4j-log4j12.jar', 'log4j-1.2.jar']]

/** What TLS takes besides (ZooKeeper then serves through Netty), and the manifest leaves out. */
const systemNetty = ['netty-codec.jar', 'netty-resolver.jar', 'netty-transport-native-unix-common.jar']

/**
 * All Apache ZooKeepers on this machine, the newest first; none without Java.
 *
 * Looks at the environment's `ZOOKEEPER_CLASSPATH` (jars or folders, as for `java -cp`), at `KAZOO_ZOOKEEPERS_DIR` (a
 * folder with one folder of jars per version), and in Debian's folder of jars (`/usr/share/java`). The first source of a
 * version wins. It never rejects: what cannot be read is not there.
 */
export async function findZooKeepers(options: FindOptions = {}): Promise<FoundZooKeeper[]> {
  const { runtime = nodeRuntime, env = process.env } = options
  const java = javaCommand(env)
  if ((await runJava(java, ['-version'])) === null) return []

  const candidates: Omit<FoundZooKeeper, 'version'>[] = []
  const given = env['ZOOKEEPER_CLASSPATH']
  if (given !== undefined && given !== '') candidates.push({ classpath: given, source: 'ZOOKEEPER_CLASSPATH' })
  const folder = env['KAZOO_ZOOKEEPERS_DIR']
  if (folder !== undefined && folder !== '') {
    for (const name of (await namesIn(runtime, folder)).toSorted()) {
      const classpath = await jarsIn(runtime, join(folder, name))
      if (classpath !== null) candidates.push({ classpath, source: 'KAZOO_ZOOKEEPERS_DIR' })
    }
  }
  const system = await systemClasspath(runtime)
  if (system !== null) candidates.push({ classpath: system, source: 'system' })

  const found = new Map<string, FoundZooKeeper>()
  for (const { classpath, source } of candidates) {
    const version = await versionOf(classpath, { runtime, env })
    if (version !== null && !found.has(version)) found.set(version, { version, classpath, source })
  }
  return [...found.values()].toSorted((a, b) => compareVersions(b.version, a.version))
}

/** Which ZooKeeper a class path holds: told by the name of its jar, else by ZooKeeper itself. Null if there is none. */
export async function versionOf(classpath: string, options: FindOptions = {}): Promise<string | null> {
  const { runtime = nodeRuntime, env = process.env } = options
  for (const entry of classpath.split(delimiter)) {
    const names = entry.endsWith('*') ? await namesIn(runtime, dirname(entry)) : [basename(entry)]
    for (const name of names) {
      const version = versionInName(name)
      if (version !== null) return version
    }
  }
  const said = await runJava(javaCommand(env), ['-cp', classpath, 'org.apache.zookeeper.version.VersionInfoMain'])
  return /version (\d+\.\d+\.\d+[\w.-]*)/.exec(said ?? '')?.[1] ?? null
}

/** Negative when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(/[.-]/)
  const right = b.split(/[.-]/)
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = Number.parseInt(left[i] ?? '0', 10) - Number.parseInt(right[i] ?? '0', 10)
    if (difference !== 0 && !Number.isNaN(difference)) return difference
  }
  return 0
}

function versionInName(name: string): string | null {
  return /^zookeeper-(\d+\.\d+\.\d+[\w.-]*)\.jar$/.exec(name)?.[1] ?? null
}

async function jarsIn(runtime: Runtime, folder: string): Promise<string | null> {
  // Apache's own archive keeps its jars in lib/.
  for (const candidate of [folder, join(folder, 'lib')]) {
    if ((await namesIn(runtime, candidate)).some((name) => versionInName(name) !== null)) return join(candidate, '*')
  }
  return null
}

async function systemClasspath(runtime: Runtime): Promise<string | null> {
  const names = new Set(await namesIn(runtime, systemJars))
  // Its manifest names what else it needs. The name with the version tells the version without asking Java.
  const jar =
    [...names].find((name) => versionInName(name) !== null) ?? (names.has('zookeeper.jar') ? 'zookeeper.jar' : null)
  if (jar === null) return null
  const logger = systemLoggers.find((jars) => jars.every((name) => names.has(name))) ?? []
  return [jar, ...logger, ...systemNetty.filter((name) => names.has(name))]
    .map((name) => join(systemJars, name))
    .join(delimiter)
}

async function namesIn(runtime: Runtime, folder: string): Promise<string[]> {
  try {
    return await runtime.files.list(folder)
  } catch {
    return [] // not a folder, or not ours to read
  }
}
