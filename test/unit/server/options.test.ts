import { expect, it } from 'vitest'

import { EmbeddedServer } from '../../../src/server/index.ts'
import { checkServerOptions } from '../../../src/server/options.ts'
import { openAcl, RawClient } from '../../support/raw-client.ts'

it('has defaults for development', () => {
  expect(checkServerOptions({})).toMatchObject({
    host: '127.0.0.1',
    port: 0,
    tickTime: 2_000,
    minSessionTimeout: 4_000,
    maxSessionTimeout: 40_000,
    maxBuffer: 1_048_575,
    maxClientCnxns: 0,
    reapInterval: 1_000,
    ttl: true,
    enforceQuota: true,
    fourLetterWords: null,
    readOnly: false,
    tls: null,
  })
})

it("has ZooKeeper's own when strict, less what is given", () => {
  expect(checkServerOptions({ strict: true, maxClientCnxns: 3 })).toMatchObject({
    maxClientCnxns: 3,
    reapInterval: 60_000,
    ttl: false,
    enforceQuota: false,
    fourLetterWords: new Set(),
  })
})

it.each([
  [{ port: 65_536 }, RangeError, 'port'],
  [{ port: '1' }, TypeError, 'port'],
  [{ host: 7 }, TypeError, 'host'],
  [{ strict: 1 }, TypeError, 'strict'],
  [{ maxClientCnxns: -1 }, RangeError, 'maxClientCnxns'],
  [{ fourLetterWords: 'srvr' }, TypeError, 'fourLetterWords'],
  [{ saslUsers: { bob: 7 } }, TypeError, 'saslUsers'],
  [{ saslUsers: null }, TypeError, 'saslUsers'],
  [{ superDigest: 7 }, TypeError, 'superDigest'],
  [{ superDigest: 'admin:secret' }, RangeError, 'superDigest'],
  [{ superDigest: ':xQJmxLMiHGwaqBvst5y6rkB6HQs=' }, RangeError, 'superDigest'],
  [{ fourLetterWords: ['ruok', 'bogus'] }, RangeError, 'fourLetterWords: there is no word "bogus"'],
  [{ requireSasl: true }, TypeError, 'requireSasl needs saslUsers'],
  [{ dataLogDir: '/log' }, TypeError, 'dataLogDir needs dataDir'],
  [{ host: '' }, RangeError, 'host must not be empty'],
  [{ dataDir: '' }, RangeError, 'dataDir must not be empty'],
  [{ dataDir: '/data', dataLogDir: '' }, RangeError, 'dataLogDir must not be empty'],
  [null, TypeError, 'options must be an object'],
  [5, TypeError, 'options must be an object'],
  [{ securePort: 1 }, TypeError, 'securePort needs tls'],
  [{ portUnification: true }, TypeError, 'portUnification needs tls'],
  [{ minSessionTimeout: 50_000 }, RangeError, 'minSessionTimeout'],
  [{ colour: 'red' }, TypeError, 'colour'],
  [{ onNotice: 'print' }, TypeError, 'onNotice must be a function'],
])('refuses %o', (options, kind, name) => {
  const make = (): unknown => new EmbeddedServer(options as object)
  expect(make).toThrow(kind)
  expect(make).toThrow(name)
})

it('accepts only so many connections from one address', async () => {
  await using server = await new EmbeddedServer({ maxClientCnxns: 2 }).start()
  await using first = await RawClient.connect(server)
  await using second = await RawClient.connect(server)
  await using third = await RawClient.connect(server)
  expect(third.response).toBeNull()
  first.socket.destroy()
  await first.closed
  await second.settle()
  await using fourth = await RawClient.connect(server)
  expect(fourth.response).not.toBeNull()
})

it('refuses TTL znodes by −6 without them, and enforces no quota when strict', async () => {
  await using server = await new EmbeddedServer({ strict: true }).start()
  await using client = await RawClient.connect(server)
  const request = { path: '/t', data: null, acl: openAcl }
  expect(await client.request('createTtl', { ...request, flags: 5, ttl: 10 })).toMatchObject({ err: -6 })
  const make = async (path: string, text = ''): Promise<number | undefined> =>
    (await client.request('create', { path, data: Buffer.from(text), acl: openAcl, flags: 0 }))?.err
  await make('/q')
  await make('/zookeeper/quota/q')
  await make('/zookeeper/quota/q/zookeeper_limits', 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1')
  await make('/zookeeper/quota/q/zookeeper_stats', 'count=0,bytes=0')
  expect(await make('/q/a')).toBe(0)
})

it('answers reconfig as a server that stands alone, and has an empty configuration', async () => {
  await using server = await new EmbeddedServer().start()
  await using enabled = await new EmbeddedServer({ reconfig: true }).start()
  const request = { joining: null, leaving: '1', newMembers: null, curConfigId: -1n }
  await using client = await RawClient.connect(server)
  await using other = await RawClient.connect(enabled)
  expect(await client.request('reconfig', request)).toMatchObject({ err: -123 })
  expect(await other.request('reconfig', request)).toMatchObject({ err: -6 })
  expect(await client.request('getData', { path: '/zookeeper/config', watch: false })).toMatchObject({
    err: 0,
    body: { data: Buffer.alloc(0), stat: { version: 0, aversion: -1 } },
  })
})
