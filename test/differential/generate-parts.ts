import type { SeededRandom } from '../../src/testing/index.ts'
import type { Json, Mangle } from './program.ts'

const paths = [
  ...['~', '~', '~/a', '~/a', '~/a', '~/b', '~/b', '~/c', '~/a/a', '~/a/a', '~/a/b', '~/b/a', '~/a/a/a', '~/a/b/c'],
  ...['~/s-0000000000', '~/s-0000000001', '~/s-0000000002', '~/a/s-0000000000', '~/a/s-0000000001', '~/a/0000000000'],
]
const sequencePrefixes = ['~/s-', '~/s-', '~/a/s-', '~/a/s-', '~/a/', '~/b/s-', '~/', '~/x/s-']
const special = [
  '',
  '/',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/quota~',
  '/nope',
  '/nope/a',
]
const quotaPaths = ['/zookeeper/quota~', '/zookeeper/quota~/zookeeper_limits', '/zookeeper/quota~/zookeeper_stats']
const odd = [
  ...['a', '~a', '//', '~//a', '~/a/', '~/', '~/.', '~/./a', '~/..', '~/../a', '~/a/...', '~/a b', '~/é'],
  ...[
    '~/\u0000',
    '~/a\u0001',
    '~/\u001f',
    '~/\u007f',
    '~/\u009f',
    '~/\ud7ff',
    '~/\ue000',
    '~/\uf8ff',
    '~/\ufff0',
    '~/\ufeff',
  ],
  '~/' + 'x'.repeat(300),
]

export interface PathHabits {
  readonly quota: boolean
}

export function randomPath(random: SeededRandom, { quota }: PathHabits): string {
  const kind = random.number()
  if (quota && kind < 0.2) return random.pick(quotaPaths)
  if (kind < 0.9) return random.pick(paths)
  if (kind < 0.95) return random.pick(special)
  return random.pick(odd)
}

/** Where something may be created or changed: what all programs share is left alone. */
export function randomOwnPath(random: SeededRandom, habits: PathHabits): string {
  for (;;) {
    const path = randomPath(random, habits)
    if (path !== '' && path !== '/' && path !== '/nope' && path !== '/zookeeper' && path !== '/zookeeper/quota')
      return path
  }
}

export function randomSequence(random: SeededRandom): string {
  return random.pick(sequencePrefixes)
}

const values = ['', 'x', 'value', 'another value', '\u0000\u00ff', 'count=2,bytes=-1', 'v'.repeat(100)]
const counts = [
  ...['count=3,bytes=-1', 'count=-1,bytes=10', 'count=1,bytes=1=;byteHardLimit=20;countHardLimit=4', ''],
  ...['count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2', 'count=-1,bytes=-1=;byteHardLimit=12;countHardLimit=-1'],
  ...['count=-1,bytes=-1=;byteHardLimit=0;countHardLimit=0', 'bytes=1', 'count=1,count=2', 'a=1;b=+2,,'],
]
const unreadable = ['nonsense', 'count=x', ',count=1', 'count=', 'bytes=5==,count==', null]

export function randomData(random: SeededRandom, { quota }: PathHabits, path: string): string | null {
  // Counts that cannot be read stop ZooKeeper 3.9 altogether.
  if (path.endsWith('/zookeeper_stats')) return random.pick(counts)
  if (quota && path.endsWith('/zookeeper_limits')) return random.pick(random.chance(0.8) ? counts : unreadable)
  return random.chance(0.15) ? null : random.pick(values)
}

const anyone = { scheme: 'world', id: 'anyone' }
/** Ids as they stand in ACLs; the digests are those of the users that programs add. */
const ids: readonly Json[] = [
  ...[anyone, anyone, anyone],
  { scheme: 'digest', id: 'alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=' },
  { scheme: 'digest', id: 'bob:4rsXV9JgUbFl9ZE40xENilxlRV8=' },
  ...['', '', 'ignored'].map((id) => ({ scheme: 'auth', id })),
  ...['127.0.0.1', '127.0.0.1', '127.0.0.0/8', '10.1.2.3', '127.0.0.1/32', '0.0.0.0/0', '::1'].map((id) => ({
    scheme: 'ip',
    id,
  })),
]
const oddIds: readonly Json[] = [
  ...['', 'a', 'a:b:c', 'a:', ':a', ':', 'a:b\nc', 'super:x'].map((id) => ({ scheme: 'digest', id })),
  ...[
    '127.0.0',
    '127.0.0.1/33',
    '127.0.0.1/-1',
    '256.0.0.1',
    '',
    '1.2.3.4/',
    '1.2.3.4/a',
    '::',
    'fe80::1/64',
    '1::2::3',
    '127.0.0.1/0',
  ].map((id) => ({ scheme: 'ip', id })),
  ...['other', ''].map((id) => ({ scheme: 'world', id })),
  { scheme: 'nobody', id: 'x' },
  { scheme: 'super', id: 'x' },
  { scheme: '', id: '' },
  { scheme: 'world', id: null },
  { scheme: 'digest', id: null },
  { scheme: 'ip', id: null },
  { scheme: 'auth', id: null },
  { scheme: null, id: 'anyone' },
  { scheme: null, id: null },
]

export function randomAcl(random: SeededRandom): Json {
  if (random.chance(0.6)) return [{ perms: 31, id: anyone }]
  const size = random.pick([0, 1, 1, 1, 1, 1, 2, 2, 2, 3])
  const entries = Array.from({ length: size }, () => ({
    perms: random.pick([31, 31, 31, 1, 3, 15, 16, 17, 4, 8, 12, 30, 0, 32, -1, random.integer(0, 31)]),
    id: random.pick(random.chance(0.9) ? ids : oddIds),
  }))
  return random.chance(0.1) ? [...entries, ...entries] : entries
}

export function randomVersion(random: SeededRandom): number {
  return random.chance(0.55) ? -1 : random.pick([0, 0, 0, 1, 1, 2, 3, -2, 7, 2_147_483_647, -2_147_483_648])
}

export function randomMangle(random: SeededRandom): Mangle {
  const kind = random.number()
  if (kind < 0.35) return { cut: random.integer(0, 40) }
  if (kind < 0.8) {
    return { poke: [random.integer(0, 120), random.pick([0, 0, 1, 2, 3, 127, 128, 255, 255, random.integer(0, 255)])] }
  }
  return { add: random.bytes(random.integer(1, 12)).toString('hex') }
}
