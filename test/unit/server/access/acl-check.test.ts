import { expect, it } from 'vitest'

import type { MultiOp } from '../../../../src/protocol/multi.ts'
import type { AclEntry } from '../../../../src/protocol/records.ts'
import { AclResolver, isPermitted } from '../../../../src/server/access/acl-check.ts'
import { aclKey, AclTable } from '../../../../src/server/access/acl-table.ts'
import { makeAuthSchemes } from '../../../../src/server/access/auth-schemes.ts'
import { EmbeddedServer } from '../../../../src/server/index.ts'
import { checkServerOptions } from '../../../../src/server/options.ts'
import { requestFrame, RawClient } from '../../../support/raw-client.ts'

const schemes = makeAuthSchemes(checkServerOptions({}))

function entry(scheme: string | null, id: string | null, perms = 31): AclEntry {
  return { perms, id: { scheme, id } }
}

function identities(count: number): { scheme: string; id: string }[] {
  return Array.from({ length: count }, (_, index) => ({ scheme: 'digest', id: `user${index}:hash` }))
}

it('resolves equal lists of a request once, to one list', () => {
  const resolver = new AclResolver(identities(1_000), schemes)
  const first = resolver.resolve([entry('auth', '')])
  expect(first).toHaveLength(1_000)
  for (let i = 0; i < 20_000; i++) {
    if (resolver.resolve([entry('auth', '')]) !== first) throw new Error('another list')
  }
  const table = new AclTable()
  const acl = table.acquire(first as readonly AclEntry[])
  expect(table.acquire(first as readonly AclEntry[])).toBe(acl)
  table.release(acl)
  table.release(acl)
  expect(table.size).toBe(0)
  expect(table.acquire(first as readonly AclEntry[]).uses).toBe(1)
  expect(table.size).toBe(1)
})

it('lets auth stand for 10,000 entries in all of a request, and no more', () => {
  const resolver = new AclResolver(identities(1_000), schemes)
  for (let perms = 1; perms <= 10; perms++) expect(resolver.resolve([entry('auth', '', perms)])).toHaveLength(1_000)
  expect(resolver.resolve([entry('auth', '', 11)])).toBe(-114)
  const list = Array.from({ length: 50_000 }, (_, perms) => entry('auth', '', perms))
  expect(new AclResolver(identities(1_000), schemes).resolve(list)).toBe(-114)
})

it('drops doubles, however long the list', () => {
  const list = Array.from({ length: 100_000 }, (_, index) => entry('digest', `u:${index % 50_000}`))
  expect(new AclResolver([], schemes).resolve(list)).toEqual(list.slice(0, 50_000))
})

it('stumbles over null where ZooKeeper does', () => {
  const world = entry('world', 'anyone')
  for (const [list, code] of [
    [[entry(null, 'x')], -114],
    [[world, entry(null, 'x')], -5],
    [[entry('world', 'anyone', 1), entry(null, 'x')], -114],
    [[world, entry('world', null)], -5],
    [[world, entry('digest', null)], -5],
    [[world, entry('nonsense', null)], -114],
  ] as const) {
    expect(new AclResolver([], schemes).resolve(list)).toBe(code)
  }
})

it('gives a connection 1,000 identities, then −115 and the end', async () => {
  await using server = await new EmbeddedServer().start()
  await using client = await RawClient.connect(server)
  const count = 1_000
  const auth = (index: number): object => ({ type: 0, scheme: 'digest', auth: Buffer.from(`u${index}:p`) })
  // The address is the first.
  const answers = Array.from({ length: count }, () => client.expect('auth', -4))
  client.socket.write(Buffer.concat(answers.map((_, index) => requestFrame('auth', auth(index) as never, -4))))
  const codes = (await Promise.all(answers)).map((answer) => answer!.err)
  expect(codes).toEqual([...Array.from({ length: count - 1 }, () => 0), -115])
  await client.closed
})

it('gives a connection 64 Ki characters of identities', async () => {
  await using server = await new EmbeddedServer().start()
  await using client = await RawClient.connect(server)
  const add = (name: string): Promise<{ err: number } | null> =>
    client.request('auth', { type: 0, scheme: 'digest', auth: Buffer.from(`${name.repeat(40_000)}:p`) }, -4)
  expect(await add('a')).toMatchObject({ err: 0 })
  expect(await add('a')).toMatchObject({ err: 0 })
  expect(await add('b')).toMatchObject({ err: -115 })
  await client.closed
})

it('shares what auth stands for among the znodes of a multi', async () => {
  await using server = await new EmbeddedServer().start()
  await using client = await RawClient.connect(server)
  for (const name of ['bob', 'eve']) {
    await client.request('auth', { type: 0, scheme: 'digest', auth: Buffer.from(`${name}:p`) }, -4)
  }
  const acl = [entry('auth', '')]
  const paths = ['/a', '/a/b', '/c']
  const ops = paths.map((path): MultiOp => ({ op: 'create', body: { path, data: null, acl, flags: 0 } }))
  expect((await client.request('multi', ops))!.body).toHaveLength(3)
  for (const path of paths) {
    const reply = await client.request('getAcl', { path })
    expect(reply!.body!.acl.map(({ id }) => id.id!.split(':')[0])).toEqual(['bob', 'eve'])
  }
})

it('keeps no long keys, and different ones for different lists', () => {
  const list = (count: number, perms: number): AclEntry[] => identities(count).map((id) => ({ perms, id }))
  const keys = [list(1_000, 1), list(1_000, 2), list(999, 1)].map(aclKey)
  expect(new Set(keys).size).toBe(3)
  for (const key of keys) expect(key.length).toBeLessThan(64)
  expect(aclKey(list(1_000, 1))).toBe(keys[0])
})

it('shares whom long lists name, and gives back and judges each list as it was set', () => {
  const table = new AclTable()
  const proven = identities(1_000)
  const list = (perms: number): AclEntry[] => proven.map((id) => ({ perms, id: { ...id } }))
  const acls = Array.from({ length: 200 }, (_, perms) => table.acquire(list(perms)))
  expect([table.size, table.namedCount]).toEqual([200, 1])
  expect(acls[31]?.entries).toEqual(list(31))
  expect(table.acquire(list(31))).toBe(acls[31])
  const who = [{ scheme: 'digest', id: 'user999:hash' }]
  expect(isPermitted(acls[5]!, 1, who, schemes)).toBe(true)
  expect(isPermitted(acls[5]!, 2, who, schemes)).toBe(false)
  expect(isPermitted(acls[5]!, 1, [{ scheme: 'digest', id: 'user1000:hash' }], schemes)).toBe(false)

  const mixed = table.acquire([...list(1).slice(1), ...list(2).slice(0, 1), entry('world', 'anyone', 8)])
  expect(mixed.entries.slice(-2)).toEqual([entry('digest', 'user0:hash', 2), entry('world', 'anyone', 8)])
  expect([isPermitted(mixed, 2, who, schemes), isPermitted(mixed, 8, [], schemes)]).toEqual([false, true])
  expect(table.namedCount).toBe(2)
  for (const acl of [...acls, acls[31]!, mixed]) table.release(acl)
  expect([table.size, table.namedCount]).toEqual([0, 0])
})
