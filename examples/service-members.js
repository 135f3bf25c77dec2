// @ts-check
/**
 * A service whose instances know each other: each has an ephemeral znode, and all watch the list.
 *
 *   node examples/service-members.js [HOSTS [NAME [PATH]]]
 *
 * Run it several times; end one with Ctrl-C, another with kill -9: its znode goes when its session has timed out.
 */
import { ChildrenWatch, KazooClient, NodeExistsError } from 'kazoo-ts'

const [hosts = '127.0.0.1:2181', name = `instance-${process.pid}`, path = '/services/demo'] = process.argv.slice(2)

const zk = new KazooClient({ hosts })

/** An ephemeral ends with its session, so each new session makes its own. */
async function register() {
  try {
    await zk.retry(() => zk.create(`${path}/${name}`, String(process.pid), { ephemeral: true, makePath: true }))
  } catch (error) {
    if (!(error instanceof NodeExistsError)) throw error
    // It is ours if a reply was lost; it may also be that of a namesake, or of our last session, about to go.
    const stat = await zk.exists(`${path}/${name}`)
    if (stat !== null && stat.ephemeralOwner !== zk.session?.id) throw error
  }
}

let lost = false
zk.addListener((state) => {
  if (state === 'LOST') lost = true
  if (state !== 'CONNECTED' || !lost) return
  lost = false
  register().catch((error) => console.error(`not registered: ${error.message}`))
})
process.once('SIGINT', () => void zk.stop())

try {
  await zk.start()
  await register()
  for await (const members of await new ChildrenWatch(zk, path).start()) {
    console.log(`members: ${(members ?? []).toSorted().join(', ') || 'none'}`)
  }
} finally {
  await zk.stop()
}
