import { ProtocolError } from '../common/errors.ts'
import type { Reader } from './reader.ts'
import { bool, int, nothing, record, type Infer, type RecordType } from './record.ts'
import {
  CreateRequest,
  CreateTtlRequest,
  ErrorResponse,
  GetChildrenResponse,
  GetDataResponse,
  PathAndStat,
  PathAndVersion,
  PathAndWatch,
  PathResponse,
  SetDataRequest,
} from './records.ts'
import { StatRecord } from './stat.ts'
import type { Writer } from './writer.ts'

/**
 * multi and multiRead: any number of operations, each behind a header, up to a header that says `done`. The two kinds
 * never mix: a multi writes, a multiRead reads.
 */
const MultiHeader = record('MultiHeader', { type: int, done: bool, err: int })

const requests = {
  create: { opcode: 1, record: CreateRequest },
  delete: { opcode: 2, record: PathAndVersion },
  setData: { opcode: 5, record: SetDataRequest },
  check: { opcode: 13, record: PathAndVersion },
  create2: { opcode: 15, record: CreateRequest },
  createContainer: { opcode: 19, record: CreateRequest },
  createTtl: { opcode: 21, record: CreateTtlRequest },
  getData: { opcode: 4, record: PathAndWatch },
  getChildren: { opcode: 8, record: PathAndWatch },
} as const

/** What a multi's results are, by the opcode in front: create2, createContainer and createTTL all answer as create2. */
const results = {
  create: { opcode: 1, record: PathResponse },
  delete: { opcode: 2, record: nothing },
  setData: { opcode: 5, record: record('SetDataResponse', { stat: StatRecord }) },
  check: { opcode: 13, record: nothing },
  create2: { opcode: 15, record: PathAndStat },
  getData: { opcode: 4, record: GetDataResponse },
  getChildren: { opcode: 8, record: GetChildrenResponse },
  error: { opcode: -1, record: ErrorResponse },
} as const

type Tagged<T extends Record<string, { record: RecordType<unknown> }>> = {
  [K in keyof T]: { readonly op: K; readonly body: Infer<T[K]['record']> }
}[keyof T]

/** One operation of a multi or multiRead. */
export type MultiOp = Tagged<typeof requests>
/** One result; a failed multi has an `error` at every place. */
export type MultiResult = Tagged<typeof results>

/** The operations of a multi request, or of a multiRead. */
export const MultiRequest: RecordType<readonly MultiOp[]> = sequence('MultiRequest', requests)
export const MultiResponse: RecordType<readonly MultiResult[]> = sequence('MultiResponse', results)

type Entry = { readonly opcode: number; readonly record: RecordType<unknown> }
type Item = { readonly op: string; readonly body: unknown }

function sequence<T>(name: string, table: Readonly<Record<string, unknown>>): RecordType<readonly T[]> {
  const entries = table as Readonly<Record<string, Entry>>
  const byOpcode = new Map(Object.entries(entries).map(([op, entry]) => [entry.opcode, { op, ...entry }]))
  return {
    name,
    least: 9,
    read: (reader: Reader) => {
      const items: Item[] = []
      for (;;) {
        const header = MultiHeader.read(reader)
        if (header.done) return items as unknown as readonly T[]
        const entry = byOpcode.get(header.type)
        if (entry === undefined) throw new ProtocolError(`${name}: operation ${header.type} has no place in it`)
        items.push({ op: entry.op, body: entry.record.read(reader) })
      }
    },
    write: (writer: Writer, items) => {
      for (const { op, body } of items as unknown as readonly Item[]) {
        const entry = entries[op]!
        // The header repeats an error's code; a request carries −1, a success 0.
        const err = name === 'MultiRequest' ? -1 : op === 'error' ? (body as ErrorResponse).err : 0
        MultiHeader.write(writer, { type: entry.opcode, done: false, err })
        entry.record.write(writer, body)
      }
      MultiHeader.write(writer, { type: -1, done: true, err: -1 })
    },
  }
}
