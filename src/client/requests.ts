import { NoNodeError } from '../common/errors.ts'
import { addChroot, removeChroot } from '../common/paths.ts'
import { createFlags } from '../protocol/constants.ts'
import { operations } from '../protocol/operations.ts'
import type { Reader } from '../protocol/reader.ts'
import { readStat, type Stat } from '../protocol/stat.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request } from '../session/request.ts'
import type { WatchRegistry } from '../session/watches/watch-registry.ts'
import { fromWire, type Acl } from './acl.ts'

const emptyData = Buffer.alloc(0)
const noNode = NoNodeError.errno

/** A request about one path, under the client's chroot. */
export abstract class PathRequest<T> extends Request<T> {
  declare readonly path: string

  /** The path as the server sees it. */
  protected get serverPath(): string {
    return addChroot(this.chroot, this.path)
  }
}

/**
 * A read that may leave a watch behind. Its request is the same for all of them: a path and whether to watch.
 *
 * These, the most frequent requests, have neither fields nor constructors of their own, so that making one is one call.
 */
export abstract class WatchingRequest<T> extends PathRequest<T> {
  write(writer: Writer): void {
    writer.string(this.serverPath)
    writer.bool(this.listener !== null && !covered.has(this))
  }
}

/** Reads whose watch is served by one that lasts: not a field, which all the others would pay for. */
const covered = new WeakSet<object>()

/** Spares the server a read's watch where one that lasts on the path tells all that it would. */
export function spareWatch<T>(
  request: WatchingRequest<T>,
  kind: 'data' | 'child',
  watches: WatchRegistry | undefined,
): void {
  if (watches?.isCovered(kind, addChroot(request.chroot, request.path)) === true) covered.add(request)
}

/** What {@link KazooClient.get} resolves to. */
export interface DataAndStat {
  /** Empty where the znode has no data. */
  readonly data: Buffer
  readonly stat: Stat
}

export class GetRequest extends WatchingRequest<DataAndStat> {
  get op(): string {
    return 'get'
  }

  get opcode(): number {
    return operations.getData.opcode
  }

  read(reader: Reader): DataAndStat {
    const data = reader.buffer() ?? emptyData
    return { data, stat: readStat(reader) }
  }

  override watch(watches: WatchRegistry): void {
    if (this.listener !== null) watches.add('data', this.serverPath, this.listener, this.chroot)
  }
}

export class ExistsRequest extends WatchingRequest<Stat | null> {
  get op(): string {
    return 'exists'
  }

  get opcode(): number {
    return operations.exists.opcode
  }

  read(reader: Reader): Stat {
    return readStat(reader)
  }

  override recover(errno: number): { readonly value: null } | undefined {
    return errno === noNode ? { value: null } : undefined
  }

  override watch(watches: WatchRegistry, errno: number): void {
    if (this.listener === null) return
    watches.add(errno === noNode ? 'exist' : 'data', this.serverPath, this.listener, this.chroot)
  }
}

export class GetChildrenRequest extends WatchingRequest<string[]> {
  get op(): string {
    return 'getChildren'
  }

  get opcode(): number {
    return operations.getChildren.opcode
  }

  read(reader: Reader): string[] {
    return operations.getChildren.response.read(reader).children as string[]
  }

  override watch(watches: WatchRegistry): void {
    if (this.listener !== null) watches.add('child', this.serverPath, this.listener, this.chroot)
  }
}

/** What {@link KazooClient.getChildren} resolves to with `includeStat`. */
export interface ChildrenAndStat {
  /** The names of the children, without their parent's path, in no particular order. */
  readonly children: string[]
  readonly stat: Stat
}

export class GetChildren2Request extends WatchingRequest<ChildrenAndStat> {
  get op(): string {
    return 'getChildren'
  }

  get opcode(): number {
    return operations.getChildren2.opcode
  }

  read(reader: Reader): ChildrenAndStat {
    return operations.getChildren2.response.read(reader) as ChildrenAndStat
  }

  override watch(watches: WatchRegistry): void {
    if (this.listener !== null) watches.add('child', this.serverPath, this.listener, this.chroot)
  }
}

export class SetRequest extends PathRequest<Stat> {
  readonly op = 'set'
  readonly opcode: number = operations.setData.opcode
  readonly #data: Uint8Array | null
  readonly #version: number

  constructor(chroot: string, path: string, data: Uint8Array | null, version: number) {
    super(chroot, path)
    this.#data = data
    this.#version = version
  }

