import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { xids } from '../../src/protocol/constants.ts'
import type { OperationName, RequestOf } from '../../src/protocol/operations.ts'
import { EmbeddedEnsemble } from '../../src/server/index.ts'
import { compareVersions } from '../../src/testing/real-zookeeper/find.ts'
import { openAcl, RawClient } from '../support/raw-client.ts'
import { ownZooKeeper, realServers } from '../support/real-servers.ts'

/** What the embedded server stands for. */
const oldest = '3.9.5'
const real = realServers().find(({ version, classpath }) => classpath !== null && compareVersions(version, oldest) >= 0)

type Address = { readonly port: number }

interface Ensemble extends AsyncDisposable {
  readonly leader: Address
  readonly followers: readonly Address[]
}

async function startEmbedded(): Promise<Ensemble> {
  const ensemble = await new EmbeddedEnsemble().start()
  const leader = ensemble.member(ensemble.leader!)
  const followers = ensemble.members.filter((member) => member !== leader)
  return { leader, followers, [Symbol.asyncDispose]: () => ensemble.stop() }
}

async function startReal(): Promise<Ensemble> {
  const ensemble = await ownZooKeeper({ size: 3 }, real).start()
  const addressOf = ({ address }: { readonly address: string }): Address => ({
    port: Number(address.split(':').at(-1)),
  })
  const leader = addressOf(await ensemble.waitForLeader())
  const followers = (await ensemble.followers()).map(addressOf)
  return { leader, followers, [Symbol.asyncDispose]: () => ensemble.stop() }
}

type Ask = { readonly [K in OperationName]: readonly [K, RequestOf<K>] }[OperationName]

const znode = { path: '/moved-', data: null, acl: openAcl, flags: 2 }
const writes: readonly Ask[] = [
  ['create', znode],
  ['delete', { path: '/none', version: -1 }],
  ['setData', { path: '/', data: null, version: -1 }],
  ['setAcl', { path: '/', acl: openAcl, version: -1 }],
  ['multi', [{ op: 'check', body: { path: '/', version: 77 } }]],
]
const reads: readonly Ask[] = [
  ['getData', { path: '/', watch: false }],
  ['exists', { path: '/none', watch: true }],
  ['getChildren2', { path: '/', watch: false }],
  ['getEphemerals', { prefix: null }],
  ['sync', { path: '/' }],
  ['whoAmI', undefined],
  ['ping', undefined],
]

/** The error code of the answer; null if the connection is closed instead. */
async function ask(client: RawClient, [op, body]: Ask): Promise<number | null> {
  const xid = op === 'ping' ? xids.ping : op === 'auth' ? xids.auth : undefined
  const reply = await client.request(op, body, xid)
  if (reply === null) await client.closed
  return reply === null ? null : reply.err
}

