import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { KazooClient, NotReadOnlyError, type WatchedEvent } from '../../src/index.ts'
import { EmbeddedEnsemble } from '../../src/server/index.ts'
import { operations } from '../../src/protocol/operations.ts'
import { compareVersions } from '../../src/testing/real-zookeeper/find.ts'
import type { TlsOptions } from '../../src/runtime/runtime.ts'
import { frameOf, ints, RawClient } from '../support/raw-client.ts'
import { localServers, ownZooKeeper } from '../support/real-servers.ts'

const fixture = (name: string): string => new URL(`../fixtures/tls/${name}.pem`, import.meta.url).pathname

/** Three members that serve reads without a quorum. */
interface Ensemble extends AsyncDisposable {
  readonly hosts: string
  /** Ends all members but the first, and resolves once that one is read-only. */
  degrade(): Promise<void>
  /** Starts those again. */
  mend(): Promise<void>
}

async function embedded(secure: boolean): Promise<Ensemble> {
  const [ca, key, cert] = await Promise.all(['ca', 'server-key', 'server'].map((name) => readFile(fixture(name))))
  const tls = secure ? { tls: { ca: ca!, key: key!, cert: cert! } } : {}
  const ensemble = await new EmbeddedEnsemble({ tickTime: 500, readOnlyMode: true, ...tls }).start()
  return {
    hosts: ensemble.hosts.replaceAll('127.0.0.1', 'localhost'),
    degrade: async () => {
      for (const id of [2, 3]) await ensemble.stopMember(id)
    },
    mend: async () => {
      for (const id of [2, 3]) await ensemble.startMember(id)
    },
    [Symbol.asyncDispose]: () => ensemble.stop(),
  }
}

