import {
  OperationTimeoutError,
  type CallOptions,
  type KazooClient,
  type KazooRetry,
  type StateListener,
  type WatchListener,
  type WatchedEvent,
} from '../client/index.ts'
import { offAbort, onAbort } from '../common/abort-listeners.ts'
import { deferred } from '../common/deferred.ts'
import { ConnectionClosedError } from '../common/errors.ts'
import { checkPath, describeType } from '../common/paths.ts'
import { reportUncaught } from '../common/report-uncaught.ts'
import { Latest } from './latest.ts'

/** Why a watch ended. */
export interface WatchEnd {
  /**
   * - `stopped`: by `stop()`, `await using`, or by leaving the only iterator of a watch without a function
   * - `returned-false`: its function returned `false`
   * - `client-stopped`: the client was stopped, or gave up
   * - `failed`: with `error`, which trying again would not help (`NoAuthError`…)
   */
  readonly reason: 'stopped' | 'returned-false' | 'client-stopped' | 'failed'
  /** Why it failed; only with `failed`. */
  readonly error?: Error
}

/**
 * A value that follows a znode: read at the start and after every change, over reconnects, new sessions, and deletion
 * and re-creation of the znode. What happens between two reads is seen as one change.
 *
 * The base of `DataWatch` and `ChildrenWatch`.
 *
 * @typeParam Snapshot - what is read and compared
 * @typeParam Value - what of it the user sees
 */
export abstract class ZnodeWatch<Snapshot, Value> {
  /** The path that is watched, as given. */
  readonly path: string
  /** Resolves when the watch has ended, and says why; it never rejects. */
  readonly closed: Promise<WatchEnd>
  protected readonly client: KazooClient
  readonly #hasFunction: boolean
  readonly #end = deferred<WatchEnd>()
  readonly #latest: Latest<Value>
  readonly #retry: KazooRetry
  readonly #giveUp = new AbortController()
  #state: 'idle' | 'started' | 'ended' = 'idle'
  #starting: Promise<this> | null = null
  #current: { readonly snapshot: Snapshot } | null = null
  /** What to read for: set by an event, a new session, or the start. */
  #stale = false
  #event: WatchedEvent | undefined
  #reading = false

  constructor(client: KazooClient, path: string, fn: unknown) {
    checkPath(path)
    if (fn !== undefined && typeof fn !== 'function') {
      throw new TypeError(`the watch function must be a function, not ${describeType(fn)}`)
    }
    this.client = client
    this.path = path
    this.#hasFunction = fn !== undefined
    this.closed = this.#end.promise
    this.#latest = new Latest<Value>(() => {
      if (!this.#hasFunction) void this.stop()
    })
    this.#retry = client.commandRetry.copy({
      maxTries: -1,
      deadline: undefined,
      ignoreExpire: true,
      runtime: client.runtime,
      signal: this.#giveUp.signal,
    })
  }

  /** Reads the value and sets the server's watch. */
  protected abstract read(options: { watch: WatchListener; signal: AbortSignal }): Promise<Snapshot>
  /** Whether two snapshots are different states of the znode. */
  protected abstract differs(before: Snapshot, after: Snapshot): boolean
  protected abstract valueOf(snapshot: Snapshot): Value
  /** Calls the user's function. */
  protected abstract call(value: Value, event: WatchedEvent | undefined): unknown

  /**
   * Reads the value for the first time, and resolves once the function was called with it. `signal` and `timeout`
   * limit that, not the watch.
   *
   * @throws what the first read failed with; the watch has ended then
   */
  start(limits: CallOptions = {}): Promise<this> {
    this.#starting ??= this.#start(limits)
    return this.#starting
  }

  /** Ends the watch. The function is not called again; iterators end. */
  stop(): Promise<void> {
    this.#finish({ reason: 'stopped' })
    return Promise.resolve()
  }

  /** {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** The value as it is, then each newer one; a slow reader skips to the latest. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Value, undefined> {
    return this.#latest.iterate()
  }

  async #start({ signal, timeout }: CallOptions): Promise<this> {
    if (this.#state === 'ended') throw new ConnectionClosedError('the watch has ended', { path: this.path })
    this.#state = 'started'
    this.client.addListener(this.#onState)
    const aborted = (): void => this.#giveUp.abort(signal?.reason)
    if (signal?.aborted === true) aborted()
    else onAbort(signal, aborted)
    const onTimeout = (): void => {
      const details = { op: 'start', path: this.path }
      this.#giveUp.abort(new OperationTimeoutError(`the first read took longer than ${timeout} ms`, details))
    }
    const timer = timeout === undefined ? undefined : this.client.runtime.setTimer(timeout, onTimeout)
    this.#reading = true
    try {
      const snapshot = await this.#read()
      timer?.cancel()
      offAbort(signal, aborted)
      await this.#deliver(snapshot, undefined)
    } catch (error) {
      this.#finish({ reason: 'failed', error: error as Error })
      throw error
    } finally {
      timer?.cancel()
      offAbort(signal, aborted)
      this.#reading = false
    }
    if (this.#stale) void this.#refresh()
    return this
  }

  #read(): Promise<Snapshot> {
    return this.#retry.run(() => this.read({ watch: this.#onEvent, signal: this.#giveUp.signal }))
  }

  readonly #onEvent = (event: WatchedEvent): void => {
    this.#event = event
    this.#stale = true
    void this.#refresh()
  }

  readonly #onState: StateListener = (state, { stopped }) => {
    if (state === 'LOST') {
      // The session took its watches with it.
      this.#stale = true
      if (stopped) this.#finish({ reason: 'client-stopped' })
    } else if (state === 'CONNECTED' && this.#stale) {
      void this.#refresh()
    }
  }

  async #refresh(): Promise<void> {
    if (this.#reading || this.#state !== 'started') return
    this.#reading = true
    try {
      while (this.#stale && this.#isStarted()) {
        this.#stale = false
        // The event that this read is for; one that comes while it is under way belongs to the next.
        const event = this.#event
        this.#event = undefined
        await this.#deliver(await this.#read(), event)
      }
    } catch (error) {
      // The client is being restarted: the next CONNECTED goes on from here.
      if (error instanceof ConnectionClosedError) this.#stale = true
      else this.#finish({ reason: 'failed', error: error as Error })
    } finally {
      this.#reading = false
    }
  }

  async #deliver(snapshot: Snapshot, event: WatchedEvent | undefined): Promise<void> {
    if (!this.#isStarted()) return
    if (this.#current !== null && !this.differs(this.#current.snapshot, snapshot)) return
    this.#current = { snapshot }
    const value = this.valueOf(snapshot)
    this.#latest.set(value)
    try {
      if ((await this.call(value, event)) === false) this.#finish({ reason: 'returned-false' })
    } catch (error) {
      reportUncaught(error)
    }
  }

  /** Asked anew after each await. */
  #isStarted(): boolean {
    return this.#state === 'started'
  }

  #finish(end: WatchEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.client.removeListener(this.#onState)
    this.client.unwatch(this.path, this.#onEvent)
    this.#current = null
    this.#giveUp.abort(new ConnectionClosedError('the watch has ended', { path: this.path }))
    this.#latest.end(end.error)
    this.#end.resolve(end)
  }
}
