import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { addWatchModes } from '../../../src/protocol/constants.ts'
import { javaDate } from '../../../src/server/commands/sessions.ts'
import { nodeRuntime } from '../../../src/runtime/node-runtime.ts'
import { KazooClient } from '../../../src/index.ts'
import { EmbeddedEnsemble, EmbeddedServer } from '../../../src/server/index.ts'
import { sendFourLetterWord } from '../../../src/testing/index.ts'
import { command } from '../../support/four-letter-word.ts'
import { openAcl, RawClient } from '../../support/raw-client.ts'
import { RawPeer } from '../../support/raw-peer.ts'
import { simulate } from '../../support/simulate.ts'

const server = new EmbeddedServer({ maxClientCnxns: 77 })
let client: RawClient
let sid: string
beforeAll(async () => {
  await server.start()
  client = await RawClient.connect(server)
  sid = `0x${client.sessionId.toString(16)}`
  await client.request('create', { path: '/e', data: Buffer.from('abc'), acl: openAcl, flags: 1 })
  await client.request('getData', { path: '/e', watch: true })
  await client.request('exists', { path: '/nope', watch: true })
  await client.request('getChildren', { path: '/', watch: true })
})
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  await server.stop()
})

const ask = (word: string): Promise<string> => command(server.port, word)
const version = /^3\.9\.\d+-kazoo-ts, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/
const rows = (text: string, separator: string): Map<string, string> =>
  new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(separator)), line.slice(line.indexOf(separator) + separator.length)]),
  )

