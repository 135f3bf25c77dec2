import type { OperationName } from '../../src/protocol/operations.ts'

/**
 * A program of operations, as JSON: it is generated, run against two servers, shrunk, and kept as a regression test.
 *
 * In every string `~` stands for the program's own subtree. What only a run knows, such as zxids and session ids, is
 * named, never written down.
 */
export interface Program {
  readonly steps: readonly Step[]
}

/** Sessions are numbered; each number has at most one connection at a time. */
export type Step =
  /** Sent in one go, answered in order: only what keeps its order in ZooKeeper's pipeline may stand together. */
  | { readonly do: 'send'; readonly slot: number; readonly ops: readonly Op[] }
  | { readonly do: 'connect'; readonly slot: number; readonly how: Handshake }
  /** The connection ends, the session lives on. */
  | { readonly do: 'drop'; readonly slot: number }
  /** The session ends as if its time were over. */
  | { readonly do: 'expire'; readonly slot: number }

export interface Handshake {
  /** A new session, the one that the slot has, or one that never was. */
  readonly session: 'new' | 'own' | 'unknown'
  readonly password?: 'right' | 'wrong' | 'short' | 'empty' | 'null'
  /** What the client claims to have seen. */
  readonly seen?: 'nothing' | 'last' | 'ahead'
  /** Milliseconds asked for. */
  readonly timeout?: number
  /** Null leaves the byte out. */
  readonly readOnly?: boolean | null
}

export interface Op {
  /** An operation of the table, or an opcode with a body of bytes in hex. */
  readonly op: OperationName | number
  readonly body: Json
  /** Default: the next one in turn. */
  readonly xid?: number
  /** Damages the encoded body. */
  readonly mangle?: Mangle
}

export interface Mangle {
  /** Keeps this many bytes. */
  readonly cut?: number
  /** Replaces the byte at an offset, which is taken modulo the length. */
  readonly poke?: readonly [offset: number, value: number]
  /** Bytes behind the body, in hex. */
  readonly add?: string
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** How many operations a program has. */
export function countOps(program: Program): number {
  return program.steps.reduce((sum, step) => sum + (step.do === 'send' ? step.ops.length : 1), 0)
}

const alone: ReadonlySet<unknown> = new Set(['auth', 'sasl', 'check', 'closeSession'])

/**
 * Whether an operation must not share a batch: ZooKeeper answers it past the pipeline, or closes the connection after it,
 * so that what is sent right before or behind may be answered or not.
 */
export function standsAlone({ op, mangle }: Op): boolean {
  return typeof op === 'number' || alone.has(op) || (op === 'multi' && mangle !== undefined)
}

/**
 * Whether what is sent right behind an operation may or may not see its traces: a new ACL counts for writes only once it
 * is applied, and a multi that ZooKeeper stumbles over is forgotten no earlier.
 */
export function endsBatch({ op, body }: Op): boolean {
  return op === 'setAcl' || (op === 'multi' && JSON.stringify(body).includes('"id":null'))
}

/** Whether a connection ends with this operation, when it is answered with this error code. */
export function endsConnection({ op }: Op, error: number): boolean {
  if (op === 'closeSession' || op === 'check') return true
  return typeof op === 'number' ? error === -6 : error === -115 || error === -124
}
