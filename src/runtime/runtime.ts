import type { TlsOptions } from './node-tls-options.ts'

/**
 * The one door to the outside world: clocks, timers, randomness, names, sockets and files.
 *
 * Everything else in the library takes a `Runtime`, so that clients, recipes and servers can run against simulated
 * time and a simulated network, where a failure is a seed. {@link nodeRuntime} is the real one.
 */
export interface Runtime {
  /** Monotonic time in milliseconds, with fractions. Says nothing about the time of day. */
  now(): number
  /** Milliseconds since 1970, as the machine's clock has it: it may jump, so nothing that must be right relies on it. */
  wallClock(): number
  /** Calls `callback` once, no earlier than `delay` milliseconds from now. */
  setTimer(delay: number, callback: () => void): Timer
  /** Calls `callback` once the event loop has looked for input. */
  setImmediate(callback: () => void): Timer
  /** Calls `callback` when the running callback and the microtasks it led to are done, before any other input. */
  defer(callback: () => void): void
  /** A number in [0, 1). */
  random(): number
  /** Random bytes that an attacker cannot guess. */
  randomBytes(size: number): Buffer
  /** A random UUID, version 4, lower case, with dashes. */
  randomUuid(): string
  /** All addresses of a host name, asked anew on each call. An address resolves to itself. Rejects when there is none. */
  resolve(host: string): Promise<ResolvedAddress[]>
  /** Starts to connect. Never throws: what fails is told to `handler.closed`. */
  dial(options: DialOptions, handler: SocketHandler): Socket
  /** Listens, and resolves once it does; rejects if it cannot (`EADDRINUSE`…). */
  listen(options: ListenOptions, accept: (socket: Socket) => SocketHandler): Promise<Listener>
  /** The file system. */
  readonly files: Files
  /** Servers alone ask for them: so those of Node, which are the default, are not part of every client. */
  readonly processes?: Processes | undefined
}

/** The processes of the machine. */
export interface Processes {
  /** An id of this process that no other one has or will have, for a file's name: its pid, and what tells it from others. */
  own(): Promise<string>
  /** Whether the process still runs whose {@link own} id this is. */
  isRunning(id: string): Promise<boolean>
}

/** What was set by `setTimer` or `setImmediate`, and may still be cancelled. */
export interface Timer {
  /** Does nothing once the timer has fired or was cancelled. */
  cancel(): void
}

/** One IP address of a host name. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

export type { TlsOptions }

/** What to connect to, and how. */
export interface DialOptions {
  /** An IP address. */
  readonly host: string
  readonly port: number
  /** TLS from the first byte, with these options of `tls.connect`. @defaultValue none: without TLS */
  readonly tls?: TlsOptions | undefined
}

/** Where to listen, and how. */
export interface ListenOptions {
  /** An IP address of this machine, or `'0.0.0.0'`, `'::'` for all of them. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** TLS from the first byte, with these options of `tls.createServer`. @defaultValue none: without TLS */
  readonly tls?: Readonly<Record<string, unknown>> | undefined
  /** Takes connections without TLS on the same port, told apart by their first byte. @defaultValue false */
  readonly tlsOptional?: boolean | undefined
}

/** One end of a connection. All its methods are safe after it closed. */
export interface Socket {
  /** Queues bytes; the caller must not change them afterwards. False when the other side reads too slowly. */
  write(bytes: Uint8Array): boolean
  /** Sends what is queued, then no more; the peer may still send. */
  end(): void
  /** Closes at once; `handler.closed` follows, unless it was called already. */
  destroy(): void
  /** Like `destroy`, but the peer gets a reset (`ECONNRESET`) instead of an end. Not over TLS. */
  reset?(): void
  /** Stops the calls of `handler.received`. */
  pause(): void
  /** Resumes them. */
  resume(): void
  /** Bytes that `write` took and the operating system has not taken yet. */
  readonly pendingBytes: number
  /** The peer's IP address; undefined once the socket is closed, as may be those that follow. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** Over TLS, the subject of the peer's certificate, if it was verified: as RFC 2253 has it, `CN=…,O=…`. */
  readonly peerSubject?: string | undefined
}

/** What a socket tells its owner. */
export interface SocketHandler {
  /** Connected (TLS handshake included). Not called on an accepted socket, which is open from the start. */
  opened?(): void
  /** Bytes arrived. The handler owns the chunk. */
  received(chunk: Buffer): void
  /** What `write` had queued was taken, after it had returned false. */
  drained?(): void
  /** The peer sends no more. Without this method the socket is closed then. */
  ended?(): void
  /** The connection is over; called exactly once, and last. */
  closed(error: Error | null): void
}

/** A socket that listens. */
export interface Listener {
  /** The address it listens on. */
  readonly host: string
  /** The port it listens on: the one that was picked, where 0 was asked for. */
  readonly port: number
  /** Stops accepting; resolves when the port is free. Accepted sockets live on. */
  close(): Promise<void>
}

/** The part of a file system that the embedded server and the test launchers use. */
export interface Files {
  /** A whole file. Rejects with the code `ENOENT` if there is none. */
  readFile(path: string): Promise<Buffer>
  /** Makes a file, or replaces what is in it. Not synced. */
  writeFile(path: string, data: string | Uint8Array): Promise<void>
  /** Makes the directory and its parents. */
  makeDirectory(path: string): Promise<void>
  /** A new directory whose name starts with `prefix`, in the system's temporary folder. */
  makeTemporaryDirectory(prefix: string): Promise<string>
  /** The names in a directory, unsorted; empty if there is no such directory. */
  list(path: string): Promise<string[]>
  exists(path: string): Promise<boolean>
  /** Moves a file or a directory; a file takes the place of another one. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file or a whole directory; does nothing if there is none. */
  remove(path: string): Promise<void>
  /** Opens for writing: a new file, or the end of an old one. */
  append(path: string): Promise<AppendFile>
  /**
   * Opens for reading and writing anywhere; with `create`, an empty file takes the place of an old one, or, with
   * `exclusive` too, it rejects with the code `EEXIST` if there is one. Rejects if there is no file to open.
   */
  open(path: string, options?: { readonly create?: boolean; readonly exclusive?: boolean }): Promise<OpenFile>
  /** Resolves once the names in a directory are on disk: of files that were made, renamed or removed. */
  syncDirectory(path: string): Promise<void>
}

/** A file open for reading and writing anywhere. */
export interface OpenFile {
  /** In bytes. */
  size(): Promise<number>
  /** Up to `length` bytes from `position` on: fewer at the end of the file alone. */
  read(position: number, length: number): Promise<Buffer>
  /** Writes all of the bytes; what is between the old end and `position` reads as zeros. */
  write(position: number, bytes: Uint8Array): Promise<void>
  /** Resolves once what was written is on disk. */
  sync(): Promise<void>
  /** Cuts the file to `size` bytes, or fills it up with zeros. */
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

/** A file open for writing at its end. */
export interface AppendFile {
  write(bytes: Uint8Array): Promise<void>
  /** Resolves once what was written is on disk. */
  sync(): Promise<void>
  /** Cuts the file to `size` bytes. */
  truncate(size: number): Promise<void>
  close(): Promise<void>
}
