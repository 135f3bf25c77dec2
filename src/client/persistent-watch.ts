import { AsyncReader } from '../common/async-reader.ts'
import { deferred } from '../common/deferred.ts'
import { ConnectionClosedError, NoWatcherError, OperationTimeoutError, ZooKeeperError } from '../common/errors.ts'
import { addChroot } from '../common/paths.ts'
import { reportUncaught } from '../common/report-uncaught.ts'
import { operations } from '../protocol/operations.ts'
import type { Timer } from '../runtime/runtime.ts'
import { limited } from '../session/limited.ts'
import type { CallOptions } from '../session/request.ts'
import type { Session } from '../session/session.ts'
import type { StateListener } from '../session/state-listeners.ts'
import type { WatchedEvent, WatchRegistry } from '../session/watches/watch-registry.ts'
import { checkOptions, optionNames } from './arguments.ts'
import type { ClientCore } from './client-core.ts'
import { ExistsRequest } from './requests.ts'
import { AddWatchRequest, RemoveWatchRequest, RestoreWatchesRequest, type LastingKind } from './watch-requests.ts'

/**
 * What a lasting watch tells: an event, or `RESYNC`, which says that events may have been missed, so that what was read
 * before has to be read again.
 */
export type PersistentWatchEvent = WatchedEvent | { readonly type: 'RESYNC'; readonly path: string }

/** Called with each event of a lasting watch. What it throws is reported as an uncaught exception, and ends nothing. */
export type PersistentWatchListener = (event: PersistentWatchEvent) => void

/** What nobody waits for must not end by the client's `requestTimeout`: it would not be made again. */
const unlimited: CallOptions = { timeout: Infinity }

const stopNames = optionNames()

/** Milliseconds until the watch is set again where the server, or the client, was overloaded. */
const retryAfter = 1_000

/** An iterator that is this far behind is told to resync, and what it had not taken is dropped. */
const backlogLimit = 10_000

/**
 * A watch that lasts, over reconnects and new sessions, until it is stopped. Made by `client.watch`.
 *
 * A server does not replay what happened while nobody was connected (ZOOKEEPER-4698): after each reconnect the watch
 * tells `RESYNC`, with the path it is on, before anything else. An iterator may be up to 10,000 events behind: what is more
 * is dropped, and the iterator is told `RESYNC` in its place.
 */
export class PersistentWatch {
  /** The caller's path, chroot removed. */
  readonly path: string
  /** Whether all below the znode is watched, too. */
  readonly recursive: boolean
  /** Resolves when the watch has ended: with the error that ended it, or undefined. It never rejects. */
  readonly closed: Promise<Error | undefined>
  readonly #core: ClientCore
  readonly #chroot: string
  readonly #kind: LastingKind
  readonly #listener: PersistentWatchListener | undefined
  readonly #readers = new Set<AsyncReader<PersistentWatchEvent>>()
  /** What is told before there is an iterator, for the first one. */
  #early: AsyncReader<PersistentWatchEvent> | null
  readonly #end = deferred<Error | undefined>()
  #state: 'starting' | 'armed' | 'ended' = 'starting'
  /** The session took the watch with it, or the connection the knowledge of it. */
  #missed = false
  #retry: Timer | undefined

  /** @internal */
  constructor(
    core: ClientCore,
    chroot: string,
    path: string,
    recursive: boolean,
    listener: PersistentWatchListener | undefined,
  ) {
    this.#core = core
    this.#chroot = chroot
    this.path = path
    this.recursive = recursive
    this.#kind = recursive ? 'recursive' : 'persistent'
    this.#listener = listener
    this.closed = this.#end.promise
    this.#early = listener === undefined ? this.#reader() : null
  }

  /** Resolves to the watch itself, in the reply's own handler. @internal */
  start(limits: CallOptions): Promise<this> {
    const request = this.#arm(limits)
    request.onEnd((failure) => {
      if (failure !== null) this.#finish(undefined)
    })
    return request.promise
  }

