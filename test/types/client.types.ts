/**
 * What the types promise: checked by `npm run typecheck`, never run. A line under `@ts-expect-error` that compiles is an
 * error there, and so is a type that is not exactly the one named.
 */
import {
  BadVersionError,
  ChildrenWatch,
  DataWatch,
  KazooClient,
  KazooRetry,
  KazooState,
  NoNodeError,
  Permissions,
  TransactionError,
  UnknownServerError,
  ZooKeeperError,
  type Acl,
  type DataAndStat,
  type ErrorCode,
  type EventType,
  type PersistentWatch,
  type PersistentWatchEvent,
  type Stat,
  type Transaction,
  type WalkedPath,
  type WatchEnd,
} from 'kazoo-ts'
import type * as kazoo from 'kazoo-ts'
import { expectTypeOf } from 'vitest'

declare const zk: KazooClient
declare const flag: boolean
declare function use(value: unknown): void

export async function life(): Promise<void> {
  expectTypeOf(await zk.start()).toEqualTypeOf<KazooClient>()
  expectTypeOf(zk.stop()).toEqualTypeOf<Promise<void>>()
  expectTypeOf(zk.state).toEqualTypeOf<'CONNECTED' | 'SUSPENDED' | 'LOST'>()
  expectTypeOf(KazooState.LOST).toEqualTypeOf<'LOST'>()
  expectTypeOf(zk.session?.id).toEqualTypeOf<bigint | undefined>()
  expectTypeOf(zk.lastZxid).toEqualTypeOf<bigint>()
  zk.addListener((state, { cause, stopped }) => {
    expectTypeOf(state).toEqualTypeOf<KazooState>()
    expectTypeOf(cause).toEqualTypeOf<Error | undefined>()
    expectTypeOf(stopped).toEqualTypeOf<boolean>()
  })
  // A subclass comes out of start() as itself.
  class Mine extends KazooClient {
    readonly mine: string = 'mine'
  }
  expectTypeOf((await new Mine().start()).mine).toEqualTypeOf<string>()

  // @ts-expect-error -- Kazoo's name for it
  use(new KazooClient({ timeout: 10 }))
  // @ts-expect-error -- a session id is a bigint
  use(new KazooClient({ session: { id: 1, password: Buffer.alloc(16) } }))
  // @ts-expect-error -- not Kazoo's tuples
  use(new KazooClient({ authData: [['digest', 'ada:secret']] }))
  use(new KazooClient({ authData: async () => [{ scheme: 'digest', credential: 'ada:secret' }] }))
  use(new KazooClient({ saslOptions: { mechanism: 'DIGEST-MD5', username: 'ada', password: 'secret' } }))
  use(new KazooClient({ saslOptions: async () => ({ mechanism: 'GSSAPI', hostname: (host) => host.toLowerCase() }) }))
  // @ts-expect-error -- a mechanism that ZooKeeper does not have
  use(new KazooClient({ saslOptions: { mechanism: 'PLAIN', username: 'ada', password: 'secret' } }))
  // @ts-expect-error -- a user without a password
  use(new KazooClient({ saslOptions: { mechanism: 'DIGEST-MD5', username: 'ada' } }))
  // @ts-expect-error -- in milliseconds, as an option
  void zk.start(15_000)
  // @ts-expect-error -- the state is read, not set
  zk.state = 'CONNECTED'
}

export async function reading(): Promise<void> {
  expectTypeOf(await zk.exists('/a')).toEqualTypeOf<Stat | null>()
  const { data, stat } = await zk.get('/a', {
    watch: (event) => {
      expectTypeOf(event.type).toEqualTypeOf<EventType>()
      expectTypeOf(event.zxid).toEqualTypeOf<bigint | undefined>()
    },
  })
  expectTypeOf(data).toEqualTypeOf<Buffer>()
  expectTypeOf(stat.mzxid).toEqualTypeOf<bigint>()
  expectTypeOf(stat.version).toEqualTypeOf<number>()
  expectTypeOf(await zk.getChildren('/a')).toEqualTypeOf<string[]>()
  expectTypeOf(await zk.getChildren('/a', { includeStat: false })).toEqualTypeOf<string[]>()
  expectTypeOf((await zk.getChildren('/a', { includeStat: true })).children).toEqualTypeOf<string[]>()
  expectTypeOf((await zk.getAcls('/a')).acls).toEqualTypeOf<Acl[]>()

  // @ts-expect-error -- which of the two it is depends on the flag
  use((await zk.getChildren('/a', { includeStat: flag })).length)
  // @ts-expect-error -- a function, not a flag
  void zk.get('/a', { watch: true })
  // @ts-expect-error -- Kazoo's name for it
  void zk.getChildren('/a', { includeData: true })
  // @ts-expect-error -- null where there is none
  use((await zk.exists('/a')).version)
  // @ts-expect-error -- a Stat is not to be changed
  stat.version = 1
  // @ts-expect-error -- options, not a bare function
  void zk.exists('/a', () => {})
}

