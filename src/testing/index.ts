export { type CutOptions, type DirectionName, ProxyConnection } from './fault-proxy/connection.ts'
export { Direction } from './fault-proxy/direction.ts'
export {
  FaultProxy,
  type FaultProxyEvents,
  type FaultProxyOptions,
  type ProxyMode,
  type ProxyTraffic,
} from './fault-proxy/fault-proxy.ts'
export type { ServerAddress } from '../client/index.ts'
export { type FourLetterWordOptions, sendFourLetterWord } from './four-letter-word.ts'
export { type FindOptions, findZooKeepers, type FoundZooKeeper } from './real-zookeeper/find.ts'
export { type LogLevel, type MemberPorts } from './real-zookeeper/member-files.ts'
export { type MemberMode, type MemberStartOptions, RealMember } from './real-zookeeper/member.ts'
export { type MemberPlan, RealZooKeeper, type RealZooKeeperOptions } from './real-zookeeper/real-zookeeper.ts'
export { Disk } from './simulation/disk.ts'
export { type Latency } from './simulation/links.ts'
export { type NameAnswer, Names } from './simulation/names.ts'
export { SimulatedNetwork } from './simulation/network.ts'
export { SeededRandom } from './simulation/seeded-random.ts'
export { type RunOptions, Simulation, type SimulationOptions } from './simulation/simulation.ts'
