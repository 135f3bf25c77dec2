import type { Trace } from './execute.ts'

/** The first place where two servers said different things. */
export interface Difference {
  readonly session: string
  readonly line: number
  readonly left: string
  readonly right: string
  /** What both had said just before. */
  readonly before: readonly string[]
}

const nothingMore = '(nothing more)'

export function compareTraces(left: Trace, right: Trace): Difference | null {
  for (const session of new Set([...left.keys(), ...right.keys()])) {
    const a = left.get(session) ?? []
    const b = right.get(session) ?? []
    for (let line = 0; line < Math.max(a.length, b.length); line++) {
      if (a[line] === b[line]) continue
      const before = a.slice(Math.max(0, line - 3), line)
      return { session, line, left: a[line] ?? nothingMore, right: b[line] ?? nothingMore, before }
    }
  }
  return null
}
