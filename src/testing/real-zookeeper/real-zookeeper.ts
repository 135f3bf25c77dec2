import { join } from 'node:path'

import { nodeRuntime } from '../../runtime/node-runtime.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { checkFlag, checkNumber, checkString } from '../../server/option-checks.ts'
import { checkNames, checkObject } from '../check-options.ts'
import { findZooKeepers, type FoundZooKeeper, versionOf } from './find.ts'
import { freePorts } from './free-port.ts'
import { javaCommand } from './java.ts'
import { type LogLevel, logLevels, type MemberPorts, saslFlags, writeMemberFiles } from './member-files.ts'
import { RealMember } from './member.ts'

/** Options of {@link RealZooKeeper}. */
export interface RealZooKeeperOptions {
  /** Which of those found: `'3.8.0'`, or `'3.8'` for the newest of them. @defaultValue the newest of all */
  readonly version?: string | undefined
  /** The jars as `java -cp` takes them, instead of those found. @defaultValue what {@link findZooKeepers} finds */
  readonly classpath?: string | undefined
  /** 1 for a standalone server, 3 for an ensemble of three. @defaultValue 1 */
  readonly size?: 1 | 3 | undefined
  /** ZooKeeper's unit of time in milliseconds; sessions get between 2 and 20 of them. @defaultValue 500 */
  readonly tickTime?: number | undefined
  /**
   * Lines for `zoo.cfg`, by their keys, on top of the launcher's or instead of them. A function gives each member its
   * own. @defaultValue none
   */
  readonly config?: Readonly<Record<string, string>> | ((member: MemberPlan) => Record<string, string>) | undefined
  /** Flags for Java, after the launcher's own, so that these win. @defaultValue none */
  readonly jvmFlags?: readonly string[] | undefined
  /**
   * Gives each member a TLS port as well; `config` must name the stores (`ssl.keyStore.location`…). @defaultValue false
   */
  readonly secure?: boolean | undefined
  /**
   * SASL: a JAAS configuration with a section `Server` (`DigestLoginModule` or `Krb5LoginModule`). Each member reads it
   * from `jaas.conf` in its own folder, when it starts. @defaultValue none
   */
  readonly jaas?: string | undefined
  /** How much the servers say in their logs. @defaultValue 'WARN' */
  readonly logLevel?: LogLevel | undefined
  /** Milliseconds until a member has to serve, and {@link RealZooKeeper.waitForLeader} to find a leader. @defaultValue 60,000 */
  readonly startTimeout?: number | undefined
  /**
   * The environment: where `ZOOKEEPER_CLASSPATH`, `KAZOO_ZOOKEEPERS_DIR` and `JAVA_HOME` are read.
   * @defaultValue that of this process
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The outside world: files, processes, sockets. @defaultValue that of Node */
  readonly runtime?: Runtime | undefined
}

/** What is known of a member before it starts: what {@link RealZooKeeperOptions.config} is called with. */
export interface MemberPlan {
  /** Its number in the ensemble, from 1 on. */
  readonly id: number
  /** The address that all its ports are on. */
  readonly host: string
  /** The ports of all members, in the order of their ids. */
  readonly ensemble: readonly MemberPorts[]
}

const loopback = '127.0.0.1'

/** For a quick start and a small process, not for throughput. */
const usualJvmFlags = [
  '-Xmx256m',
  '-Xss512k',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-Xshare:auto',
  '-Djava.net.preferIPv4Stack=true',
  '-Dzookeeper.extendedTypesEnabled=true',
  '-Dzookeeper.forceSync=no',
  '-Dzookeeper.jmx.log4j.disable=true',
  '-Dzookeeper.admin.enableServer=false',
]

const usualStartTimeout = 60_000

const names: ReadonlySet<string> = new Set([
  'version',
  'classpath',
  'size',
  'tickTime',
  'config',
  'jvmFlags',
  'secure',
  'jaas',
  'logLevel',
  'startTimeout',
  'env',
  'runtime',
])

/** Milliseconds between two questions whether somebody leads. */
const pollInterval = 25