export async function writing(): Promise<void> {
  expectTypeOf(await zk.create('/a')).toEqualTypeOf<string>()
  expectTypeOf(await zk.create('/a', new Uint8Array(1), { ephemeral: true })).toEqualTypeOf<string>()
  expectTypeOf(await zk.create('/a', null, { includeStat: false })).toEqualTypeOf<string>()
  const { path, stat } = await zk.create('/a', '', { includeStat: true })
  expectTypeOf(path).toEqualTypeOf<string>()
  expectTypeOf(stat).toEqualTypeOf<Stat>()
  expectTypeOf(await zk.set('/a', 'x', { version: 1 })).toEqualTypeOf<Stat>()
  expectTypeOf(await zk.setAcls('/a', [])).toEqualTypeOf<Stat>()
  expectTypeOf(await zk.ensurePath('/a')).toEqualTypeOf<string>()
  expectTypeOf(zk.delete('/a', { recursive: true })).toEqualTypeOf<Promise<void>>()
  expectTypeOf(await zk.serverVersion()).toEqualTypeOf<readonly [number, number, number]>()
  expectTypeOf(Permissions.ALL).toEqualTypeOf<31>()

  // @ts-expect-error -- a number is no data
  void zk.create('/a', 1)
  // @ts-expect-error -- nor is an object: say how it is to be written
  void zk.set('/a', { json: true })
  // @ts-expect-error -- what to set has to be said
  void zk.set('/a')
  // @ts-expect-error -- the version is an option
  void zk.set('/a', 'x', 1)
  // @ts-expect-error -- Kazoo's spelling
  void zk.create('/a', '', { makepath: true })
  // @ts-expect-error -- without the flag it is the path
  use((await zk.create('/a', '')).stat)
  // @ts-expect-error -- an ACL is a list
  void zk.create('/a', '', { acl: { perms: 31, id: { scheme: 'world', id: 'anyone' } } })
  // @ts-expect-error -- milliseconds are a number
  void zk.delete('/a', { timeout: '1s' })
}

export async function transactions(): Promise<void> {
  const begun = zk.transaction()
  expectTypeOf(begun).toEqualTypeOf<Transaction>()
  expectTypeOf(await begun.commit()).toEqualTypeOf<[]>()
  const results = await zk.transaction().check('/a', 1).create('/b').set('/a', 'x').delete('/c').commit()
  expectTypeOf(results).toEqualTypeOf<[true, string, Stat, true]>()
  const [, path, stat] = results
  expectTypeOf(path).toEqualTypeOf<string>()
  expectTypeOf(stat.version).toEqualTypeOf<number>()

  // @ts-expect-error -- there are four
  use(results[4])
  // @ts-expect-error -- the first is no path
  use(results[0].length)
  // @ts-expect-error -- a transaction makes no parents
  zk.transaction().create('/a/b', '', { makePath: true })
  // @ts-expect-error -- Kazoo's name for it
  use(zk.transaction().set_data)
}

export async function multiReading(): Promise<void> {
  const results = await zk.multiRead().get('/a').getChildren('/b').commit()
  expectTypeOf(results).toEqualTypeOf<[DataAndStat | ZooKeeperError, string[] | ZooKeeperError]>()
  const [a, b] = results
  if (a instanceof ZooKeeperError) expectTypeOf(a.code).toEqualTypeOf<ErrorCode>()
  else expectTypeOf(a.data).toEqualTypeOf<Buffer>()
  if (b instanceof Error) expectTypeOf(b.code).toEqualTypeOf<ErrorCode>()
  else expectTypeOf(b).toEqualTypeOf<string[]>()

  // @ts-expect-error -- it may be an error
  use(a.data)
  // @ts-expect-error -- there are two
  use(results[2])
  // @ts-expect-error -- a read of several leaves no watch
  zk.multiRead().get('/a', { watch: () => {} })
}

export async function watchingForGood(): Promise<void> {
  const listener = (event: PersistentWatchEvent): void => {
    expectTypeOf(event.type).toEqualTypeOf<EventType | 'RESYNC'>()
    expectTypeOf(event.path).toEqualTypeOf<string>()
  }
  await using watch = await zk.watch('/a', { recursive: true, listener, timeout: 1_000 })
  expectTypeOf(watch).toEqualTypeOf<PersistentWatch>()
  for await (const event of watch) {
    switch (event.type) {
      case 'CREATED':
      case 'DELETED':
      case 'CHANGED':
      case 'CHILD':
      case 'RESYNC':
        break
      default:
        expectTypeOf(event).toEqualTypeOf<never>()
    }
  }
  // @ts-expect-error -- the name that one-shot watches have
  void zk.watch('/a', { watch: () => {} })
  // @ts-expect-error -- ZooKeeper's name for it
  void zk.watch('/a', { mode: 'PERSISTENT_RECURSIVE' })
}

