import { ProtocolError } from '../common/errors.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/**
 * How one type of value is read and written. Records are tables of fields, compiled once to closures, and serve the
 * client and the server alike.
 */
export interface Field<T> {
  read(reader: Reader): T
  write(writer: Writer, value: T): void
  /** The least number of bytes that a value takes on the wire. */
  readonly least: number
}

/** The TypeScript type of a field's or record's values. */
export type Infer<F> = F extends Field<infer T> ? T : never

type Shape = Readonly<Record<string, Field<unknown>>>
type Values<S extends Shape> = { [K in keyof S]: Infer<S[K]> }

/** A named record: a field made of fields. */
export interface RecordType<T> extends Field<T> {
  readonly name: string
}

export const bool: Field<boolean> = {
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value),
  least: 1,
}

export const int: Field<number> = {
  read: (reader) => reader.int(),
  write: (writer, value) => writer.int(value),
  least: 4,
}

/** For zxids and session ids, which pass 2^53. */
export const long: Field<bigint> = {
  read: (reader) => reader.long(),
  write: (writer, value) => writer.long(value),
  least: 8,
}

/** For times and durations, which do not pass 2^53. */
export const longNumber: Field<number> = {
  read: (reader) => reader.longNumber(),
  write: (writer, value) => writer.longNumber(value),
  least: 8,
}

/** A string is null where it must not be: the bytes are well formed, and yet no value of their record. */
export class NullStringError extends ProtocolError {
  constructor() {
    super('a string is null where it must not be')
  }
}

/** A string; null, which the wire allows anywhere, is refused with {@link NullStringError}. */
export const ustring: Field<string> = {
  read: (reader) => {
    const value = reader.string()
    if (value === null) throw new NullStringError()
    return value
  },
  write: (writer, value) => writer.string(value),
  least: 4,
}

export const nullableString: Field<string | null> = {
  read: (reader) => reader.string(),
  write: (writer, value) => writer.string(value),
  least: 4,
}

/** Bytes; null and empty are told apart on the wire. */
export const buffer: Field<Uint8Array | null> = {
  read: (reader) => reader.buffer(),
  write: (writer, value) => writer.buffer(value),
  least: 4,
}

/**
 * A list; null on the wire reads as empty, as ZooKeeper itself takes it.
 *
 * @param most - how many items are read at most: for those that take a multiple of their bytes in memory
 */
export function vector<T>(item: Field<T>, most = Infinity): Field<readonly T[]> {
  return {
    read: (reader) => {
      const count = reader.count(item.least, most)
      const items: T[] = []
      for (let i = 0; i < count; i++) items.push(item.read(reader))
      return items
    },
    write: (writer, items) => {
      writer.int(items.length)
      for (const value of items) item.write(writer, value)
    },
    least: 4,
  }
}

/**
 * Defines a record: `record('GetDataRequest', { path: ustring, watch: bool })`. The order of the fields is their order
 * on the wire.
 */
export function record<const S extends Shape>(name: string, shape: S): RecordType<Values<S>> {
  const entries = Object.entries(shape)
  const keys = entries.map(([key]) => key)
  const fields = entries.map(([, field]) => field)
  const size = keys.length
  return {
    name,
    least: fields.reduce((sum, field) => sum + field.least, 0),
    read: (reader) => {
      const values: Record<string, unknown> = {}
      for (let i = 0; i < size; i++) values[keys[i]!] = fields[i]!.read(reader)
      return values as Values<S>
    },
    write: (writer, values) => {
      for (let i = 0; i < size; i++) fields[i]!.write(writer, (values as Record<string, unknown>)[keys[i]!])
    },
  }
}

/** The body of a request or reply that has none. */
export const nothing: RecordType<void> = {
  name: 'nothing',
  least: 0,
  read: () => undefined,
  write: () => {},
}
