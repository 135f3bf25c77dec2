import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'

/** The Java command: `JAVA_HOME`'s, else the one on the path. */
export function javaCommand(env: Readonly<Record<string, string | undefined>>): string {
  const home = env['JAVA_HOME']
  return home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
}

/** Runs Java to its end; resolves to what it printed, or to null if there is no Java or it failed. */
export function runJava(java: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(java, [...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve(error === null ? stdout + stderr : null)
    })
  })
}

/** What is kept of the output of a JVM, in characters: enough for several stack traces. */
const logTail = 64 * 1024

/**
 * Waits for the end of its input, that is of the parent process, however abruptly that ends, and leaves nothing behind.
 * It ignores the terminal's signals, so that it outlives the parent.
 */
export const watchdogScript = `trap '' INT TERM HUP; read -r _; kill -KILL "$1" 2>/dev/null; rm -rf -- "$2"`

const alive = new Set<ChildProcess>()
let hooked = false

function killAllAtExit(): void {
  if (hooked) return
  hooked = true
  process.on('exit', () => {
    for (const child of alive) child.kill('SIGKILL')
  })
}

export interface JvmOptions {
  readonly java: string
  readonly args: readonly string[]
  /** Where it runs. */
  readonly directory: string
  /** What to remove should this process end without stopping the JVM. */
  readonly removeOnCrash: string
}

/** One JVM as a child process. It never outlives its parent. */
export class Jvm {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #log = ''
  #running = true
  #paused = false

  constructor(options: JvmOptions) {
    killAllAtExit()
    const child = spawn(options.java, [...options.args], { cwd: options.directory, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString('utf8')).slice(-logTail)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    alive.add(child)
    const watchdog = child.pid === undefined ? null : watch(child.pid, options.removeOnCrash)
    this.#exited = new Promise((resolve) => {
      const end = (): void => {
        this.#running = false
        alive.delete(child)
        watchdog?.kill('SIGKILL')
        resolve()
      }
      // `close` comes after the last of the output; `error` alone when it could not be started.
      child.once('close', end)
      child.once('error', (error) => {
        this.#log += String(error)
        end()
      })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get running(): boolean {
    return this.#running
  }

  /** The end of what it has printed. */
  get log(): string {
    return this.#log
  }

  /** Resolves when it is gone. */
  get exited(): Promise<void> {
    return this.#exited
  }

  /** Sends a signal and resolves when the process is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#running) {
      this.#child.kill(signal)
      // A stopped process would keep SIGTERM waiting for ever.
      if (this.#paused) this.#child.kill('SIGCONT')
    }
    await this.#exited
  }

  pause(): void {
    this.#paused = true
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#paused = false
    this.#child.kill('SIGCONT')
  }
}

function watch(pid: number, folder: string): ChildProcess {
  const watchdog = spawn('sh', ['-c', watchdogScript, 'watchdog', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Where there is no shell there is no watchdog; the exit hook remains.
  watchdog.on('error', () => {})
  watchdog.unref()
  const input = watchdog.stdin as unknown as { unref?(): void; on(event: 'error', listener: () => void): void }
  input.on('error', () => {})
  input.unref?.()
  return watchdog
}