/** How often another set of ports is tried when one of them was taken in the meantime. */
const portTries = 5

/**
 * A real Apache ZooKeeper for tests: one server or an ensemble of three, on free loopback ports, in a temporary folder.
 *
 * ```ts
 * await using zk = await new RealZooKeeper({ size: 3 }).start()
 * await new KazooClient({ hosts: zk.hosts }).start()
 * await (await zk.leader())?.kill()
 * ```
 *
 * It needs Java and ZooKeeper's jars; see {@link findZooKeepers} for where they are looked for. Its settings suit tests:
 * a short tick, all four-letter words, TTL znodes, reconfiguration, no limit of connections, no fsync. All processes end
 * with `stop()`, and with this process, however that ends.
 */
export class RealZooKeeper {
  readonly #options: RealZooKeeperOptions
  readonly #runtime: Runtime
  #version: string | null = null
  #folder: string | null = null
  #members: RealMember[] = []

  /** Does no I/O. @throws TypeError or RangeError that names the option */
  constructor(options: RealZooKeeperOptions = {}) {
    checkRealOptions(options)
    this.#options = options
    this.#runtime = options.runtime ?? nodeRuntime
  }

  /** The version that runs; empty before `start`. */
  get version(): string {
    return this.#version ?? ''
  }

  /** The members, by their ids. Empty before `start`. */
  get members(): readonly RealMember[] {
    return this.#members
  }

  /** The connect string: all members, in the order of their ids. */
  get hosts(): string {
    return this.#members.map((member) => member.address).join(',')
  }

  /** The connect string of the TLS ports; empty without `secure`. */
  get secureHosts(): string {
    return this.#members
      .filter((member) => member.securePort !== null)
      .map((member) => `${member.host}:${member.securePort}`)
      .join(',')
  }

  /** The temporary folder; null unless started. */
  get folder(): string | null {
    return this.#folder
  }

