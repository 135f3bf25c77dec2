import { type KazooClient, makeDigestAcl, READ_ACL_UNSAFE } from '../../src/index.ts'

const HOUR = 3_600_000

/** Makes znodes of all kinds, and changes them in all ways. The client's session owns some of them. */
export async function populate(zk: KazooClient): Promise<void> {
  await zk.addAuth('digest', 'user:password')
  await zk.create('/plain', 'data')
  await zk.create('/empty', '')
  await zk.create('/null', null)
  await zk.create('/bytes', Uint8Array.from([0, 1, 0x42, 0xff]))
  await zk.create('/ünï-cødé-✓', 'ünï')
  await zk.create('/large', Buffer.alloc(300_000, 'x'))
  await zk.create('/parent')
  for (let i = 0; i < 12; i++) await zk.create('/parent/seq-', `value ${i}`, { sequence: true })
  await zk.delete('/parent/seq-0000000003')
  await zk.delete('/parent/seq-0000000011')
  await zk.create('/parent/lock-', 'mine', { ephemeral: true, sequence: true })
  await zk.create('/ephemeral', 'mine', { ephemeral: true })
  await zk.create('/gone', 'mine', { ephemeral: true })
  await zk.delete('/gone')
  await zk.create('/container', 'c', { container: true })
  await zk.create('/container/child', 'in it')
  await zk.create('/ttl', 't', { ttl: HOUR })
  await zk.create('/ttl-', 't', { ttl: 2 * HOUR, sequence: true })
  await zk.create('/secret', 's', { acl: [makeDigestAcl('user', 'password', { all: true })] })
  await zk.create('/shown', 's', { acl: [...READ_ACL_UNSAFE, makeDigestAcl('user', 'password', { all: true })] })
  await zk.setAcls('/shown', [makeDigestAcl('user', 'password', { all: true }), ...READ_ACL_UNSAFE])
  for (let i = 0; i < 4; i++) await zk.set('/plain', `data ${i}`)
  await zk.set('/', 'of the root')
  await zk
    .transaction()
    .create('/multi', 'm')
    .create('/multi/a', 'a', { ephemeral: true })
    .set('/plain', 'by multi')
    .check('/empty', 0)
    .delete('/parent/seq-0000000005')
    .commit()
  await zk
    .transaction()
    .create('/never', 'n')
    .check('/empty', 7)
    .commit()
    .then(
      () => Promise.reject(new Error('a check failed')),
      () => {},
    )
  await zk.delete('/nowhere').catch(() => {})
  await zk.create('/zookeeper/quota/parent')
  await zk.create('/zookeeper/quota/parent/zookeeper_limits', 'count=100,bytes=100000')
  await zk.create('/zookeeper/quota/parent/zookeeper_stats', 'count=0,bytes=0')
  await zk.create('/parent/counted', '12345')
}

/** What a client can know of a whole tree, the znodes of the system included, in the order of their paths. */
export async function describeTree(zk: KazooClient): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  const visit = async (path: string): Promise<void> => {
    const { data, stat } = await zk.get(path)
    const { acls } = await zk.getAcls(path)
    found[path] = { data: data.toString('latin1'), stat: stat.toJSON(), acls }
    const children = await zk.getChildren(path)
    for (const name of children.toSorted()) await visit(path === '/' ? `/${name}` : `${path}/${name}`)
  }
  await visit('/')
  return found
}