  /**
   * Removes the watch, here and on the server. Nothing is told afterwards; iterators end. Does not wait for a
   * connection: a watch that is not set again is gone with the last.
   *
   * @param options - limits of the wait for the server; it is told in any case
   * @throws OperationTimeoutError; `signal.reason`
   */
  async stop(options: CallOptions = {}): Promise<void> {
    checkOptions(options, stopNames)
    if (this.#state === 'ended') return
    this.#finish(undefined)
    const session = this.#core.session
    if (session?.watches.remove(this.#kind, this.#serverPath, this.#onEvent) !== true) return
    const timedOut = (): Error =>
      new OperationTimeoutError(`timed out after ${options.timeout} ms: stop ${this.path}`, {
        op: 'removeWatch',
        path: this.path,
        maybeApplied: true,
      })
    await limited(this.#core.options.runtime, this.#withdraw(session), options, timedOut)
  }

  /** {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /**
   * Events in the order in which they came: the first iterator of a watch without a listener has them from the watch's
   * beginning on, others from now on. It ends with the watch, or throws the error that ended it. A reader that falls 10,000
   * events behind is told `RESYNC` instead of what it missed.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<PersistentWatchEvent, undefined> {
    const early = this.#early
    this.#early = null
    if (early !== null) return early
    const reader = this.#reader()
    if (this.#state === 'ended') reader.end(undefined)
    return reader
  }

  #reader(): AsyncReader<PersistentWatchEvent> {
    // What is told after a resync is news to whoever reads again only then, so nothing before it counts.
    const overflow = (): PersistentWatchEvent => ({ type: 'RESYNC', path: this.path })
    const reader = new AsyncReader({ limit: backlogLimit, overflow }, () => this.#readers.delete(reader))
    this.#readers.add(reader)
    return reader
  }

  get #serverPath(): string {
    return addChroot(this.#chroot, this.path)
  }

  #arm(limits: CallOptions): AddWatchRequest<this> {
    const core = this.#core
    let session: Session | null = null
    const request = new AddWatchRequest(this.#chroot, this.path, this.#kind, this, (watches) => {
      this.#register(watches)
      if (this.#state !== 'starting') return
      this.#state = 'armed'
      core.addListener(this.#onState)
    })
    request.onEnd((failure) => {
      // It was registered, and is not to be: what was sent may have armed it on the server all the same.
      if (failure === null || session?.watches.remove(this.#kind, this.#serverPath, this.#onEvent) !== true) return
      if (request.batch !== null || request.encoded !== null) void this.#withdraw(session)
    })
    void core.submitSince(operations.addWatch.since, request, limits, () => {
      // Stopped meanwhile: it is not to come back.
      if (this.#state === 'ended') {
        request.refuse(ConnectionClosedError)
        return
      }
      session = core.session!
      request.encoded = null
      if (this.#isOld && session.watches.has('recursive', this.#serverPath)) request.mode = 'recursive'
      // Known from now on, so that reads which are made before the answer leave it its place.
      this.#register(session.watches)
    })
    return request
  }

  readonly #register = (watches: WatchRegistry): void => {
    if (this.#state !== 'ended') watches.add(this.#kind, this.#serverPath, this.#onEvent, this.#chroot)
  }

  /** Whether the server is one that has one kind of watch for a path (ZOOKEEPER-4466). */
  get #isOld(): boolean {
    return !this.#core.versions.knownAtLeast('3.9.0')
  }

  /** Does what is to be done about a watch that the registry has no more. Never rejects. */
  async #withdraw(session: Session): Promise<void> {
    try {
      if (session.address !== null) await this.#removeFromServer(session)
      // It stood for reads that wait for a connection, where it will not be.
      else if (session.queued > 0) void this.#restoreReads(session)
    } catch (error) {
      // Gone with its connection or session, or never there: it tells nobody any more in either case.
      if (!(error instanceof ZooKeeperError)) reportUncaught(error)
    }
  }

  /**
   * Takes the watch from the server, and leaves it those of others on the path. Before 3.9 it removes all of them or
   * none: what is left is set again. All of it on this connection: the next knows nothing of the watch.
   */
  async #removeFromServer(session: Session): Promise<void> {
    const limits = { timeout: Infinity, signal: this.#core.connection }
    const isOld = !(await this.#core.versions.isAtLeast('3.9.0', limits.signal))
    const path = this.#serverPath
    // Set again by somebody else, while the version was asked for.
    if (session.watches.has(this.#kind, path)) return
    const since = session.lastZxid
    const other = this.#kind === 'recursive' ? 'persistent' : 'recursive'
    if (isOld && session.watches.has(other, path)) {
      await this.#core.submit(new AddWatchRequest(this.#chroot, this.path, other, undefined), limits)
      return
    }
    try {
      await this.#core.submit(new RemoveWatchRequest(this.#chroot, this.path, isOld ? 'any' : this.#kind), limits)
    } catch (error) {
      if (!(error instanceof NoWatcherError)) throw error
    }
    await this.#restore(session, since)
  }

  /** One-shot watches that this one stood for: those of reads that were answered by now are known. */
  async #restore(session: Session, since: bigint): Promise<void> {
    if (!session.watches.hasOneShot(this.#serverPath)) return
    await this.#core.submit(new RestoreWatchesRequest(this.#chroot, this.path, session.watches, since), unlimited)
  }

  /** The same, once there is a connection again. */
  async #restoreReads(session: Session): Promise<void> {
    const since = session.lastZxid
    try {
      await this.#core.submit(new ExistsRequest(this.#chroot, this.path), unlimited)
      if (!session.watches.isCovered('child', this.#serverPath)) await this.#restore(session, since)
    } catch (error) {
      // Watches that go with their connection are set again with the next.
      if (!(error instanceof ZooKeeperError)) reportUncaught(error)
    }
  }

  readonly #onEvent = (event: WatchedEvent): void => {
    this.#tell(event)
  }

  readonly #onState: StateListener = (state, { stopped }) => {
    this.#retry?.cancel()
    if (state !== 'CONNECTED') {
      this.#missed = true
      if (stopped) this.#finish(undefined)
      return
    }
    if (!this.#missed) return
    this.#missed = false
    const watches = this.#core.session?.watches
    // After a reconnect the session has set it again; a new session knows nothing of it.
    if (watches?.hasListener(this.#kind, this.#serverPath, this.#onEvent) === true) {
      this.#tell({ type: 'RESYNC', path: this.path })
    } else {
      void this.#armAgain()
    }
  }

  /** On this connection: the next begins anew. */
  async #armAgain(): Promise<void> {
    const { connection, options } = this.#core
    try {
      await this.#arm({ timeout: Infinity, signal: connection }).promise
      if (this.#state === 'armed') this.#tell({ type: 'RESYNC', path: this.path })
    } catch (error) {
      if (this.#state === 'ended' || error instanceof ConnectionClosedError) return
      // What will not get better ends the watch.
      if (!(error instanceof ZooKeeperError && error.retryable)) this.#finish(error as Error)
      else if (!connection.aborted) this.#retry = options.runtime.setTimer(retryAfter, () => void this.#armAgain())
    }
  }

  #tell(event: PersistentWatchEvent): void {
    if (this.#state === 'ended') return
    for (const reader of this.#readers) reader.offer(event)
    try {
      this.#listener?.(event)
    } catch (error) {
      reportUncaught(error)
    }
  }

  #finish(error: Error | undefined): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#retry?.cancel()
    this.#core.removeListener(this.#onState)
    for (const reader of this.#readers) reader.end(error)
    this.#readers.clear()
    this.#end.resolve(error)
  }
}