  /**
   * Finds a ZooKeeper, writes its files, starts its processes, and resolves once every member serves. Where another
   * process has just taken a port, it tries others.
   *
   * @throws Error if there is no ZooKeeper, or not that version; if a member ends or does not serve in time, with the end
   * of its log
   */
  async start(): Promise<this> {
    if (this.#folder !== null) return this
    const zookeeper = await this.#choose()
    this.#version = zookeeper.version
    for (let tries = 1; ; tries++) {
      try {
        await this.#launch(zookeeper.classpath)
        return this
      } catch (error) {
        const taken = this.#members.some((member) => /BindException|Address already in use/.test(member.log))
        await this.stop()
        if (!taken || tries === portTries) throw error
      }
    }
  }

  /** Kills all processes (SIGKILL) and removes the folder. May be called any number of times. */
  async stop(): Promise<void> {
    const members = this.#members
    const folder = this.#folder
    this.#members = []
    this.#folder = null
    await Promise.all(members.map((member) => member.kill()))
    if (folder !== null) await this.#runtime.files.remove(folder)
  }

  /** {@link stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** The member that leads; a standalone server leads itself. Null while there is none. */
  async leader(): Promise<RealMember | null> {
    for (const member of this.#members) {
      const mode = member.running ? await member.mode() : null
      if (mode === 'leader' || mode === 'standalone') return member
    }
    return null
  }

  /** The members that follow; those that cannot be reached are none. */
  async followers(): Promise<RealMember[]> {
    const modes = await Promise.all(this.#members.map((member) => member.mode()))
    return this.#members.filter((_, index) => modes[index] === 'follower')
  }

  /**
   * Resolves with the leader once there is one and every running member serves under it, as after an election. Rejects
   * after the `startTimeout`: without a quorum there is no leader.
   *
   * @throws Error when the time is up
   */
  async waitForLeader(): Promise<RealMember> {
    const { startTimeout = usualStartTimeout } = this.#options
    const deadline = this.#runtime.now() + startTimeout
    for (;;) {
      const leader = await this.leader()
      // For a moment after its leader's death a follower still says that it follows: only a leader proves an election.
      if (leader !== null) {
        await Promise.all(this.#members.filter((member) => member.running).map((member) => member.waitUntilServing()))
        if ((await this.leader()) === leader) return leader
      }
      if (this.#runtime.now() > deadline) throw new Error(`no member leads after ${startTimeout} ms`)
      await new Promise<void>((resolve) => void this.#runtime.setTimer(pollInterval, resolve))
    }
  }

  async #choose(): Promise<Pick<FoundZooKeeper, 'version' | 'classpath'>> {
    const { classpath, version, env } = this.#options
    if (classpath !== undefined) {
      const found = version ?? (await versionOf(classpath, { runtime: this.#runtime, env }))
      if (found === null) throw new Error(`the class path holds no ZooKeeper that Java can run: ${classpath}`)
      return { version: found, classpath }
    }
    const found = await findZooKeepers({ runtime: this.#runtime, env })
    const match = found.find((each) => version === undefined || `${each.version}.`.startsWith(`${version}.`))
    if (match !== undefined) return match
    if (found.length === 0) {
      throw new Error(
        'no Apache ZooKeeper found: it takes Java and the jars (ZOOKEEPER_CLASSPATH, KAZOO_ZOOKEEPERS_DIR)',
      )
    }
    throw new Error(`ZooKeeper ${version} is not among those found: ${found.map((each) => each.version).join(', ')}`)
  }

  async #launch(classpath: string): Promise<void> {
    const { size = 1, secure = false, tickTime = 500, logLevel = 'WARN', config = {}, jvmFlags = [] } = this.#options
    const { jaas } = this.#options
    const { env = process.env, startTimeout = usualStartTimeout } = this.#options
    const runtime = this.#runtime
    const root = await runtime.files.makeTemporaryDirectory('kazoo-zookeeper-')
    this.#folder = root
    const ensemble = await choosePorts(runtime, size, secure)
    for (const [index, ports] of ensemble.entries()) {
      const id = index + 1
      const folder = join(root, String(id))
      const lines = typeof config === 'function' ? config({ id, host: loopback, ensemble }) : config
      await writeMemberFiles(runtime, { id, folder, host: loopback, ensemble, tickTime, logLevel, config: lines, jaas })
      this.#members.push(
        new RealMember({
          runtime,
          id,
          host: loopback,
          port: ports.client,
          securePort: ports.secure,
          folder,
          root,
          java: javaCommand(env),
          classpath,
          jvmFlags: [...usualJvmFlags, ...(jaas === undefined ? [] : saslFlags(folder)), ...jvmFlags],
          startTimeout,
        }),
      )
    }
    await Promise.all(this.#members.map((member) => member.start()))
  }
}

/** @throws TypeError or RangeError that names the option */
function checkRealOptions(options: unknown): void {
  const given = checkNames(options, names)
  for (const name of ['version', 'classpath', 'jaas'] as const) checkString(given[name], name)
  if (checkNumber(given['size'], 'size', 1, 1, 3) === 2) throw new RangeError('size must be 1 or 3, not 2')
  checkNumber(given['tickTime'], 'tickTime', 1, 1)
  checkNumber(given['startTimeout'], 'startTimeout', 1, 1)
  checkFlag(given['secure'], 'secure', false)
  const { config, jvmFlags, logLevel } = given
  if (typeof config !== 'function' && config !== undefined) checkObject(config, 'config')
  if (jvmFlags !== undefined && !Array.isArray(jvmFlags)) throw new TypeError('jvmFlags must be an array of strings')
  if (logLevel !== undefined && !logLevels.has(logLevel)) {
    throw new RangeError(`logLevel must be one of ${[...logLevels].join(', ')}`)
  }
}

async function choosePorts(runtime: Runtime, size: number, secure: boolean): Promise<MemberPorts[]> {
  const each = size === 1 ? 1 : 3
  const ports = await freePorts(runtime, size * (each + (secure ? 1 : 0)))
  const next = (): number => ports.pop() ?? 0
  return Array.from({ length: size }, () => ({
    client: next(),
    quorum: size === 1 ? 0 : next(),
    election: size === 1 ? 0 : next(),
    secure: secure ? next() : null,
  }))
}
