import { fullVersion, type CommandSource } from './source.ts'

/** `conf`: what the server was configured with, by the names of `zoo.cfg`. */
export function configuration({ settings, port, securePort }: CommandSource): string {
  const { dataDir, dataLogDir } = settings
  return [
    `clientPort=${port}`,
    `secureClientPort=${securePort ?? -1}`,
    `dataDir=${versioned(dataDir)}`,
    'dataDirSize=0',
    `dataLogDir=${versioned(dataLogDir ?? dataDir)}`,
    'dataLogSize=0',
    `tickTime=${settings.tickTime}`,
    `maxClientCnxns=${settings.maxClientCnxns}`,
    `minSessionTimeout=${settings.minSessionTimeout}`,
    `maxSessionTimeout=${settings.maxSessionTimeout}`,
    'clientPortListenBacklog=-1',
    'serverId=0',
    '',
  ].join('\n')
}

/** `dirs`: how much is on disk. */
export function directories(): string {
  return 'datadir_size: 0\nlogdir_size: 0\n'
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
