import type { OperationName } from '../../src/protocol/operations.ts'
import type { SeededRandom } from '../../src/testing/index.ts'
import {
  randomAcl,
  randomData,
  randomMangle,
  randomOwnPath,
  randomPath,
  randomSequence,
  randomVersion,
} from './generate-parts.ts'
import type { Json, Op } from './program.ts'

/** What a program does much of, and what not at all. */
export interface OpHabits {
  readonly quota: boolean
  readonly acls: boolean
  readonly watches: boolean
  /** Requests that no client sends. */
  readonly oddities: boolean
}

type Make = (random: SeededRandom, habits: OpHabits) => Json
type MultiName = 'create' | 'create2' | 'createContainer' | 'createTtl' | 'delete' | 'setData' | 'check'

const openAcl: Json = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]

const pathAndWatch: Make = (random, habits) => ({
  path: randomPath(random, habits),
  watch: random.chance(habits.watches ? 0.5 : 0.1),
})
const pathAndVersion: Make = (random, habits) => ({
  path: randomOwnPath(random, habits),
  version: randomVersion(random),
})
const pathAlone: Make = (random, habits) => ({ path: randomPath(random, habits) })
const pathAndType: Make = (random, habits) => ({
  path: randomPath(random, habits),
  type: random.pick([1, 2, 3, 3, 4, 5, habits.oddities ? random.pick([0, 6, -1]) : 3]),
})
const nothing: Make = () => null

function create(random: SeededRandom, habits: OpHabits, flags: number): { readonly [key: string]: Json } {
  const sequential = flags === 2 || flags === 3 || flags === 6
  const path = sequential && random.chance(0.8) ? randomSequence(random) : randomOwnPath(random, habits)
  return {
    path,
    data: randomData(random, habits, path),
    acl: habits.acls ? randomAcl(random) : openAcl,
    // Were limits to go with a session, the order in which its ephemerals go would decide what is counted.
    flags: path.startsWith('/zookeeper/quota') && (flags === 1 || flags === 3) ? flags - 1 : flags,
  }
}

function flagsOf(random: SeededRandom, { oddities }: OpHabits): number {
  return oddities && random.chance(0.08) ? random.pick([4, 5, 6, 7, -1, 99]) : random.pick([0, 0, 0, 0, 1, 1, 2, 3])
}

function pathList(random: SeededRandom, habits: OpHabits): Json {
  return Array.from({ length: random.pick([0, 0, 1, 1, 2, 4]) }, () => randomPath(random, habits))
}

const relativeZxid = (random: SeededRandom): string => random.pick(['zero', 'start', 'last', 'last', 'last', 'ahead'])

const changes: { readonly [N in MultiName]: Make } = {
  create: (random, habits) => create(random, habits, flagsOf(random, habits)),
  create2: (random, habits) => create(random, habits, flagsOf(random, habits)),
  createContainer: (random, habits) =>
    create(random, habits, habits.oddities && random.chance(0.1) ? random.pick([0, 2, 5]) : 4),
  createTtl: (random, habits) => ({
    ...create(random, habits, habits.oddities && random.chance(0.1) ? random.pick([0, 1, 3, 4]) : random.pick([5, 6])),
    // A negative time to live where the flags ask for none stops ZooKeeper 3.9 altogether.
    ttl: random.pick([
      3_600_000,
      3_600_000,
      100_000,
      1_099_511_627_775,
      ...(habits.oddities ? [0, 1_099_511_627_776] : []),
    ]),
  }),
  delete: pathAndVersion,
  setData: (random, habits) => {
    const path = randomOwnPath(random, habits)
    return { path, data: randomData(random, habits, path), version: randomVersion(random) }
  },
  check: pathAndVersion,
}

const changeNames: readonly MultiName[] = [
  ...(['create', 'create', 'create', 'create2', 'create2', 'createContainer', 'createTtl'] as const),
  ...(['delete', 'delete', 'setData', 'setData', 'check', 'check'] as const),
]

/** Operations that build upon each other, and mostly succeed: each sees what those before it did. */
const familyMulti: Make = (random) => {
  const base = random.pick(['~/m', '~/n', '~/a'])
  const alive: string[] = []
  return Array.from({ length: random.integer(2, 8) }, () => {
    const path = alive.length === 0 ? base : random.pick(alive)
    const version = random.chance(0.8) ? -1 : random.integer(0, 1)
    if (alive.length === 0 || random.chance(0.45)) {
      const made = alive.length === 0 ? base : `${path}/${random.pick(['a', 'b', 'c'])}`
      alive.push(made)
      const flags = random.pick([0, 0, 0, 0, 1, 2])
      return { op: random.pick(['create', 'create2']), body: { path: made, data: 'x', acl: openAcl, flags } }
    }
    const kind = random.number()
    if (kind < 0.2) return { op: 'check', body: { path, version } }
    if (kind < 0.4) return { op: 'setData', body: { path, data: 'y', version } }
    const leaves = alive.filter((each) => !alive.some((other) => other.startsWith(`${each}/`)))
    const gone = random.chance(0.9) ? random.pick(leaves) : path
    alive.splice(alive.indexOf(gone), 1)
    return { op: 'delete', body: { path: gone, version } }
  })
}

const anyMulti: Make = (random, habits) =>
  Array.from({ length: random.pick([0, 1, 1, 2, 2, 3, 3, 4, 6]) }, () => {
    if (habits.oddities && random.chance(0.01)) return { op: 'getData', body: pathAndWatch(random, habits) }
    const op = random.pick(changeNames)
    return { op, body: changes[op](random, habits) }
  })

