export { type CutOptions, type DirectionName, ProxyConnection } from './fault-proxy/connection.ts'
export { Direction } from './fault-proxy/direction.ts'
export {
  FaultProxy,
  type FaultProxyEvents,
  type FaultProxyOptions,
  type ProxyMode,
  type ProxyTraffic,
} from './fault-proxy/fault-proxy.ts'
export { type FourLetterWordOptions, sendFourLetterWord, type ServerAddress } from './four-letter-word.ts'
export { type FindOptions, findZooKeepers, type FoundZooKeeper } from './real-zookeeper/find.ts'
export { type LogLevel } from './real-zookeeper/member-files.ts'
export { type MemberMode, type MemberStartOptions, RealMember } from './real-zookeeper/member.ts'
export { RealZooKeeper, type RealZooKeeperOptions } from './real-zookeeper/real-zookeeper.ts'
