import { SeededRandom } from '../../src/testing/index.ts'
import { generateOp, type OpHabits } from './generate-op.ts'
import { randomData } from './generate-parts.ts'
import { type Handshake, type Op, type Program, endsBatch, standsAlone, type Step } from './program.ts'

/** The program of a number, under a seed: the same one every time. */
export function generateProgram(seed: number, index: number): Program {
  const random = new SeededRandom(seed, `program ${index}`)
  const habits: OpHabits = {
    quota: random.chance(0.12),
    acls: random.chance(0.4),
    watches: random.chance(0.6),
    oddities: random.chance(0.5),
  }
  const slots = random.pick([1, 2, 2, 3])
  const size = random.pick([15, 40, 80, 80, 120, 160, 240])
  const steps: Step[] = habits.quota && random.chance(0.8) ? [quotaStep(random, habits)] : []
  for (let ops = 0; ops < size;) {
    const step = generateStep(random, random.integer(0, slots - 1), habits)
    steps.push(step)
    ops += step.do === 'send' ? step.ops.length : 1
  }
  return { steps }
}

function generateStep(random: SeededRandom, slot: number, habits: OpHabits): Step {
  const kind = random.number()
  if (kind < 0.02) return { do: 'connect', slot, how: handshake(random, habits) }
  if (kind < 0.03) return { do: 'drop', slot }
  if (kind < 0.035) return { do: 'expire', slot }
  // What a write under way would add does not yet count for a quota: whether it is under way is chance.
  const most = habits.quota ? 1 : random.pick([1, 3, 8, 16, 24])
  const ops: Op[] = []
  while (ops.length < most) {
    const op = generateOp(random, habits)
    if (standsAlone(op)) return { do: 'send', slot, ops: ops.length === 0 ? [op] : ops }
    ops.push(op)
    if (endsBatch(op)) break
  }
  return { do: 'send', slot, ops }
}

/** Limits and counts as `setquota` makes them. */
function quotaStep(random: SeededRandom, habits: OpHabits): Step {
  const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
  const ops = ['', '/zookeeper_limits', '/zookeeper_stats'].map((name): Op => {
    const path = `/zookeeper/quota~${name}`
    return { op: 'create', body: { path, data: randomData(random, habits, path), acl, flags: 0 } }
  })
  return { do: 'send', slot: 0, ops }
}

function handshake(random: SeededRandom, { oddities }: OpHabits): Handshake {
  const session = random.pick(['new', 'own', 'own', 'own'] as const)
  const timeout = random.pick([10_000, 10_000, 5_000, 9_999])
  if (!oddities) return { session, timeout }
  return {
    session: random.chance(0.1) ? 'unknown' : session,
    password: random.chance(0.7) ? 'right' : random.pick(['wrong', 'short', 'empty', 'null']),
    seen: random.pick(['nothing', 'last', 'last', 'ahead']),
    timeout: random.pick([timeout, timeout, 0x7fff_ffff, 20_000]),
    readOnly: random.pick([false, false, true, null]),
  }
}