describe('every four-letter word', () => {
  it('ruok, isro, gtmk and hash', async () => {
    expect(await ask('ruok')).toBe('imok')
    expect(await ask('isro')).toBe('rw')
    expect(await ask('hash')).toBe('')
    expect(await ask('gtmk')).toBe('306')
    expect(await ask('stmk\0\0\0\0\0\0\0\x0a')).toBe('10')
    expect(await ask('gtmk')).toBe('10')
  })

  it('srvr', async () => {
    const text = await ask('srvr')
    const found = rows(text, ': ')
    expect([...found.keys()]).toEqual([
      'Zookeeper version',
      'Latency min/avg/max',
      'Received',
      'Sent',
      'Connections',
      'Outstanding',
      'Zxid',
      'Mode',
      'Node count',
    ])
    expect(found.get('Zookeeper version')).toMatch(version)
    expect(found.get('Latency min/avg/max')).toMatch(/^\d+\/\d+\.\d+\/\d+$/)
    expect(found.get('Mode')).toBe('standalone')
    expect(found.get('Zxid')).toMatch(/^0x[0-9a-f]+$/)
    expect(found.get('Node count')).toBe('6')
    expect(text.endsWith('Node count: 6\n')).toBe(true)
  })

  it('stat lists the clients in brief, cons in full', async () => {
    const stat = await ask('stat')
    expect(stat).toMatch(/\nClients:\n( \/127\.0\.0\.1:\d+\[[01]\]\(queued=0,recved=\d+,sent=\d+\)\n)+\nLatency /)
    // The one that asks is not read from any more.
    expect(stat).toMatch(/\[0\]\(queued=0,recved=1,sent=0\)\n/)
    expect(stat).toMatch(/\[1\]\(queued=0,recved=5,sent=5\)\n/)
    const cons = await ask('cons')
    expect(cons).toMatch(/\n\n$/)
    expect(cons.split('\n').find((line) => line.includes(sid))).toMatch(
      new RegExp(
        String.raw`^ /127\.0\.0\.1:\d+\[1\]\(queued=0,recved=5,sent=5,sid=${sid},lop=GETC,est=\d{13},to=10000,lcxid=0x4,lzxid=0x\d+,lresp=\d+,llat=\d+,minlat=\d+,avglat=\d+,maxlat=\d+\)$`,
      ),
    )
  })

  it('crst and srst start counting anew', async () => {
    expect(await ask('crst')).toBe('Connection stats reset.\n')
    expect((await ask('cons')).split('\n').find((line) => line.includes(sid))).toMatch(
      // A ZooKeeper shows it so, too.
      /recved=0,sent=0,.*,lop=NA,est=\d+,to=10000,lzxid=0xffffffffffffffff,lresp=\d+,llat=0,minlat=0,avglat=0,maxlat=0\)$/,
    )
    expect(await ask('srst')).toBe('Server stats reset.\n')
    expect(rows(await ask('srvr'), ': ').get('Received')).toBe('1')
  })

  it('mntr', async () => {
    const found = rows(await ask('mntr'), '\t')
    expect(found.get('zk_version')).toMatch(version)
    expect(Object.fromEntries(found)).toMatchObject({
      zk_server_state: 'standalone',
      zk_ephemerals_count: '1',
      zk_znode_count: '6',
      zk_watch_count: '3',
      zk_global_sessions: '1',
      zk_cnt_updatelatency: '0',
      zk_throttled_ops: '0',
      zk_cnt_fsynctime: '0',
      zk_cnt_node_changed_watch_count: '0',
    })
    const [open, most] = ['zk_open_file_descriptor_count', 'zk_max_file_descriptor_count'].map((key) => found.get(key))
    if (process.platform === 'linux') expect([Number(open), Number(most)]).not.toContain(-1)
    else expect([open, most]).toEqual(['-1', '-1'])
  })

  it('conf and dirs', async () => {
    expect(Object.fromEntries(rows(await ask('conf'), '='))).toMatchObject({
      clientPort: String(server.port),
      secureClientPort: '-1',
      tickTime: '2000',
      maxClientCnxns: '77',
      minSessionTimeout: '4000',
      maxSessionTimeout: '40000',
      serverId: '0',
    })
    const missing = ['dataDir', 'dataDirSize', 'dataLogDir', 'dataLogSize', 'clientPortListenBacklog']
    expect([...rows(await ask('conf'), '=').keys()]).toEqual(expect.arrayContaining(missing))
    expect(await ask('dirs')).toBe('datadir_size: 0\nlogdir_size: 0\n')
  })

  it('envi', async () => {
    const text = await ask('envi')
    expect(text.startsWith('Environment:\nzookeeper.version=3.9.')).toBe(true)
    expect(rows(text, '=').get('zookeeper.version')).toMatch(version)
    expect(rows(text, '=').get('os.memory.total')).toMatch(/^\d+MB$/)
  })

  it('dump', async () => {
    const text = await ask('dump')
    const date = String.raw`\w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4}`
    expect(text).toMatch(
      new RegExp(
        String.raw`^SessionTracker dump:\nSession Sets \(1\)/\(1\):\n1 expire at ${date}:\n\t${sid}\nephemeral nodes dump:\nSessions with Ephemerals \(1\):\n${sid}:\n\t/e\nConnections dump:\nConnections Sets \(\d\)/\(\d+\):\n`,
      ),
    )
    expect(text).toMatch(new RegExp(String.raw`\tip: /127\.0\.0\.1:\d+ sessionId: ${sid}\n`))
    expect(javaDate(Date.UTC(2026, 10, 4, 1, 9, 12))).toBe('Wed Nov 04 01:09:12 UTC 2026')
  })

  it('wchs, wchc and wchp', async () => {
    expect(await ask('wchs')).toBe('1 connections watching 2 paths\nTotal watches:2\n')
    expect(await ask('wchc')).toBe(`${sid}\n\t/e\n\t/nope\n\n`)
    expect(await ask('wchp')).toBe(`/e\n\t${sid}\n/nope\n\t${sid}\n\n`)
    await using other = await RawClient.connect(server)
    await other.request('addWatch', { path: '/nope', mode: addWatchModes.persistentRecursive })
    expect(await ask('wchs')).toBe('2 connections watching 2 paths\nTotal watches:3\n')
  })

  it('count a client whose last watch was triggered, until its connection ends', async () => {
    await using own = await new EmbeddedServer().start()
    await using watching = await RawClient.connect(own)
    await using other = await RawClient.connect(own)
    const counted = async (): Promise<string | undefined> => (await command(own.port, 'wchs')).split('\n')[0]
    const set = (): Promise<unknown> => other.request('setData', { path: '/', data: null, version: -1 })
    for (let round = 0; round < 2; round++) {
      await watching.request('getData', { path: '/', watch: true })
      expect(await counted()).toBe('1 connections watching 1 paths')
      await set()
      expect(await counted()).toBe('1 connections watching 0 paths')
    }
    await watching.request('getData', { path: '/', watch: true })
    await watching.request('exists', { path: '/nope', watch: true })
    await set()
    expect(await command(own.port, 'wchc')).toBe(`0x${watching.sessionId.toString(16)}\n\t/nope\n\n`)
    await watching.request('removeWatches', { path: '/nope', type: 3 })
    expect(await counted()).toBe('0 connections watching 0 paths')
    await watching.request('getData', { path: '/', watch: true })
    await set()
    await watching[Symbol.asyncDispose]()
    while (own.connectionCount > 1) await other.settle()
    expect(await counted()).toBe('0 connections watching 0 paths')
  })

  it('dump shows connections by when they would be given up, and sessions as a follower knows them', async () => {
    await using ensemble = await new EmbeddedEnsemble({ size: 3 }).start()
    const of = (role: string): number => ensemble.members.find((member) => member.role === role)!.port
    await using first = await RawClient.connect({ port: of('leader') }, { timeout: 40_000 })
    await using second = await RawClient.connect({ port: of('leader') }, { timeout: 4_000 })
    await second.request('sync', { path: '/' })
    const ids = [first, second].map(({ sessionId }) => `0x${sessionId.toString(16)}`)
    const leader = await command(of('leader'), 'dump')
    expect(leader).toContain('Session Sets (2)/(2):\n')
    expect(leader).toMatch(/Connections Sets \([23]\)\/\(3\):\n/)
    expect(leader.indexOf(`sessionId: ${ids[1]}`)).toBeLessThan(leader.indexOf(`sessionId: ${ids[0]}`))
    const follower = await command(of('follower'), 'dump')
    expect(follower).toContain(`Global Sessions(2):\n${ids[0]}\t40000ms\n${ids[1]}\t4000ms\nephemeral nodes dump:\n`)
    await using alone = await new EmbeddedServer({ readOnly: true }).start()
    await using reader = await RawClient.connect(alone, { readOnly: true })
    const id = `0x${reader.sessionId.toString(16)}`
    expect(await command(alone.port, 'dump')).toMatch(
      new RegExp(
        String.raw`dump:\nLocal Session Sets \(1\)/\(1\):\n1 expire at .*:\n\t${id}\nGlobal Sessions\(0\):\neph`,
      ),
    )
  })
})

