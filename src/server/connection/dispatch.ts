import { operations, type OperationName } from '../../protocol/operations.ts'
import type { Reader } from '../../protocol/reader.ts'
import type { ErrorCode } from '../error-codes.ts'
import type { RequestContext } from '../handlers/handler.ts'
import { handlers } from '../handlers/index.ts'
import { weights } from './turn.ts'

/** All that is needed to answer one operation, found by its opcode without a search. */
export interface Dispatch {
  readonly name: OperationName
  readonly opcode: number
  /** As `cons` abbreviates it. */
  readonly shortName: string
  readonly isWrite: boolean
  /** Whether it takes a leader: every write does, and the end of a session. */
  readonly needsLeader: boolean
  /** Whether it proves who asks: such requests do not keep a session alive, and are answered with zxid 0. */
  readonly isAuthentication: boolean
  /** For the time that a connection takes. */
  readonly weight: number
  /** Whether a few bytes may ask for many. */
  readonly isLarge: boolean
  readonly read: (reader: Reader) => unknown
  readonly handle: (context: RequestContext, body: unknown) => ErrorCode
}

const shortNames: Readonly<Record<OperationName, string>> = {
  create: 'CREA',
  delete: 'DELE',
  exists: 'EXIS',
  getData: 'GETD',
  setData: 'SETD',
  getAcl: 'GETA',
  setAcl: 'SETA',
  getChildren: 'GETC',
  sync: 'SYNC',
  ping: 'PING',
  getChildren2: 'GETC',
  check: 'CHEC',
  multi: 'MULT',
  create2: 'CREA',
  reconfig: 'RECO',
  checkWatches: 'CHKW',
  removeWatches: 'REMW',
  createContainer: 'CREA',
  createTtl: 'CREA',
  multiRead: 'MLTR',
  auth: 'NA',
  setWatches: 'SETW',
  sasl: 'NA',
  getEphemerals: 'GETE',
  getAllChildrenNumber: 'GETACN',
  setWatches2: 'STW2',
  addWatch: 'ADDW',
  whoAmI: 'HOMI',
  closeSession: 'CLOS',
}

/** Those that a few bytes can make long. */
const heavy: ReadonlySet<OperationName> = new Set([
  'getChildren',
  'getChildren2',
  'getEphemerals',
  'getAllChildrenNumber',
  'multi',
  'multiRead',
  'setWatches',
  'setWatches2',
])

/** Those whose answer may be as large as the tree; that of any other is as large as a request at most. */
const large: ReadonlySet<OperationName> = new Set(['getChildren', 'getChildren2', 'getEphemerals', 'multiRead'])

/** The lowest opcode is −11: it is at index 0. */
const lowest = 11
const byOpcode: (Dispatch | undefined)[] = []

for (const name of Object.keys(operations) as OperationName[]) {
  const { opcode, kind, request } = operations[name]
  // Alone, a check is refused as any unknown opcode is, and as little read (ZOOKEEPER-4828).
  const isRefused = name === 'check'
  const isWrite = kind === 'write' && !isRefused
  byOpcode[opcode + lowest] = {
    name,
    opcode,
    shortName: shortNames[name],
    isWrite,
    needsLeader: isWrite || name === 'closeSession',
    isAuthentication: name === 'auth' || name === 'sasl',
    weight: heavy.has(name) ? weights.heavy : isWrite ? weights.write : weights.light,
    isLarge: large.has(name),
    read: (reader) => (isRefused ? undefined : request.read(reader)),
    // The row and the handler belong together by their name, which the compiler cannot follow through a union.
    handle: handlers[name] as (context: RequestContext, body: unknown) => ErrorCode,
  }
}

/** Undefined for an opcode that nobody knows. */
export function dispatchOf(opcode: number): Dispatch | undefined {
  return byOpcode[opcode + lowest]
}