export async function retrying(): Promise<void> {
  expectTypeOf(await zk.retry(() => zk.exists('/a'))).toEqualTypeOf<Stat | null>()
  expectTypeOf(await new KazooRetry({ maxTries: 3 }).run(() => 1)).toEqualTypeOf<number>()

  // @ts-expect-error -- a function, not Kazoo's function and arguments
  void zk.retry((path: string) => zk.get(path), '/a')
  // @ts-expect-error -- a signal, not Kazoo's interrupt
  use(new KazooRetry({ interrupt: () => false }))
}

export async function watching(): Promise<void> {
  const watch = await new DataWatch(zk, '/a', (data, stat, event) => {
    expectTypeOf(data).toEqualTypeOf<Buffer | null>()
    expectTypeOf(stat).toEqualTypeOf<Stat | null>()
    expectTypeOf(event?.type).toEqualTypeOf<EventType | undefined>()
  }).start()
  expectTypeOf(watch).toEqualTypeOf<DataWatch>()
  expectTypeOf((await watch.closed).reason).toEqualTypeOf<WatchEnd['reason']>()
  for await (const value of watch) {
    expectTypeOf(value.data).toEqualTypeOf<Buffer | null>()
    // Both are null, or neither is.
    if (value.data !== null) expectTypeOf(value.stat).toEqualTypeOf<Stat>()
  }
  for await (const children of new ChildrenWatch(zk, '/a')) expectTypeOf(children).toEqualTypeOf<string[] | null>()

  // @ts-expect-error -- the client comes first
  use(new DataWatch('/a', () => {}))
  // @ts-expect-error -- null while the znode is missing
  use(new ChildrenWatch(zk, '/a', (children) => children.length))
}

/** The codes of all classes of errors, without their base. */
type CodeOf<T> = T extends new (...args: never[]) => ZooKeeperError ? InstanceType<T>['code'] : never
type Exports = Omit<typeof kazoo, 'ZooKeeperError'>
type Codes = { [K in keyof Exports]: CodeOf<Exports[K]> }[keyof Exports]

export function errors(error: ZooKeeperError, unknown: unknown, either: NoNodeError | BadVersionError): void {
  expectTypeOf(error.maybeApplied).toEqualTypeOf<boolean>()
  expectTypeOf(error.path).toEqualTypeOf<string | undefined>()
  expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
  expectTypeOf<Codes | 'ZOOKEEPER_ERROR'>().toEqualTypeOf<ErrorCode>()
  expectTypeOf(new NoNodeError().code).toEqualTypeOf<'NO_NODE'>()
  expectTypeOf(NoNodeError.code).toEqualTypeOf<'NO_NODE'>()
  expectTypeOf(new UnknownServerError(-999).code).toEqualTypeOf<'UNKNOWN_SERVER_ERROR'>()
  if (either.code === 'NO_NODE') expectTypeOf(either).toEqualTypeOf<NoNodeError>()
  else expectTypeOf(either).toEqualTypeOf<BadVersionError>()
  if (unknown instanceof TransactionError) {
    expectTypeOf(unknown.code).toEqualTypeOf<'TRANSACTION_FAILED'>()
    expectTypeOf(unknown.results).toEqualTypeOf<readonly ZooKeeperError[]>()
  }
  // @ts-expect-error -- there is no such code
  if (unknown instanceof ZooKeeperError && unknown.code === 'NO_NDOE') use(unknown)
  // @ts-expect-error -- nor is it the code of such an error
  if (new NoNodeError().code === 'NODE_EXISTS') use(error)
  // @ts-expect-error -- one class is not another
  const wrong: NoNodeError = new BadVersionError()
  use(wrong)
  // @ts-expect-error -- what happened is not to be rewritten
  error.code = 'NO_NODE'
}

export async function trees(): Promise<void> {
  for await (const znode of zk.walk('/a')) {
    expectTypeOf(znode).toEqualTypeOf<WalkedPath>()
    // @ts-expect-error -- only where it was asked for
    use(znode.stat)
  }
  for await (const znode of zk.walk('/a', { includeStat: true, concurrency: 8 })) {
    expectTypeOf(znode.stat).toEqualTypeOf<Stat>()
    // @ts-expect-error -- only where it was asked for
    use(znode.data)
  }
  for await (const znode of zk.walk('/a', { includeData: true })) {
    expectTypeOf(znode.data).toEqualTypeOf<Buffer>()
    expectTypeOf(znode.stat).toEqualTypeOf<Stat>()
  }
  for await (const znode of zk.walk('/a', { includeData: flag })) {
    expectTypeOf(znode.data).toEqualTypeOf<Buffer | undefined>()
  }
  expectTypeOf(await zk.setAcls('/a', [], { recursive: true })).toEqualTypeOf<Stat>()
  expectTypeOf(await zk.set('/a', '', { idempotent: true, version: 3 })).toEqualTypeOf<Stat>()
  expectTypeOf(await zk.delete('/a', { idempotent: true, guaranteed: true })).toEqualTypeOf<void>()
  // @ts-expect-error -- sets are not made in the background
  void zk.set('/a', '', { guaranteed: true })
}
