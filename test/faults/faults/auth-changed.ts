import {
  AuthFailedError,
  type KazooClient,
  makeDigestAcl,
  NoAuthError,
  type ZooKeeperError,
} from '../../../src/index.ts'
import { type Crew, underLoad } from '../crew.ts'
import type { Fault } from '../fault.ts'
import type { Trial } from '../trial.ts'
import { sleep, within } from '../until.ts'

const users = ['ann', 'ben', 'cat'] as const
type User = (typeof users)[number]

const password = (user: User): string => `secret of ${user}`
const credential = (user: User): string => `${user}:${password(user)}`

/** Failures that say nothing about who is who. */
const disconnected: ReadonlySet<string> = new Set(['CONNECTION_LOSS', 'SESSION_EXPIRED'])

/**
 * Credentials are added, and some refused, while connections are cut: what was accepted is presented on each connection to
 * come, before any request; what was refused is not.
 */
export const authChanged: Fault = {
  name: 'auth-changed',
  run: async (trial) => {
    const proxies = await Promise.all(trial.target.members.map((member) => trial.proxyTo(member)))
    const clients = proxies.map((proxy) => ({
      hosts: proxy.hosts,
      authData: [{ scheme: 'digest', credential: credential('ann') }],
    }))
    await underLoad(trial, { sessionTimeout: 2_000, clients }, async (crew) => {
      await trial.withFreshClient(async (fresh) => {
        for (const user of users)
          await fresh.create(`/of-${user}`, user, { acl: [makeDigestAcl(user, password(user), { all: true })] })
        await fresh.sync('/')
      })
      await Promise.all(
        crew.participants.map(async ({ client, name }, index) => {
          await client.retry(() => client.sync('/'))
          await change(trial, crew, client, name, () => proxies[index]!.cut())
        }),
      )
    })
  },
}

async function change(
  trial: Trial,
  { ledger }: Crew,
  client: KazooClient,
  name: string,
  cut: () => void,
): Promise<void> {
  const random = trial.randomOf(`auth ${name}`)
  const accepted = new Set<User>(['ann'])
  const tried = new Set<User>(accepted)
  for (let steps = random.integer(8, 16); steps > 0; steps--) {
    const user = random.pick(users)
    switch (random.integer(0, 4)) {
      case 0:
        tried.add(user)
        await within('the end of addAuth', client.addAuth('digest', credential(user))).then(
          () => accepted.add(user),
          (error: ZooKeeperError) => {
            if (!disconnected.has(error.code)) trial.problem(`${name}: ${user} was refused: ${String(error)}`)
          },
        )
        break
      case 1: {
        // A server closes the connection of whom it refuses.
        const error = await within(
          'the refusal',
          client.addAuth('nobody-knows-this', 'secret').then(
            () => new Error('accepted'),
            (reason: ZooKeeperError) => reason,
          ),
        )
        if (!(error instanceof AuthFailedError) && !disconnected.has((error as ZooKeeperError).code)) {
          trial.problem(`${name}: an unknown scheme: ${String(error)}`)
        }
        break
      }
      case 2:
        cut()
        break
      default: {
        // Not awaited in turn: it may be sent right after a connection is made.
        const isAccepted = accepted.has(user)
        void ledger.ask(`${name}: get of ${user}'s`, read(client, user), (answer) => {
          if (isAccepted && answer === 'refused') trial.problem(`${name} is not taken for ${user} any more`)
          if (answer === 'allowed' && !tried.has(user)) trial.problem(`${name} is taken for ${user}`)
        })
      }
    }
    await sleep(random.between(0, 60))
  }
  for (const user of accepted) {
    const answer = await client.retry(() => read(client, user))
    if (answer === 'refused') trial.problem(`${name} is not taken for ${user} in the end`)
  }
}

async function read(client: KazooClient, user: User): Promise<'allowed' | 'refused'> {
  try {
    await client.get(`/of-${user}`)
    return 'allowed'
  } catch (error) {
    if (error instanceof NoAuthError) return 'refused'
    throw error
  }
}
