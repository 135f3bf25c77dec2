/** Xids that mark what is no reply to a request. Requests count from 1 to 2^31−1 and wrap to 1. */
export const xids = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const

export const maxXid = 0x7fff_ffff

/** How a znode is made: the flags of a create. */
export const createFlags = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentTtl: 5,
  persistentSequentialTtl: 6,
} as const

/** Types of a `WatcherEvent` on the wire. */
export const eventTypes = { none: -1, created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const

/** States of a `WatcherEvent`; a server sends SyncConnected with every event. */
export const keeperStates = {
  disconnected: 0,
  syncConnected: 3,
  authFailed: 4,
  connectedReadOnly: 5,
  saslAuthenticated: 6,
  closed: 7,
  expired: -112,
} as const

export const addWatchModes = { persistent: 0, persistentRecursive: 1 } as const

/** Kinds of watch to remove; 4 and 5 are known to servers from 3.9 on (ZOOKEEPER-4472). */
export const watcherTypes = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const

export const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** ZooKeeper's default `jute.maxbuffer`: one byte less than a mebibyte. */
export const defaultMaxBuffer = 0xf_ffff

/** Any version: what `delete`, `set` and `check` take for "do not compare". */
export const anyVersion = -1