const multi: Make = (random, habits) => (random.chance(0.4) ? familyMulti : anyMulti)(random, habits)

const multiRead: Make = (random, habits) =>
  Array.from({ length: random.pick([0, 1, 2, 3, 5]) }, () => {
    return { op: random.pick(['getData', 'getChildren']), body: pathAndWatch(random, habits) }
  })

const makers: { readonly [N in OperationName]: Make } = {
  ...changes,
  exists: pathAndWatch,
  getData: pathAndWatch,
  getChildren: pathAndWatch,
  getChildren2: pathAndWatch,
  getAcl: pathAlone,
  sync: pathAlone,
  getAllChildrenNumber: pathAlone,
  ping: nothing,
  whoAmI: nothing,
  closeSession: nothing,
  checkWatches: pathAndType,
  removeWatches: pathAndType,
  addWatch: (random, habits) => ({
    path: randomPath(random, habits),
    mode: habits.oddities && random.chance(0.05) ? random.pick([2, -1]) : random.pick([0, 1]),
  }),
  getEphemerals: (random, habits) => ({
    prefix: random.chance(0.3) ? random.pick([null, '', '/', ' ', '~/a/s', '~/s']) : randomPath(random, habits),
  }),
  setAcl: (random, habits) => ({
    path: randomOwnPath(random, habits),
    acl: habits.acls ? randomAcl(random) : openAcl,
    version: randomVersion(random),
  }),
  setWatches: (random, habits) => ({
    relativeZxid: relativeZxid(random),
    dataWatches: pathList(random, habits),
    existWatches: pathList(random, habits),
    childWatches: pathList(random, habits),
  }),
  setWatches2: (random, habits) => ({
    relativeZxid: relativeZxid(random),
    dataWatches: pathList(random, habits),
    existWatches: pathList(random, habits),
    childWatches: pathList(random, habits),
    persistentWatches: pathList(random, habits),
    persistentRecursiveWatches: pathList(random, habits),
  }),
  multi,
  multiRead,
  auth: (random, { oddities }) => {
    if (oddities && random.chance(0.3)) {
      return {
        type: 0,
        scheme: random.pick(['ip', 'world', 'auth', 'x', '', 'digest', 'sasl', 'x509']),
        auth: random.pick(['', 'a', ':', 'a:', ':b', 'é:\u00ff', null]),
      }
    }
    return {
      type: 0,
      scheme: 'digest',
      auth: random.pick(['alice:secret', 'alice:secret', 'bob:builder', 'alice:wrong', 'super:admin']),
    }
  },
  sasl: () => ({ token: '' }),
  reconfig: () => ({ joining: null, leaving: '3', newMembers: null, curConfigId: -1 }),
}

/** How often each operation comes. */
const usual: { readonly [N in OperationName]: number } = {
  ...{ create: 140, create2: 60, createContainer: 25, createTtl: 25, delete: 70, setData: 80, setAcl: 10, check: 0 },
  ...{ exists: 60, getData: 70, getChildren: 30, getChildren2: 50, getAcl: 15, sync: 6, getAllChildrenNumber: 12 },
  ...{ multi: 70, multiRead: 20, getEphemerals: 12, whoAmI: 4, ping: 6, reconfig: 1 },
  ...{ addWatch: 12, checkWatches: 6, removeWatches: 8, setWatches: 4, setWatches2: 4 },
  ...{ auth: 3, sasl: 0, closeSession: 2 },
}
const watching: Partial<Record<OperationName, number>> = {
  ...{ addWatch: 60, checkWatches: 20, removeWatches: 40, setWatches: 15, setWatches2: 25, exists: 100 },
}

const names = Object.keys(usual) as OperationName[]

function lottery(weights: (name: OperationName) => number): OperationName[] {
  return names.flatMap((name) => Array<OperationName>(weights(name)).fill(name))
}

const usualTickets = lottery((name) => usual[name])
const watchingTickets = lottery((name) => watching[name] ?? usual[name])

export function generateOp(random: SeededRandom, habits: OpHabits): Op {
  if (habits.oddities && random.chance(0.004)) return strange(random)
  let name = random.pick(habits.watches ? watchingTickets : usualTickets)
  if (habits.acls && random.chance(0.06)) name = random.pick(['setAcl', 'setAcl', 'getAcl', 'auth'] as const)
  const op: Op = { op: name, body: makers[name](random, habits) }
  if (name === 'auth') return { ...op, xid: -4 }
  if (!habits.oddities) return op
  if (random.chance(0.01)) return { ...op, xid: random.pick([0, -2, -3, -4, -8, 1, 0x7fff_ffff, -0x8000_0000]) }
  if (random.chance(0.01) && nullable.has(name)) return { ...op, body: { ...(op.body as object), path: null } }
  if (random.chance(0.012) && name !== 'closeSession') return { ...op, mangle: randomMangle(random) }
  return op
}

const nullable: ReadonlySet<OperationName> = new Set([
  ...(['delete', 'setData', 'setAcl'] as const),
  ...(['exists', 'getData', 'getChildren', 'getChildren2', 'getAcl', 'getAllChildrenNumber'] as const),
])

/** Opcodes that no client sends, and operations where they have no place. */
function strange(random: SeededRandom): Op {
  const kind = random.number()
  if (kind < 0.3)
    return {
      op: random.pick([10, 23, 99, 108, -1, 0, 1000, -12]),
      body: random.bytes(random.integer(0, 20)).toString('hex'),
    }
  if (kind < 0.6) return { op: 'check', body: { path: '~/a', version: -1 } }
  return { op: 'sasl', body: { token: random.pick(['', 'x']) } }
}
