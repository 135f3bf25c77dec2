import { errorFromCode, ProtocolError, SessionExpiredError, SessionMovedError } from '../common/errors.ts'
import { addChroot, checkPath, removeChroot } from '../common/paths.ts'
import { operations } from '../protocol/operations.ts'
import type { MultiOp, MultiResult } from '../protocol/multi.ts'
import type { Reader } from '../protocol/reader.ts'
import type { Stat } from '../protocol/stat.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request, type CallOptions } from '../session/request.ts'
import { checkOptions, optionNames, toBytes, toVersion, type DataInput } from './arguments.ts'
import { createNames, createTerms, ownTerms, type CreateMode } from './create-options.ts'
import type { Acl } from './acl.ts'
import { createOperation, createTarget, type Dated } from './requests.ts'
import { TransactionError } from './transaction-error.ts'

/** What a transaction asks of its client. */
export interface TransactionHost {
  readonly chroot: string
  readonly defaultAcl: readonly Acl[]
  readonly maxBuffer: number
  submit<T>(request: Request<T>, limits: CallOptions): Promise<T>
}

/** One operation of a transaction. */
export interface Step {
  readonly op: string
  readonly path: string
  readonly wire: MultiOp
}

const commitNames = optionNames()
const createStepNames: ReadonlySet<string> = new Set(createNames)
const versionNames: ReadonlySet<string> = new Set(['version'])

/**
 * Several writes that are applied all together or not at all. Build it up, then `commit()` once; the results come in
 * the order of the operations, and their types with them.
 *
 * Unlike the client's verbs, the steps throw at once where an argument is wrong (TypeError, RangeError), and after
 * `commit()`. What they are given is copied: changing it later changes nothing.
 *
 * @typeParam R - the results so far
 */
export class Transaction<R extends readonly unknown[] = []> {
  readonly #host: TransactionHost
  readonly #steps: Step[] = []
  #committed = false

  /** @internal Use `client.transaction()`. */
  constructor(host: TransactionHost) {
    this.#host = host
  }

  /** Creates a znode; its result is the path, with the counter that the server appended if it is sequential. */
  create(path: string, data: DataInput = '', options: CreateMode = {}): Transaction<[...R, string]> {
    checkOptions(options, createStepNames)
    checkPath(path, 'path', options.sequence === true)
    const { chroot } = this.#host
    const terms = ownTerms(createTerms(data, options, this.#host))
    const serverPath = createTarget(chroot, path, terms.flags)
    const body = { path: serverPath, ...terms }
    const op = createOperation(terms, false)
    return this.#add('create', path, op === 'createTtl' ? { op, body: { ...body, ttl: terms.ttl ?? 0 } } : { op, body })
  }

  /** Deletes a znode, if it has that version; its result is `true`. */
  delete(path: string, options: { readonly version?: number } = {}): Transaction<[...R, true]> {
    checkOptions(options, versionNames)
    return this.#addVersioned('delete', path, options.version)
  }

  /** Sets a znode's data, if it has that version; its result is the `Stat` after it. */
  set(path: string, data: DataInput, options: { readonly version?: number } = {}): Transaction<[...R, Stat]> {
    checkOptions(options, versionNames)
    checkPath(path)
    const { chroot, maxBuffer } = this.#host
    const bytes = toBytes(data, maxBuffer)
    // A copy, as it is sent only with the commit.
    const kept = bytes === null ? null : Buffer.from(bytes)
    const body = { path: addChroot(chroot, path), data: kept, version: toVersion(options.version) }
    return this.#add('set', path, { op: 'setData', body })
  }

  /** Lets the transaction fail unless the znode has that version, or, without one, exists; its result is `true`. */
  check(path: string, version?: number): Transaction<[...R, true]> {
    return this.#addVersioned('check', path, version)
  }

  /**
   * Sends the transaction, as one request, and resolves to the results. It can be called once.
   *
   * @throws TransactionError if an operation failed: nothing was applied; `ConnectionLossError` and others as for any
   * request; TypeError if it was committed before. All of them reject the promise
   */
  commit(options: CallOptions = {}): Promise<R> {
    try {
      checkOptions(options, commitNames)
      if (this.#committed) throw new TypeError('the transaction was committed already')
      this.#committed = true
      const request = new MultiWriteRequest(this.#host.chroot, this.#steps)
      return this.#host.submit(request, options) as Promise<unknown> as Promise<R>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #addVersioned(op: 'delete' | 'check', path: string, version: number | undefined): Transaction<[...R, true]> {
    checkPath(path)
    const body = { path: addChroot(this.#host.chroot, path), version: toVersion(version) }
    return this.#add(op, path, { op, body })
  }

  #add<T>(op: string, path: string, wire: MultiOp): Transaction<[...R, T]> {
    if (this.#committed) throw new TypeError('the transaction was committed already')
    this.#steps.push({ op, path, wire })
    return this as unknown as Transaction<[...R, T]>
  }
}

export class MultiWriteRequest extends Request<unknown[]> implements Dated {
  readonly op = 'transaction'
  readonly opcode: number = operations.multi.opcode
  readonly #steps: readonly Step[]

  constructor(chroot: string, steps: readonly Step[]) {
    super(chroot, undefined)
    this.#steps = [...steps]
  }

  get since(): string | undefined {
    return this.#steps.some(({ wire }) => wire.op === 'createTtl') ? operations.createTtl.since : undefined
  }

  write(writer: Writer): void {
    operations.multi.request.write(
      writer,
      this.#steps.map((step) => step.wire),
    )
  }

  read(reader: Reader): unknown[] {
    return this.#results(operations.multi.response.read(reader))
  }

  /** A failed transaction is no error in the reply's header: it shows in the results, so it is thrown from here. */
  override resolve(results: unknown[]): void {
    const failure = results[0] instanceof TransactionError ? results[0] : undefined
    if (failure === undefined) super.resolve(results)
    else this.reject(failure)
  }

  #results(results: readonly MultiResult[]): unknown[] {
    // They are told apart by position alone, so that one too few would give each the meaning of another.
    if (results.length !== this.#steps.length) {
      throw new ProtocolError(`${results.length} results of a transaction of ${this.#steps.length} operations`)
    }
    // A failed transaction has an error at every place: 0 before the culprit, its own code, −2 after it.
    const culprit = results.findIndex((result) => result.op === 'error' && result.body.err !== 0)
    if (culprit === -1) return results.map((result) => this.#value(result))
    this.#checkSession(results[culprit]!)
    const errors = results.map((result, index) => {
      const step = this.#steps[index]
      return errorFromCode(result.op === 'error' ? result.body.err : 0, { op: step?.op, path: step?.path })
    })
    return [new TransactionError(culprit, errors)]
  }

  /**
   * That the session is over, or has moved, is no matter of one operation: a leader that finds it out while it prepares them
   * says so at the first. Nothing behind such an answer is to be relied on, so that it ends the connection.
   */
  #checkSession(result: MultiResult): void {
    const errno = result.op === 'error' ? result.body.err : 0
    if (errno !== SessionExpiredError.errno && errno !== SessionMovedError.errno) return
    this.fail(errno)
    throw errorFromCode(errno, { op: this.op })
  }

  #value(result: MultiResult): unknown {
    switch (result.op) {
      case 'create':
      case 'create2':
        return removeChroot(this.chroot, result.body.path)
      case 'setData':
        return result.body.stat
      default:
        return true
    }
  }
}
