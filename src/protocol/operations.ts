import { MultiRequest, MultiResponse } from './multi.ts'
import { nothing, type Infer, type RecordType } from './record.ts'
import {
  AddWatchRequest,
  AuthPacket,
  CreateRequest,
  CreateTtlRequest,
  ErrorResponse,
  GetAclResponse,
  GetAllChildrenNumberResponse,
  GetChildren2Response,
  GetChildrenResponse,
  GetDataResponse,
  GetEphemeralsRequest,
  GetEphemeralsResponse,
  PathAndStat,
  PathAndVersion,
  PathAndWatch,
  PathRequest,
  PathResponse,
  ReconfigRequest,
  SaslToken,
  SetAclRequest,
  SetDataRequest,
  SetWatches,
  SetWatches2,
  StatResponse,
  WatchesRequest,
  WhoAmIResponse,
} from './records.ts'

/** What is true of an operation, whoever asks: a `read` a server answers itself, a `write` goes through the leader. */
export interface Traits {
  /**
   * `read`: answered by the server itself; `write`: a transaction, which the leader orders; `session`: about the
   * connection or its session.
   */
  readonly kind: 'read' | 'write' | 'session'
  /** The first release that knows it. */
  readonly since: string
}

export interface Operation<Req, Res> extends Traits {
  readonly opcode: number
  readonly request: RecordType<Req>
  readonly response: RecordType<Res>
}

function operation<Req, Res>(
  opcode: number,
  request: RecordType<Req>,
  response: RecordType<Res>,
  kind: Traits['kind'],
  since: string,
): Operation<Req, Res> {
  return { opcode, request, response, kind, since }
}

/**
 * Every operation that a client may send: one row, which the client encodes by and the server dispatches by. A server
 * that lacks a handler for a row does not compile.
 */
export const operations = {
  create: operation(1, CreateRequest, PathResponse, 'write', '3.4.0'),
  delete: operation(2, PathAndVersion, nothing, 'write', '3.4.0'),
  exists: operation(3, PathAndWatch, StatResponse, 'read', '3.4.0'),
  getData: operation(4, PathAndWatch, GetDataResponse, 'read', '3.4.0'),
  setData: operation(5, SetDataRequest, StatResponse, 'write', '3.4.0'),
  getAcl: operation(6, PathRequest, GetAclResponse, 'read', '3.4.0'),
  setAcl: operation(7, SetAclRequest, StatResponse, 'write', '3.4.0'),
  getChildren: operation(8, PathAndWatch, GetChildrenResponse, 'read', '3.4.0'),
  sync: operation(9, PathRequest, PathResponse, 'write', '3.4.0'),
  ping: operation(11, nothing, nothing, 'session', '3.4.0'),
  getChildren2: operation(12, PathAndWatch, GetChildren2Response, 'read', '3.4.0'),
  // Only inside a multi: alone it closes the connection from 3.8.5 and 3.9.3 on.
  check: operation(13, PathAndVersion, nothing, 'write', '3.4.0'),
  multi: operation(14, MultiRequest, MultiResponse, 'write', '3.4.0'),
  create2: operation(15, CreateRequest, PathAndStat, 'write', '3.5.0'),
  reconfig: operation(16, ReconfigRequest, GetDataResponse, 'write', '3.5.0'),
  checkWatches: operation(17, WatchesRequest, nothing, 'read', '3.5.0'),
  removeWatches: operation(18, WatchesRequest, nothing, 'read', '3.5.0'),
  createContainer: operation(19, CreateRequest, PathAndStat, 'write', '3.5.1'),
  createTtl: operation(21, CreateTtlRequest, PathAndStat, 'write', '3.5.3'),
  multiRead: operation(22, MultiRequest, MultiResponse, 'read', '3.6.0'),
  auth: operation(100, AuthPacket, nothing, 'session', '3.4.0'),
  setWatches: operation(101, SetWatches, nothing, 'session', '3.4.0'),
  sasl: operation(102, SaslToken, SaslToken, 'session', '3.4.0'),
  getEphemerals: operation(103, GetEphemeralsRequest, GetEphemeralsResponse, 'read', '3.6.0'),
  getAllChildrenNumber: operation(104, PathRequest, GetAllChildrenNumberResponse, 'read', '3.6.0'),
  setWatches2: operation(105, SetWatches2, nothing, 'session', '3.6.0'),
  addWatch: operation(106, AddWatchRequest, ErrorResponse, 'read', '3.6.0'),
  whoAmI: operation(107, nothing, WhoAmIResponse, 'read', '3.7.0'),
  closeSession: operation(-11, nothing, nothing, 'session', '3.4.0'),
} as const

export type Operations = typeof operations
/** An operation, by ZooKeeper's name of it: `'create'`, `'setData'`, `'getChildren2'`, `'multi'`, `'ping'`… */
export type OperationName = keyof Operations
export type RequestOf<K extends OperationName> = Infer<Operations[K]['request']>
export type ResponseOf<K extends OperationName> = Infer<Operations[K]['response']>

const byOpcode = new Map<number, OperationName>(
  (Object.keys(operations) as OperationName[]).map((name) => [operations[name].opcode, name]),
)

/** The operation behind an opcode; undefined for one that nobody knows. */
export function operationOf(opcode: number): OperationName | undefined {
  return byOpcode.get(opcode)
}