  write(writer: Writer): void {
    writer.string(this.serverPath)
    writer.buffer(this.#data)
    writer.int(this.#version)
  }

  read(reader: Reader): Stat {
    return readStat(reader)
  }
}

/** What a create asks for, checked. */
export interface CreateTerms {
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[]
  readonly flags: number
  /** Milliseconds; undefined for a znode that lives until it is deleted. */
  readonly ttl?: number | undefined
}

/**
 * The path that a create gives the server. To a sequence at the chroot's root the server must not append the counter as
 * if to the chroot's own name: that znode would lie outside.
 */
export function createTarget(chroot: string, path: string, flags: number): string {
  return path === '/' && (flags & createFlags.persistentSequential) !== 0 ? `${chroot}/` : addChroot(chroot, path)
}

/** The operation that makes such a znode, answering with the path alone where that is possible. */
export function createOperation({ flags, ttl }: CreateTerms, includeStat: boolean): CreateOperationName {
  if (ttl !== undefined) return 'createTtl'
  if (flags === createFlags.container) return 'createContainer'
  return includeStat ? 'create2' : 'create'
}

/** A request that servers may be too old for: those would close the connection. */
export interface Dated {
  /** The first release that knows it; undefined where all do. */
  readonly since: string | undefined
}

type CreateOperationName = 'create' | 'create2' | 'createContainer' | 'createTtl'

abstract class AnyCreateRequest<T> extends PathRequest<T> implements Dated {
  readonly op = 'create'
  readonly opcode: number
  readonly #terms: CreateTerms

  constructor(chroot: string, path: string, terms: CreateTerms, includeStat: boolean) {
    super(chroot, path)
    this.#terms = terms
    this.opcode = operations[createOperation(terms, includeStat)].opcode
  }

  get since(): string | undefined {
    return this.#terms.ttl === undefined ? undefined : operations.createTtl.since
  }

  protected override get serverPath(): string {
    return createTarget(this.chroot, this.path, this.#terms.flags)
  }

  write(writer: Writer): void {
    const { ttl } = this.#terms
    operations.create.request.write(writer, { path: this.serverPath, ...this.#terms })
    // The one field that the request for a TTL znode has more.
    if (ttl !== undefined) writer.longNumber(ttl)
  }
}

export class CreateRequest extends AnyCreateRequest<string> {
  constructor(chroot: string, path: string, terms: CreateTerms) {
    super(chroot, path, terms, false)
  }

  /** A `Stat` that may follow the path is left unread. */
  read(reader: Reader): string {
    return removeChroot(this.chroot, operations.create.response.read(reader).path)
  }
}

/** What {@link KazooClient.create} resolves to with `includeStat`. */
export interface PathAndStat {
  /** The path, with the counter appended if it is sequential. */
  readonly path: string
  readonly stat: Stat
}

export class Create2Request extends AnyCreateRequest<PathAndStat> {
  constructor(chroot: string, path: string, terms: CreateTerms) {
    super(chroot, path, terms, true)
  }

  read(reader: Reader): PathAndStat {
    const { path, stat } = operations.create2.response.read(reader)
    return { path: removeChroot(this.chroot, path), stat }
  }
}

export class DeleteRequest extends PathRequest<void> {
  readonly op = 'delete'
  readonly opcode: number = operations.delete.opcode
  readonly #version: number

  constructor(chroot: string, path: string, version: number) {
    super(chroot, path)
    this.#version = version
  }

  write(writer: Writer): void {
    writer.string(this.serverPath)
    writer.int(this.#version)
  }

  read(): void {}
}

/** What {@link KazooClient.getAcls} resolves to. */
export interface AclsAndStat {
  readonly acls: Acl[]
  /** `stat.aversion` is the version of the ACL, which `setAcls` compares. */
  readonly stat: Stat
}

export class GetAclsRequest extends PathRequest<AclsAndStat> {
  readonly op = 'getAcls'
  readonly opcode: number = operations.getAcl.opcode

  write(writer: Writer): void {
    writer.string(this.serverPath)
  }

  read(reader: Reader): AclsAndStat {
    const { acl, stat } = operations.getAcl.response.read(reader)
    return { acls: fromWire(acl), stat }
  }
}

export class SetAclsRequest extends PathRequest<Stat> {
  readonly op = 'setAcls'
  readonly opcode: number = operations.setAcl.opcode
  readonly #acl: readonly Acl[]
  readonly #version: number

  constructor(chroot: string, path: string, acl: readonly Acl[], version: number) {
    super(chroot, path)
    this.#acl = acl
    this.#version = version
  }

  write(writer: Writer): void {
    operations.setAcl.request.write(writer, { path: this.serverPath, acl: this.#acl, version: this.#version })
  }

  read(reader: Reader): Stat {
    return readStat(reader)
  }
}

export class SyncRequest extends PathRequest<string> {
  readonly op = 'sync'
  readonly opcode: number = operations.sync.opcode

  write(writer: Writer): void {
    writer.string(this.serverPath)
  }

  read(reader: Reader): string {
    return removeChroot(this.chroot, operations.sync.response.read(reader).path)
  }
}
