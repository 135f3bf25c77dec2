import type { Runtime } from '../../runtime/runtime.ts'

/** A copy in random order, each order as likely as the others. */
export function shuffled<T>(runtime: Pick<Runtime, 'random'>, items: readonly T[]): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(runtime.random() * (i + 1))
    const item = result[i]!
    result[i] = result[j]!
    result[j] = item
  }
  return result
}
