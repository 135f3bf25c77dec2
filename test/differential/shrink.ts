import type { Json, Op, Program, Step } from './program.ts'

/**
 * Makes a program smaller for as long as it still fails: takes out steps and operations, in large pieces first, then
 * makes what is left plainer.
 *
 * @param fails - whether a program still shows what is looked for
 * @param budget - how many programs may be tried
 */
export async function shrink(
  program: Program,
  fails: (program: Program) => Promise<boolean>,
  budget: number,
): Promise<Program> {
  let best = flatten(program)
  const tries = { left: budget }
  const attempt = async (candidate: readonly Step[]): Promise<boolean> => {
    if (tries.left-- <= 0 || !(await fails({ steps: candidate }))) return false
    best = candidate
    return true
  }
  if (!(await attempt(best))) best = program.steps
  for (
    let size = Math.ceil(best.length / 2);
    size >= 1 && tries.left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = best.length - size; at > -size && tries.left > 0; at -= size) {
      const start = Math.max(0, at)
      await attempt([...best.slice(0, start), ...best.slice(start + size)])
    }
  }
  for (let index = best.length - 1; index >= 0 && tries.left > 0; index--) {
    await attempt(best.filter((_, i) => i !== index))
  }
  for (let index = 0; index < best.length && tries.left > 0; index++) {
    for (const plainer of plainerSteps(best[index]!)) {
      await attempt(best.map((step, i) => (i === index ? plainer : step)))
    }
  }
  return { steps: best }
}

/** One operation a step: the order stays, the batches go. */
function flatten({ steps }: Program): readonly Step[] {
  return steps.flatMap((step) => (step.do === 'send' ? step.ops.map((op): Step => ({ ...step, ops: [op] })) : [step]))
}

function plainerSteps(step: Step): Step[] {
  const candidates: Step[] = step.slot === 0 ? [] : [{ ...step, slot: 0 }]
  if (step.do !== 'send') return candidates
  const [op] = step.ops
  if (op === undefined || step.ops.length > 1) return candidates
  return [...candidates, ...plainerOps(op).map((plainer): Step => ({ ...step, ops: [plainer] }))]
}

function plainerOps(op: Op): Op[] {
  const { mangle: _, xid: __, ...bare } = op
  const found: Op[] = op.mangle === undefined && op.xid === undefined ? [] : [bare]
  if (Array.isArray(op.body)) {
    const items = op.body as readonly Json[]
    return [...found, ...items.map((_, index): Op => ({ ...op, body: items.filter((__, i) => i !== index) }))]
  }
  if (op.body === null || typeof op.body !== 'object') return found
  const body = op.body as { readonly [key: string]: Json }
  for (const [key, plain] of Object.entries({ data: '', flags: 0, version: -1, watch: false, path: '~/a' })) {
    if (key in body && body[key] !== plain) found.push({ ...op, body: { ...body, [key]: plain } })
  }
  for (const [key, value] of Object.entries(body)) {
    if (!Array.isArray(value) || value.length === 0) continue
    const items = value as readonly Json[]
    for (let i = 0; i < items.length; i++) {
      found.push({ ...op, body: { ...body, [key]: items.filter((_, index) => index !== i) } })
    }
  }
  return found
}
