import { bool, buffer, int, long, longNumber, nullableString, record, ustring, vector, type Infer } from './record.ts'
import { StatRecord } from './stat.ts'

/**
 * Every record of the protocol, once, for the client and the server. A const and a type share each name: the codec and
 * the shape of its values.
 */

/**
 * How many entries of an ACL, or identities, a reply may have: more than anybody could set within a `jute.maxbuffer` of
 * 1 MiB. An entry of null strings takes 12 bytes in a reply, and twenty times that in memory.
 */
const mostEntries = 100_000

export const RequestHeader = record('RequestHeader', { xid: int, type: int })
export type RequestHeader = Infer<typeof RequestHeader>

export const ReplyHeader = record('ReplyHeader', { xid: int, zxid: long, err: int })
export type ReplyHeader = Infer<typeof ReplyHeader>

export const WatcherEvent = record('WatcherEvent', { type: int, state: int, path: ustring })
export type WatcherEvent = Infer<typeof WatcherEvent>

export const Id = record('Id', { scheme: nullableString, id: nullableString })
export type Id = Infer<typeof Id>

export const AclEntry = record('ACL', { perms: int, id: Id })
export type AclEntry = Infer<typeof AclEntry>

export const PathRequest = record('PathRequest', { path: ustring })
export const PathResponse = record('PathResponse', { path: ustring })
export const PathAndWatch = record('PathAndWatch', { path: ustring, watch: bool })
export const PathAndVersion = record('PathAndVersion', { path: ustring, version: int })
export const PathAndStat = record('PathAndStat', { path: ustring, stat: StatRecord })
export const StatResponse = record('StatResponse', { stat: StatRecord })

export const CreateRequest = record('CreateRequest', {
  path: ustring,
  data: buffer,
  acl: vector(AclEntry),
  flags: int,
})
export type CreateRequest = Infer<typeof CreateRequest>

export const CreateTtlRequest = record('CreateTTLRequest', {
  path: ustring,
  data: buffer,
  acl: vector(AclEntry),
  flags: int,
  ttl: longNumber,
})

export const SetDataRequest = record('SetDataRequest', { path: ustring, data: buffer, version: int })
export const GetDataResponse = record('GetDataResponse', { data: buffer, stat: StatRecord })

export const SetAclRequest = record('SetACLRequest', { path: ustring, acl: vector(AclEntry), version: int })
export const GetAclResponse = record('GetACLResponse', { acl: vector(AclEntry, mostEntries), stat: StatRecord })

export const GetChildrenResponse = record('GetChildrenResponse', { children: vector(ustring) })
export const GetChildren2Response = record('GetChildren2Response', { children: vector(ustring), stat: StatRecord })

export const GetEphemeralsRequest = record('GetEphemeralsRequest', { prefix: nullableString })
export const GetEphemeralsResponse = record('GetEphemeralsResponse', { ephemerals: vector(ustring) })
export const GetAllChildrenNumberResponse = record('GetAllChildrenNumberResponse', { total: int })

export const ClientInfo = record('ClientInfo', { authScheme: ustring, user: nullableString })
export const WhoAmIResponse = record('WhoAmIResponse', { clientInfo: vector(ClientInfo, mostEntries) })

export const ReconfigRequest = record('ReconfigRequest', {
  joining: nullableString,
  leaving: nullableString,
  newMembers: nullableString,
  curConfigId: long,
})

export const AddWatchRequest = record('AddWatchRequest', { path: ustring, mode: int })
export const ErrorResponse = record('ErrorResponse', { err: int })
export type ErrorResponse = Infer<typeof ErrorResponse>
export const WatchesRequest = record('CheckWatchesRequest', { path: ustring, type: int })

export const SetWatches = record('SetWatches', {
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
})

export const SetWatches2 = record('SetWatches2', {
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
  persistentWatches: vector(ustring),
  persistentRecursiveWatches: vector(ustring),
})
export type SetWatches2 = Infer<typeof SetWatches2>

export const AuthPacket = record('AuthPacket', { type: int, scheme: ustring, auth: buffer })
export const SaslToken = record('SASLToken', { token: buffer })
