/** One server of an ensemble that faults are done to. */
export interface Member {
  /** From 1 on. */
  readonly id: number
  /** `host:port`, the same after each start. */
  readonly address: string
  readonly host: string
  readonly port: number
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Ends it in good order. */
  stop(): Promise<void>
  /** Starts it again; resolves once it serves. */
  start(): Promise<void>
  /** Empties its data directory; it must not run. */
  wipe(): Promise<void>
  /** Stops it where it stands: its connections stay open, and nothing is answered. */
  pause(): void
  resume(): void
}

/** An ensemble of three that faults are done to. */
export interface Target extends AsyncDisposable {
  readonly kind: 'real' | 'embedded'
  /** `'embedded'`, `'ZooKeeper 3.9.5'` */
  readonly name: string
  readonly members: readonly Member[]
  /** The connect string of all. */
  readonly hosts: string
  /** @throws Error if there is none */
  leader(): Promise<Member>
  /** Parts a member from its leader, its connections to clients alone stay. Lasts until {@link heal}. */
  cutOff(member: Member): void
  /** Sets the servers' wall clock, where it can be set. */
  setWallClock(offset: number): void
  /** Ends all members and starts them with empty data directories. */
  wipeAll(): Promise<void>
  /** Takes all faults back; resolves once there is a leader and all members serve. */
  heal(): Promise<void>
}

/** Milliseconds: the unit of time of the ensembles. Sessions get from 2 to 20. */
export const tickTime = 200

/** Ticks after which a member that does not hear of its leader looks for another. */
export const syncLimit = 10
