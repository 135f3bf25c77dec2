import { EmbeddedServer } from '../../src/server/index.ts'
import { RealZooKeeper } from '../../src/testing/index.ts'

/** A server that programs are run against. */
export interface Target extends AsyncDisposable {
  readonly name: string
  readonly port: number
  /** Ends a session as if its time were over; null where a server cannot be told to. */
  readonly expire: ((id: bigint) => void) | null
}

/** Nothing but the programs may use up zxids: reaping is put off. */
const never = 0x7fff_ffff

/** Of `super:admin`. */
export const superDigest = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs='

export async function startEmbedded(): Promise<Target> {
  const server = await new EmbeddedServer({ tickTime: 500, reapInterval: never, superDigest }).start()
  return {
    name: 'embedded',
    port: server.port,
    expire: (id) => void server.expireSession(id),
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

export async function startReal(choice: { readonly version?: string; readonly classpath?: string }): Promise<Target> {
  const server = await new RealZooKeeper({
    ...choice,
    tickTime: 500,
    config: { reconfigEnabled: 'false' },
    logLevel: 'ERROR',
    jvmFlags: [
      '-Dzookeeper.enforceQuota=true',
      `-Dzookeeper.DigestAuthenticationProvider.superDigest=${superDigest}`,
      `-Dznode.container.checkIntervalMs=${never}`,
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
      '-Xmx768m',
    ],
  }).start()
  return {
    name: `ZooKeeper ${server.version}`,
    port: server.members[0]!.port,
    expire: null,
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
