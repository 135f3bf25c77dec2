import type { Database } from '../database.ts'
import type { Membership } from '../membership.ts'
import type { StorageSizes } from '../storage/storage.ts'
import { fullVersion } from '../version.ts'
import type { CommandSource } from './source.ts'

/** `conf`: what the server was configured with, by the names of `zoo.cfg`. */
export async function configuration({ settings, database, port, securePort }: CommandSource): Promise<string> {
  const { dataDir, dataLogDir } = settings
  const sizes = await sizesOf(database)
  return [
    `clientPort=${port}`,
    `secureClientPort=${securePort ?? -1}`,
    `dataDir=${versioned(dataDir)}`,
    `dataDirSize=${sizes.snapshots}`,
    `dataLogDir=${versioned(dataLogDir ?? dataDir)}`,
    `dataLogSize=${sizes.logs}`,
    `tickTime=${settings.tickTime}`,
    `maxClientCnxns=${settings.maxClientCnxns}`,
    `minSessionTimeout=${settings.minSessionTimeout}`,
    `maxSessionTimeout=${settings.maxSessionTimeout}`,
    'clientPortListenBacklog=-1',
    `serverId=${database.membership.id}`,
    ...membership(database.membership),
  ].join('\n')
}

/** What `conf` says of an ensemble, the limits as ZooKeeper's own example has them; no end of a line is behind it. */
function membership({ id, quorum }: Membership): string[] {
  if (quorum === null) return ['']
  const { config } = quorum
  const server = config.servers.get(id)
  return [
    'initLimit=10',
    'syncLimit=5',
    'electionAlg=3',
    `electionPort=${server?.electionPort ?? -1}`,
    `quorumPort=${server?.peerPort ?? -1}`,
    `peerType=${server?.observer === true ? 1 : 0}`,
    'membership: ',
    config.toString(),
  ]
}

/** `dirs`: how much is on disk. */
export async function directories({ database }: CommandSource): Promise<string> {
  const { snapshots, logs } = await sizesOf(database)
  return `datadir_size: ${snapshots}\nlogdir_size: ${logs}\n`
}

/** In bytes; what is in memory alone takes none. */
async function sizesOf({ storage }: Database): Promise<StorageSizes> {
  return (await storage?.sizes()) ?? { snapshots: 0, logs: 0 }
}

/** `envi`: the machine and the process. What is Java's is said of Node. */
export function environment({ settings }: CommandSource): string {
  const memory = process.memoryUsage()
  return [
    'Environment:',
    `zookeeper.version=${fullVersion}`,
    `host.name=${settings.host}`,
    `java.version=Node.js ${process.version}`,
    'java.vendor=Node.js',
    `java.home=${process.execPath}`,
    'java.class.path=',
    'java.library.path=',
    'java.io.tmpdir=',
    'java.compiler=<NA>',
    `os.name=${process.platform}`,
    `os.arch=${process.arch}`,
    'os.version=',
    'user.name=',
    'user.home=',
    `user.dir=${process.cwd()}`,
    `os.memory.free=${megabytes(memory.heapTotal - memory.heapUsed)}`,
    `os.memory.max=${megabytes(memory.heapTotal)}`,
    `os.memory.total=${megabytes(memory.rss)}`,
    '',
  ].join('\n')
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)}MB`
}

/** The files are in a folder of that name, which ZooKeeper shows as well. */
function versioned(folder: string | null): string {
  return folder === null ? '' : `${folder}/version-2`
}
