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
  /** ms */
  readonly startTimeout: number
}

export interface MemberStartOptions {
  /** Wait until it serves, which a member without a quorum never does. Default true. */
  readonly wait?: boolean
}

const POLL = 25

/** How much of the log an error shows, in characters. */
const SHOWN_LOG = 5_000

/** One server process of a {@link RealZooKeeper}. */
export class RealMember {
  readonly #options: MemberOptions
  #jvm: Jvm | null = null

  constructor(options: MemberOptions) {
    this.#options = options
  }

  /** Its number in the ensemble, from 1 on. */
  get id(): number {
    return this.#options.id
  }

  get host(): string {
    return this.#options.host
  }

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

  /** Of the latest process. */
  get pid(): number | undefined {
    return this.#jvm?.pid
  }

  get running(): boolean {
    return this.#jvm?.running ?? false
  }

  /** The end of what the latest process has printed. */
  get log(): string {
    return this.#jvm?.log ?? ''
  }

  /** Starts the process and waits until it serves. Does not start a second one beside a running one. */
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

  /** The answer to a four-letter word. `tls` asks at the TLS port. */
  command(word: string, options: { timeout?: number; tls?: TlsOptions } = {}): Promise<string> {
    const port = options.tls === undefined ? this.port : (this.securePort ?? this.port)
    return sendFourLetterWord(this.#options.runtime, { host: this.host, port }, word, options)
  }

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
      await pause(runtime, POLL)
    }
  }

  #failed(how: string): Error {
    return new Error(`ZooKeeper's member ${this.id} ${how}. The end of its log:\n${this.log.slice(-SHOWN_LOG)}`)
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
