import { delimiter, join } from 'node:path'

import type { Runtime, TlsOptions } from '../../runtime/runtime.ts'
import { sendFourLetterWord } from '../four-letter-word.ts'
import { Jvm } from './java.ts'

/** What a member says it is; `null` while it does not serve, or cannot be reached. */
export type MemberMode = 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only' | null

export interface MemberOptions {
  readonly runtime: Runtime
  readonly id: number
  readonly host: string
  readonly port: number
  readonly securePort: number | null
  readonly folder: string
  /** Removed if this process crashes. */
  readonly root: string
  readonly java: string
  readonly classpath: string
  readonly jvmFlags: readonly string[]
  /** In milliseconds. */
  readonly startTimeout: number
}

/** Options of {@link RealMember.start} and {@link RealMember.restart}. */
export interface MemberStartOptions {
  /** Wait until it serves, which a member without a quorum never does. @defaultValue true */
  readonly wait?: boolean
}

/** Milliseconds between two questions whether it serves. */
const pollInterval = 25

/** How much of the log an error shows, in characters. */
const shownLog = 5_000

/** One server process of a `RealZooKeeper`, which makes it: to be killed, paused, restarted and asked. */
export class RealMember {
  readonly #options: MemberOptions
  #jvm: Jvm | null = null

  /** @internal */
  constructor(options: MemberOptions) {
    this.#options = options
  }

  /** Its number in the ensemble, from 1 on. */
  get id(): number {
    return this.#options.id
  }

  /** The address that it listens on. */
  get host(): string {
    return this.#options.host
  }

  /** The port for clients without TLS; the same over restarts. */
  get port(): number {
    return this.#options.port
  }

  /** The TLS port, if there is one. */
  get securePort(): number | null {
    return this.#options.securePort
  }

  /** `host:port` */
  get address(): string {
    return `${this.host}:${this.port}`
  }

  /** The member's own folder, with `zoo.cfg`, `data/` and `log/`. */
  get folder(): string {
    return this.#options.folder
  }

  /** The id of the latest process, which may have ended; undefined before the first start. */
  get pid(): number | undefined {
    return this.#jvm?.pid
  }

  /** Whether its process runs; a paused one does. */
  get running(): boolean {
    return this.#jvm?.running ?? false
  }

  /** The end of what the latest process has printed, at most 64 Ki characters. */
  get log(): string {
    return this.#jvm?.log ?? ''
  }

  /**
   * Starts the process and waits until it serves. Does not start a second one beside a running one.
   *
   * @throws Error, with the end of its log, if it ends or does not serve within the `startTimeout`
   */
  async start(options: MemberStartOptions = {}): Promise<this> {
    if (!this.running) this.#spawn()
    if (options.wait ?? true) await this.waitUntilServing()
    return this
  }

  /** Ends the process with SIGTERM and waits until it is gone. */
  async stop(): Promise<void> {
    await this.#jvm?.end('SIGTERM')
  }

  /** Ends the process with SIGKILL, as a crash would, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#jvm?.end('SIGKILL')
  }

  /** Ends the process with SIGTERM and starts another, as {@link start} does. */
  async restart(options: MemberStartOptions = {}): Promise<this> {
    await this.stop()
    return await this.start(options)
  }

  /** Stops the process where it stands (SIGSTOP): its connections stay open, and nothing is answered. */
  pause(): void {
    this.#jvm?.pause()
  }

  /** Lets a paused process go on. */
  resume(): void {
    this.#jvm?.resume()
  }

  /**
   * The answer to a four-letter word (`srvr`, `mntr`…), as `sendFourLetterWord` gets it. `tls` asks at the TLS port;
   * `timeout` is in milliseconds, 2,000 by default.
   */
  command(word: string, options: { timeout?: number; tls?: TlsOptions } = {}): Promise<string> {
    const port = options.tls === undefined ? this.port : (this.securePort ?? this.port)
    return sendFourLetterWord(this.#options.runtime, { host: this.host, port }, word, options)
  }

  /** What it says it is, by `srvr`; null while it does not serve, or does not answer within two seconds. Never rejects. */
  async mode(): Promise<MemberMode> {
    const answer = await this.command('srvr').catch(() => '')
    return modeIn(answer)
  }

  /** Resolves once it serves clients; rejects with the end of its log if it ends, or takes too long. */
  async waitUntilServing(): Promise<MemberMode> {
    const { runtime, startTimeout } = this.#options
    const deadline = runtime.now() + startTimeout
    for (;;) {
      const mode = await this.mode()
      if (mode !== null) return mode
      if (!this.running) throw this.#failed('ended at its start')
      if (runtime.now() > deadline) throw this.#failed(`does not serve after ${startTimeout} ms`)
      await pause(runtime, pollInterval)
    }
  }

  #failed(how: string): Error {
    return new Error(`ZooKeeper's member ${this.id} ${how}. The end of its log:\n${this.log.slice(-shownLog)}`)
  }

  #spawn(): void {
    const { java, classpath, jvmFlags, folder, root } = this.#options
    this.#jvm = new Jvm({
      java,
      args: [
        ...jvmFlags,
        '-cp',
        [join(folder, 'conf'), classpath].join(delimiter),
        'org.apache.zookeeper.server.quorum.QuorumPeerMain',
        join(folder, 'zoo.cfg'),
      ],
      directory: folder,
      removeOnCrash: root,
    })
  }
}

/** What `srvr` says the server is. */
function modeIn(srvr: string): MemberMode {
  return (/^Mode: (standalone|leader|follower|observer|read-only)/m.exec(srvr)?.[1] as MemberMode | undefined) ?? null
}

/** The version in the answer to `srvr`, without the commit. */
export function versionIn(srvr: string): string | null {
  return /^Zookeeper version: (\d+\.\d+\.\d+)/m.exec(srvr)?.[1] ?? null
}

function pause(runtime: Runtime, delay: number): Promise<void> {
  return new Promise((resolve) => void runtime.setTimer(delay, resolve))
}