it('takes a word that comes byte by byte, and one with more behind it', async () => {
  const dribbling = RawPeer.dial(nodeRuntime, '127.0.0.1', server.port)
  await dribbling.opened
  for (const char of 'ruok') dribbling.write(char)
  await dribbling.closed
  expect(dribbling.text).toBe('imok')
  expect(await ask('ruok\n')).toBe('imok')
})

describe('the whitelist', () => {
  it('lets all through by default, srvr alone when strict, and what it names', async () => {
    await using strict = await new EmbeddedServer({ strict: true }).start()
    await using some = await new EmbeddedServer({ fourLetterWords: ['ruok', 'isro'] }).start()
    await using all = await new EmbeddedServer({ strict: true, fourLetterWords: ['*'] }).start()
    expect(await command(strict.port, 'ruok')).toBe('ruok is not executed because it is not in the whitelist.\n')
    expect(await command(strict.port, 'isro')).toBe('isro is not executed because it is not in the whitelist.\n')
    expect(await command(strict.port, 'srvr')).toContain('Mode: standalone')
    expect(await command(some.port, 'ruok')).toBe('imok')
    expect(await command(some.port, 'mntr')).toBe('mntr is not executed because it is not in the whitelist.\n')
    expect(await command(some.port, 'srvr')).toContain('Mode: standalone')
    expect(await command(all.port, 'mntr')).toContain('zk_version')
    // A refusal does not wait for what would follow; an interrupted telnet is a word, too.
    expect(await command(strict.port, 'stmk')).toBe('stmk is not executed because it is not in the whitelist.\n')
    for (const [{ port }, answer] of [
      [strict, 'telnet close is not executed because it is not in the whitelist.\n'],
      [all, ''],
    ] as const) {
      const telnet = RawPeer.dial(nodeRuntime, '127.0.0.1', port)
      await telnet.opened
      telnet.socket.write(Buffer.from([0xff, 0xf4, 0xff, 0xfd]))
      await telnet.closed
      expect(telnet.text).toBe(answer)
    }
  })

  it('count what is sent, watched, synced and dropped', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'kazoo-words-'))
    await using own = await new EmbeddedServer({ dataDir }).start()
    const look = async (): Promise<object> => Object.fromEntries(rows(await command(own.port, 'mntr'), '\t'))
    await command(own.port, 'srst')
    expect(await look()).toMatchObject({ zk_last_client_response_size: '-1', zk_cnt_fsynctime: '0' })
    await using watching = await RawClient.connect(own)
    await watching.request('getData', { path: '/', watch: true })
    await watching.request('setData', { path: '/', data: null, version: -1 })
    const event = 16 + 4 + 4 + 4 + '/'.length
    expect(await look()).toMatchObject({
      zk_last_client_response_size: String(16 + 68),
      zk_min_client_response_size: String(event),
      zk_max_client_response_size: String(16 + 4 + 68),
      zk_watch_bytes: String(event),
      zk_sum_node_changed_watch_count: '1',
      zk_connection_drop_count: '0',
      // The session, and the write.
      zk_cnt_fsynctime: '2',
    })
    await watching[Symbol.asyncDispose]()
    while (own.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(await look()).toMatchObject({ zk_connection_drop_count: '1' })
    await own.stop()
    await rm(dataDir, { recursive: true })
  })

  it('knows no word that is none', async () => {
    expect(await ask('quit')).toBe('')
  })
})

