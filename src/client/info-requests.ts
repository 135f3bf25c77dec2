import { describeType, removeChroot } from '../common/paths.ts'
import { operations } from '../protocol/operations.ts'
import type { Reader } from '../protocol/reader.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request } from '../session/request.ts'
import type { WatchListener, WatchRegistry } from '../session/watches/watch-registry.ts'
import { GetRequest, PathRequest, spareWatch, type DataAndStat } from './requests.ts'

const emptyData = Buffer.alloc(0)

/** The ephemerals of this session, below a prefix. */
export class GetEphemeralsRequest extends PathRequest<string[]> {
  readonly op = 'getEphemerals'
  readonly opcode: number = operations.getEphemerals.opcode

  write(writer: Writer): void {
    operations.getEphemerals.request.write(writer, { prefix: this.serverPath })
  }

  read(reader: Reader): string[] {
    const { ephemerals } = operations.getEphemerals.response.read(reader)
    // The server compares letter by letter: below `/a` it finds `/ab`, which may be outside the chroot altogether.
    const inside = `${this.chroot}/`
    return ephemerals.filter((path) => path.startsWith(inside)).map((path) => removeChroot(this.chroot, path))
  }
}

/** How many descendants a znode has. */
export class GetAllChildrenNumberRequest extends PathRequest<number> {
  readonly op = 'getAllChildrenNumber'
  readonly opcode: number = operations.getAllChildrenNumber.opcode

  write(writer: Writer): void {
    writer.string(this.serverPath)
  }

  read(reader: Reader): number {
    return reader.int()
  }
}

/** Who the server takes a connection for. */
export interface ClientInfo {
  /** `'ip'`, `'digest'`, `'sasl'`, `'x509'`… */
  readonly authScheme: string
  /** The name in that scheme, without any secret. */
  readonly user: string
}

export class WhoAmIRequest extends Request<ClientInfo[]> {
  readonly op = 'whoAmI'
  readonly opcode: number = operations.whoAmI.opcode

  constructor() {
    super('', undefined)
  }

  write(): void {}

  read(reader: Reader): ClientInfo[] {
    const { clientInfo } = operations.whoAmI.response.read(reader)
    return clientInfo.map(({ authScheme, user }) => ({ authScheme, user: user ?? '' }))
  }
}

/** Where the ensemble's configuration is, whatever the chroot. */
export const configPath = '/zookeeper/config'

export class GetConfigRequest extends GetRequest {
  /** @param watches - where one that lasts may be: the server is spared another then */
  constructor(listener: WatchListener | null, watches: WatchRegistry | undefined) {
    super('', configPath, listener)
    spareWatch(this, 'data', watches)
  }

  override get op(): string {
    return 'getConfig'
  }
}

/** A change of the ensemble's members, in ZooKeeper's own notation. */
export interface ReconfigChange {
  /** Members to add or to change: `server.5=host:2888:3888;2181`, separated by commas. */
  readonly joining?: string
  /** Ids of members to remove, separated by commas. */
  readonly leaving?: string
  /** All members of a new ensemble, instead of `joining` and `leaving`. */
  readonly newMembers?: string
  /** The version of the configuration that is to be changed; −1 is any. @defaultValue −1 */
  readonly fromConfig?: bigint | number
}

export class ReconfigRequest extends Request<DataAndStat> {
  readonly op = 'reconfig'
  readonly opcode: number = operations.reconfig.opcode
  readonly #change: ReconfigChange

  constructor(change: ReconfigChange) {
    super('', undefined)
    this.#change = change
  }

  write(writer: Writer): void {
    const { joining = null, leaving = null, newMembers = null, fromConfig = -1 } = this.#change
    operations.reconfig.request.write(writer, { joining, leaving, newMembers, curConfigId: BigInt(fromConfig) })
  }

  read(reader: Reader): DataAndStat {
    const { data, stat } = operations.reconfig.response.read(reader)
    return { data: (data as Buffer | null) ?? emptyData, stat }
  }
}

const changeNames: readonly string[] = ['joining', 'leaving', 'newMembers', 'fromConfig']

/** What a version of the configuration, a zxid, is at most: what is above wraps around, and −1 is any. */
const maxConfig = 0x7fff_ffff_ffff_ffffn

/** @throws TypeError or RangeError that names what is wrong */
export function checkReconfig(change: unknown): asserts change is ReconfigChange {
  if (typeof change !== 'object' || change === null) {
    throw new TypeError(`change must be an object, not ${describeType(change)}`)
  }
  for (const name of Object.keys(change)) {
    if (!changeNames.includes(name)) throw new TypeError(`change: unknown option ${JSON.stringify(name)}`)
  }
  const { joining, leaving, newMembers, fromConfig } = change as ReconfigChange
  for (const [name, value] of Object.entries({ joining, leaving, newMembers })) {
    if (value !== undefined && typeof value !== 'string') {
      throw new TypeError(`${name} must be a string, not ${describeType(value)}`)
    }
  }
  if (newMembers !== undefined && (joining !== undefined || leaving !== undefined)) {
    throw new RangeError('newMembers excludes joining and leaving')
  }
  if (newMembers === undefined && joining === undefined && leaving === undefined) {
    throw new RangeError('change must have joining, leaving or newMembers')
  }
  if (fromConfig === undefined) return
  if (typeof fromConfig !== 'bigint' && !Number.isSafeInteger(fromConfig)) {
    throw new TypeError('fromConfig must be a bigint or a whole number')
  }
  if (fromConfig < -1 || fromConfig > maxConfig) {
    throw new RangeError(`fromConfig must be -1 or the version of a configuration, not ${fromConfig}`)
  }
}
