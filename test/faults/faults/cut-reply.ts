import { ConnectionLossError, type KazooClient, type ZooKeeperError } from '../../../src/index.ts'
import type { FaultProxy } from '../../../src/testing/index.ts'
import type { Fault } from '../fault.ts'
import { Participant } from '../participant.ts'
import type { Trial } from '../trial.ts'
import { until, within } from '../until.ts'

interface Exchange {
  readonly name: string
  /** Asks, with a name that is not used again. */
  readonly ask: (client: KazooClient, id: string) => Promise<unknown>
  /** Whether it was applied; null for what applies nothing. */
  readonly applied: ((fresh: KazooClient, id: string) => Promise<boolean>) | null
}

const there = async (fresh: KazooClient, path: string): Promise<boolean> => (await fresh.exists(path)) !== null

const exchanges: readonly Exchange[] = [
  { name: 'create', ask: (zk, id) => zk.create(`/${id}`, id), applied: (zk, id) => there(zk, `/${id}`) },
  {
    name: 'create with stat',
    ask: (zk, id) => zk.create(`/${id}`, id, { includeStat: true }),
    applied: (zk, id) => there(zk, `/${id}`),
  },
  {
    name: 'set',
    ask: (zk, id) => zk.set('/set', id),
    applied: async (zk, id) => String((await zk.get('/set')).data) === id,
  },
  {
    name: 'delete',
    ask: (zk, id) => zk.delete(`/gone/${id}`),
    applied: async (zk, id) => !(await there(zk, `/gone/${id}`)),
  },
  {
    name: 'transaction',
    ask: (zk, id) => zk.transaction().create(`/${id}-l`).set('/set', id).create(`/${id}-r`).commit(),
    applied: async (zk, id) => (await there(zk, `/${id}-l`)) && (await there(zk, `/${id}-r`)),
  },
  { name: 'get', ask: (zk) => zk.get('/set'), applied: null },
  { name: 'getChildren', ask: (zk) => zk.getChildren('/', { includeStat: true }), applied: null },
  { name: 'exists', ask: (zk) => zk.exists('/set'), applied: null },
  { name: 'sync', ask: (zk) => zk.sync('/'), applied: null },
  { name: 'getAcls', ask: (zk) => zk.getAcls('/set'), applied: null },
]

/** Longer than any reply in here. */
const longest = 500

/** The connection is cut after each byte of a reply, one reply after the other; every third time, of the handshake. */
export const cutReply: Fault = {
  name: 'reply-cut',
  run: async (trial) => {
    const { index, random, target } = trial
    const proxy = await trial.proxyTo(random.pick(target.members))
    await trial.withFreshClient(async (fresh) => {
      await fresh.ensurePath('/gone')
      await fresh.create('/set')
    })
    const participant = new Participant('a', {
      hosts: `${proxy.hosts}${trial.root}`,
      sessionTimeout: 4_000,
      connectionRetry: { delay: 2, maxDelay: 10 },
    })
    await participant.client.start()
    try {
      if (index % 3 === 2) await walkHandshake(trial, proxy, participant)
      else await walkReply(trial, proxy, participant, exchanges[(index - Math.floor(index / 3)) % exchanges.length]!)
    } finally {
      proxy.toClient.cutAfter(null)
      for (const problem of await participant.stop()) trial.problem(problem)
      trial.count('suspended', participant.suspensions)
      trial.count('lost', participant.losses)
    }
  },
}

async function walkReply(trial: Trial, proxy: FaultProxy, { client }: Participant, exchange: Exchange): Promise<void> {
  await trial.withFreshClient(async (fresh) => {
    for (let bytes = 0; bytes < longest; bytes++) {
      const id = `n${bytes}`
      if (exchange.name === 'delete') await fresh.create(`/gone/${id}`)
      await until('the client is connected', () => client.connected)
      proxy.toClient.cutAfter(bytes)
      const error = await within(
        `the end of ${exchange.name}, cut at byte ${bytes}`,
        exchange.ask(client, id).then(
          () => null,
          (reason: ZooKeeperError) => reason,
        ),
      )
      trial.count(error === null ? 'acknowledged' : 'open')
      // The whole reply has passed: the cut is still to come.
      if (error === null) {
        if (bytes < 20) trial.problem(`${exchange.name} was answered by ${bytes} bytes`)
        return
      }
      const where = `${exchange.name}, cut at byte ${bytes}`
      if (!(error instanceof ConnectionLossError)) trial.problem(`${where}: ${String(error)}`)
      else if (!error.maybeApplied) trial.problem(`${where}: was said not to be applied`)
      // It was answered, so it was applied.
      await fresh.sync('/')
      if (exchange.applied !== null && !(await exchange.applied(fresh, id))) trial.problem(`${where}: is lost`)
    }
    trial.problem(`${exchange.name} has no end`)
  })
}

async function walkHandshake(trial: Trial, proxy: FaultProxy, participant: Participant): Promise<void> {
  const { client, heard } = participant
  const session = client.session?.id
  for (let bytes = 0; bytes < longest; bytes++) {
    await until('the client is connected', () => client.connected)
    const since = heard.length
    const accepted = proxy.accepted
    proxy.cut()
    proxy.toClient.cutAfter(bytes)
    await participant.hears('SUSPENDED', since)
    // Asked while there is no connection, it waits for one; the one that is cut does not count.
    const reading = client.get('/set')
    await within(
      `the answer after a handshake cut at byte ${bytes}`,
      reading.catch((error: unknown) => {
        if (!(error instanceof ConnectionLossError)) trial.problem(`cut at byte ${bytes}: ${String(error)}`)
      }),
    )
    if (client.session?.id !== session) trial.problem(`a handshake cut at byte ${bytes} has cost the session`)
    trial.count('acknowledged')
    // The handshake has passed whole, and the cut came later.
    if (proxy.accepted === accepted + 1) return
  }
  trial.problem('the handshake has no end')
}