async function real(secure: boolean): Promise<Ensemble> {
  const folder = await mkdtemp(join(tmpdir(), 'kazoo-read-only-'))
  const store = join(folder, 'server.pem')
  await writeFile(store, (await readFile(fixture('server-key'), 'utf8')) + (await readFile(fixture('server'), 'utf8')))
  const stores = {
    'ssl.keyStore.location': store,
    'ssl.keyStore.type': 'PEM',
    'ssl.trustStore.location': fixture('ca'),
    'ssl.trustStore.type': 'PEM',
    'ssl.clientAuth': 'none',
  }
  const ensemble = ownZooKeeper({
    size: 3,
    secure,
    jvmFlags: ['-Dreadonlymode.enabled=true'],
    // Without it a read-only server makes no sessions, from 3.7 on.
    config: { localSessionsEnabled: 'true', localSessionsUpgradingEnabled: 'true', ...(secure ? stores : {}) },
  })
  await ensemble.start()
  const [first, ...others] = ensemble.members
  return {
    hosts: (secure ? ensemble.secureHosts : ensemble.hosts).replaceAll('127.0.0.1', 'localhost'),
    degrade: async () => {
      await Promise.all(others.map((member) => member.kill()))
      while ((await first!.mode()) !== 'read-only');
    },
    mend: async () => {
      await Promise.all(others.map((member) => member.start()))
    },
    [Symbol.asyncDispose]: async () => {
      await ensemble.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** Where the first member listens. */
async function address(hosts: string, secure: boolean): Promise<{ port: number; tls?: TlsOptions }> {
  const port = Number(/:(\d+)/.exec(hosts)![1])
  return secure ? { port, tls: { ca: await readFile(fixture('ca')), servername: 'localhost' } } : { port }
}

/** A write is refused before its body is read: one that nobody could read leaves no trace in history. */
async function refusesUnread(to: { port: number; tls?: TlsOptions }, knowsNoCheck: boolean): Promise<void> {
  await using client = await RawClient.connect(to, { readOnly: true })
  const zxid = (await client.request('exists', { path: '/', watch: false }))?.zxid
  for (const op of ['multi', 'delete', 'setData', 'sync', 'reconfig', 'createTtl'] as const) {
    const answer = client.expect(op, 1)
    client.socket.write(frameOf(ints(1, operations[op].opcode, -1)))
    expect([op, await answer]).toMatchObject([op, { err: -119, zxid }])
  }
  expect((await client.request('exists', { path: '/', watch: false }))?.zxid).toBe(zxid)
  // Alone, it is no operation at all, here as elsewhere (ZOOKEEPER-4828).
  if (!knowsNoCheck) return
  expect(await client.request('check', { path: '/', version: -1 })).toMatchObject({ err: -6 })
  await client.closed
}

const kinds = [
  ['EmbeddedEnsemble', embedded, true, true],
  [
    "a real ensemble (not run without Java and ZooKeeper's jars)",
    real,
    localServers().length > 0,
    localServers().length > 0 && compareVersions(localServers()[0]!.version, '3.9.3') >= 0,
  ],
] as const

for (const [name, make, isHere, isSince393] of kinds) {
  describe.runIf(isHere).each([
    ['plain', false],
    ['TLS', true],
  ])(`read-only mode, ${name}, %s`, (_name, secure) => {
    const ca = secure ? { tls: async () => ({ ca: await readFile(fixture('ca')) }) } : {}
    let ensemble: Ensemble
    beforeAll(async () => {
      ensemble = await make(secure)
    }, 90_000)
    afterAll(() => ensemble[Symbol.asyncDispose]())

    it('serves reads without a quorum, refuses writes, and moves to the quorum once there is one', async () => {
      const { hosts } = ensemble
      await using writer = await new KazooClient({ hosts, ...ca }).start()
      await writer.create('/a', 'x')
      await ensemble.degrade()

      await using zk = new KazooClient({ hosts, readOnly: true, sessionTimeout: 10_000, ...ca })
      const states: string[] = []
      zk.addListener((state, { readOnly }) => void states.push(readOnly ? 'READ-ONLY' : state))
      await zk.start()
      expect(zk.readOnly).toBe(true)
      const { session } = zk
      const events: WatchedEvent[] = []
      const told = new Promise<void>((resolve) => {
        void zk.exists('/later', {
          watch: (event) => {
            events.push(event)
            resolve()
          },
        })
      })
      expect(String((await zk.get('/a')).data)).toBe('x')
      expect(await zk.command('isro')).toBe('ro')
      for (const write of [zk.create('/b'), zk.set('/a', 'y'), zk.delete('/a'), zk.sync('/')]) {
        await expect(write).rejects.toBeInstanceOf(NotReadOnlyError)
      }
      await expect(zk.transaction().create('/b').commit()).rejects.toBeInstanceOf(NotReadOnlyError)
      await refusesUnread(await address(hosts, secure), isSince393)
      expect(states).toEqual(['READ-ONLY'])

      const moved = new Promise<void>((resolve) => {
        zk.addListener((state, { readOnly }) => {
          if (state !== 'CONNECTED' || readOnly) return false
          resolve()
          return true
        })
      })
      await ensemble.mend()
      await moved
      expect(zk.readOnly).toBe(false)
      expect(zk.session?.id).not.toBe(session?.id)
      await zk.create('/later', '')
      await told
      expect(events).toMatchObject([{ type: 'CREATED', path: '/later' }])
      // It may have come by another read-only session: the member that was one is gone for a moment.
      expect(states.join(' ')).toMatch(/^(?:READ-ONLY SUSPENDED )+CONNECTED$/)
    }, 90_000)

    it('does not take a session of the quorum for one of its own, nor the other way round', async () => {
      await using zk = await new KazooClient({
        hosts: ensemble.hosts,
        readOnly: true,
        sessionTimeout: 2_000,
        ...ca,
      }).start()
      // A session that holds something is known to all members, whatever they do with others.
      await zk.create('/mine', '', { ephemeral: true })
      const hold = await zk.hold()
      const states: string[] = []
      const sessions: (bigint | undefined)[] = [zk.session?.id]
      const heard = (wanted: string): Promise<void> =>
        new Promise((resolve) => {
          zk.addListener((state, { readOnly }) => {
            const name = readOnly ? 'READ-ONLY' : state
            if (name === wanted) resolve()
            return name === wanted
          })
        })
      zk.addListener((state, { readOnly }) => {
        states.push(readOnly ? 'READ-ONLY' : state)
        if (state === 'CONNECTED') sessions.push(zk.session?.id)
      })
      const isReadOnly = heard('READ-ONLY')
      await ensemble.degrade()
      await isReadOnly
      expect(hold.signal.aborted).toBe(true)
      const isBack = heard('CONNECTED')
      await ensemble.mend()
      await isBack
      await zk.create('/mine-again', '', { ephemeral: true })
      // The time of the first session was up, and LOST said so. That of one without a quorum may be, too: two seconds are
      // not long for an election.
      const legal = /^(?:SUSPENDED CONNECTED )*SUSPENDED LOST (?:READ-ONLY SUSPENDED (?:LOST )?)+CONNECTED$/
      expect(states.join(' ')).toMatch(legal)
      expect(new Set(sessions.slice(-3)).size).toBe(3)
    }, 90_000)
  })
}

describe('a client of a member that is cut off from a quorum that lives on', () => {
  it.each([
    ['plain', false],
    ['TLS', true],
  ])('moves to the quorum, over %s', async (_name, secure) => {
    const read = (name: string): Promise<Buffer> => readFile(fixture(name))
    const tls = { ca: await read('ca'), key: await read('server-key'), cert: await read('server') }
    await using ensemble = await new EmbeddedEnsemble({
      tickTime: 500,
      noticeAfter: 100,
      readOnlyMode: true,
      ...(secure ? { tls } : {}),
    }).start()
    await using zk = new KazooClient({
      hosts: ensemble.hosts.replaceAll('127.0.0.1', 'localhost'),
      readOnly: true,
      randomizeHosts: false,
      sessionTimeout: 2_000,
      tls: secure ? { ca: tls.ca } : false,
    })
    await new Promise<void>((resolve) => {
      ensemble.partition([1], [2, 3])
      const poll = (): void => {
        if (ensemble.member(1).role === 'read-only') resolve()
        else setImmediate(poll)
      }
      poll()
    })
    const states: string[] = []
    const done = new Promise<void>((resolve) => {
      zk.addListener((state, { readOnly }) => {
        states.push(readOnly ? 'READ-ONLY' : state)
        if (state === 'CONNECTED' && !readOnly) resolve()
      })
    })
    await zk.start()
    await done
    await zk.create('/written', '')
    expect(states).toEqual(['READ-ONLY', 'SUSPENDED', 'CONNECTED'])
    expect(await zk.command('isro')).toBe('rw')
  })
})