describe.each([
  ['the embedded ensemble', startEmbedded, true],
  [`a real ensemble (not run without Java and a ZooKeeper of at least ${oldest})`, startReal, real !== undefined],
] as const)('%s', (_, start, isThere) => {
  let ensemble: Ensemble
  beforeAll(async () => {
    if (isThere) ensemble = await start()
  }, 120_000)
  afterAll(async () => {
    if (isThere) await ensemble[Symbol.asyncDispose]()
  })

  /** A session that began at one member and was taken up at another. */
  async function move(from: Address, to: Address): Promise<[old: RawClient, current: RawClient]> {
    const old = await RawClient.connect(from)
    await old.request('create', { path: '/ephemeral-', data: null, acl: openAcl, flags: 3 })
    const { sessionId, password } = old
    const current = await RawClient.connect(to, { sessionId, password })
    expect(current.sessionId).toBe(sessionId)
    return [old, current]
  }

  const places = (): readonly (readonly [string, Address, Address])[] => [
    ['from follower to follower', ensemble.followers[0]!, ensemble.followers[1]!],
    ['from follower to leader', ensemble.followers[0]!, ensemble.leader],
    ['from leader to follower', ensemble.leader, ensemble.followers[0]!],
  ]

  it.skipIf(!isThere)(
    'closes the old connection of a moved session at its first write, without an answer',
    async () => {
      for (const [place, from, to] of places()) {
        for (const write of writes) {
          const [old, current] = await move(from, to)
          await using _old = old
          await using _current = current
          expect(await ask(old, write), `${place}: ${write[0]}`).toBeNull()
          expect(await ask(current, write), `${place}: ${write[0]} of the new`).not.toBeNull()
        }
      }
    },
  )

  it.skipIf(!isThere)('goes on answering reads and pings on the old connection at a follower', async () => {
    for (const [place, from, to] of places().slice(0, 2)) {
      const [old, current] = await move(from, to)
      await using _old = old
      await using _current = current
      for (const read of reads)
        expect(await ask(old, read), `${place}: ${read[0]}`).toBe(read[0] === 'exists' ? -101 : 0)
      // Events, too.
      await current.request('create', { path: '/none', data: null, acl: openAcl, flags: 0 })
      expect(await old.nextEvent()).toMatchObject({ path: '/none', type: 1 })
      await current.request('delete', { path: '/none', version: -1 })
      expect(await ask(old, ['auth', { type: 0, scheme: 'digest', auth: Buffer.from('a:b') }])).toBe(0)
    }
  })

  it.skipIf(!isThere)(
    'closes the old connection at the leader, who knows, whatever it asks but to authenticate',
    async () => {
      for (const read of reads) {
        const [old, current] = await move(ensemble.leader, ensemble.followers[0]!)
        await using _old = old
        await using _current = current
        expect(await ask(old, ['auth', { type: 0, scheme: 'digest', auth: Buffer.from('a:b') }])).toBe(0)
        expect(await ask(old, read), read[0]).toBeNull()
        expect(await ask(current, reads[0]!)).toBe(0)
      }
    },
  )

  it.skipIf(!isThere)('closes the old connection at once when the session is taken up at the same member', async () => {
    const [old, current] = await move(ensemble.followers[0]!, ensemble.followers[0]!)
    await using _current = current
    await old.closed
    expect(await ask(current, writes[0]!)).toBe(0)
  })

  it.skipIf(!isThere)('serves a session that comes back, and no longer where it was in between', async () => {
    const [first, second] = await move(ensemble.followers[0]!, ensemble.followers[1]!)
    await using between = second
    await using third = await RawClient.connect(ensemble.followers[0]!, {
      sessionId: first.sessionId,
      password: first.password,
    })
    await first.closed
    expect(await ask(between, reads[0]!)).toBe(0)
    expect(await ask(third, writes[0]!)).toBe(0)
    expect(await ask(between, writes[0]!)).toBeNull()
  })

  it.skipIf(!isThere)('leaves a session alone whose password somebody guesses at another member', async () => {
    await using owner = await RawClient.connect(ensemble.followers[0]!)
    const guess = { sessionId: owner.sessionId, password: Buffer.alloc(16, 1) }
    await using guesser = await RawClient.connect(ensemble.followers[1]!, guess)
    expect(guesser.response).toMatchObject({ sessionId: 0n })
    expect(await ask(owner, writes[0]!)).toBe(0)
  })

  it.skipIf(!isThere)('ends all connections of a session that ends', async () => {
    for (const [, from, to] of places()) {
      const [old, current] = await move(from, to)
      expect(await ask(current, ['closeSession', undefined])).toBe(0)
      await old.closed
      await current.closed
    }
    // The old connection, too, may end it.
    const [old, current] = await move(ensemble.followers[0]!, ensemble.followers[1]!)
    await using _current = current
    expect(await ask(old, ['closeSession', undefined])).toBe(0)
    const late = { sessionId: old.sessionId, password: old.password }
    await using again = await RawClient.connect(ensemble.followers[0]!, late)
    expect(again.response).toMatchObject({ sessionId: 0n })
  })
})