describe('what the words say of a server', () => {
  it('how long requests took, those that read and those that write told apart', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('server')
      const slow = await new EmbeddedServer({ host: '0.0.0.0', port: 2181, runtime }).start()
      const say = (word: string): Promise<string> => sendFourLetterWord(sim.runtime('client'), address, word)
      const address = { host: sim.address('server'), port: 2181 }
      const zk = await new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') }).start()
      slow.faults.delay(20.5)
      await Promise.all([zk.create('/a'), zk.create('/b')])
      slow.faults.delay(40.5)
      await zk.exists('/a')
      slow.faults.delay(0)
      const found = rows(await say('mntr'), '\t')
      expect(Object.fromEntries(found)).toMatchObject({
        zk_max_latency: '40',
        zk_max_readlatency: '40',
        zk_p99_readlatency: '40',
        zk_cnt_updatelatency: '2',
        zk_p50_updatelatency: '20',
      })
      // The second may have come on its own, and its answer waits for that of the first.
      expect(found.get('zk_max_updatelatency')).toMatch(/^2[01]$/)
      expect(await say('srvr')).toMatch(/^Latency min\/avg\/max: \d+\/[1-3]\d\.\d{1,4}\/40$/m)
      expect(await say('cons')).toMatch(/llat=40,minlat=\d+,avglat=[1-3]\d,maxlat=40\)/)
      await say('srst')
      expect(await say('srvr')).toContain('Latency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 1\n')
      await zk.stop()
      await slow.stop()
    }))

  it('what is on disk, and the digests of every 128th transaction', () =>
    simulate(async (sim) => {
      const runtime = sim.runtime('server')
      const kept = await new EmbeddedServer({ host: '0.0.0.0', port: 2181, dataDir: '/data', runtime }).start()
      const address = { host: sim.address('server'), port: 2181 }
      const say = (word: string): Promise<string> => sendFourLetterWord(sim.runtime('client'), address, word)
      const zk = await new KazooClient({ hosts: 'server:2181', runtime: sim.runtime('client') }).start()
      for (let i = 0; i < 300; i++) await zk.set('/', `${i}`)
      const size = ['log.1', 'snapshot.0', 'kazoo.lock.1'].reduce(
        (sum, name) => sum + sim.disk('server').read(`/data/version-2/${name}`)!.length,
        0,
      )
      expect(await say('dirs')).toBe(`datadir_size: ${size}\nlogdir_size: ${size}\n`)
      expect(await say('conf')).toContain(`\ndataDirSize=${size}\n`)
      expect(await say('hash')).toMatch(/^80: \d+\n100: \d+\n$/)
      await zk.stop()
      await kept.stop()
    }))
})
