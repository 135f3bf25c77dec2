import { errorFromCode, ProtocolError, type ZooKeeperError } from '../common/errors.ts'
import { addChroot, checkPath } from '../common/paths.ts'
import type { MultiOp } from '../protocol/multi.ts'
import { operations } from '../protocol/operations.ts'
import type { Reader } from '../protocol/reader.ts'
import type { Writer } from '../protocol/writer.ts'
import { Request, type CallOptions } from '../session/request.ts'
import { checkOptions, optionNames } from './arguments.ts'
import type { DataAndStat } from './requests.ts'

/** What a read of several znodes asks of its client. */
export interface MultiReadHost {
  readonly chroot: string
  submit<T>(request: Request<T>, limits: CallOptions): Promise<T>
}

interface Step {
  readonly op: 'get' | 'getChildren'
  readonly path: string
}

const commitNames = optionNames()

/**
 * Several reads in one request. Each has its own result: what was read, or the error of that read alone (NoNodeError,
 * NoAuthError). The steps throw at once where a path is wrong.
 *
 * @typeParam R - the results so far
 */
export class MultiRead<R extends readonly unknown[] = []> {
  readonly #host: MultiReadHost
  readonly #steps: Step[] = []

  /** @internal Use `client.multiRead()`. */
  constructor(host: MultiReadHost) {
    this.#host = host
  }

  /** Reads a znode's data and `Stat`. */
  get(path: string): MultiRead<[...R, DataAndStat | ZooKeeperError]> {
    return this.#add('get', path)
  }

  /** Reads the names of a znode's children. */
  getChildren(path: string): MultiRead<[...R, string[] | ZooKeeperError]> {
    return this.#add('getChildren', path)
  }

  /**
   * Sends the request, and resolves to the results in the order of the reads. It may be sent again.
   *
   * @throws UnimplementedError by servers before 3.6; `ConnectionLossError` and others as for any request
   */
  commit(options: CallOptions = {}): Promise<R> {
    try {
      checkOptions(options, commitNames)
      const request = new MultiReadRequest(this.#host.chroot, [...this.#steps])
      return this.#host.submit(request, options) as Promise<unknown> as Promise<R>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #add<T>(op: Step['op'], path: string): MultiRead<[...R, T]> {
    checkPath(path)
    this.#steps.push({ op, path })
    return this as unknown as MultiRead<[...R, T]>
  }
}

class MultiReadRequest extends Request<unknown[]> {
  readonly op = 'multiRead'
  readonly opcode: number = operations.multiRead.opcode
  readonly #steps: readonly Step[]

  constructor(chroot: string, steps: readonly Step[]) {
    super(chroot, undefined)
    this.#steps = steps
  }

  write(writer: Writer): void {
    const ops = this.#steps.map(({ op, path }): MultiOp => {
      const body = { path: addChroot(this.chroot, path), watch: false }
      return op === 'get' ? { op: 'getData', body } : { op: 'getChildren', body }
    })
    operations.multiRead.request.write(writer, ops)
  }

  read(reader: Reader): unknown[] {
    const results = operations.multiRead.response.read(reader)
    if (results.length !== this.#steps.length) {
      throw new ProtocolError(`${results.length} results for ${this.#steps.length} reads`)
    }
    return results.map((result, index) => {
      const { op, path } = this.#steps[index]!
      switch (result.op) {
        case 'getData':
          return { data: result.body.data ?? Buffer.alloc(0), stat: result.body.stat }
        case 'getChildren':
          return result.body.children
        case 'error':
          return errorFromCode(result.body.err, { op, path })
        default:
          throw new ProtocolError(`a ${result.op} among the results of reads`)
      }
    })
  }
}
