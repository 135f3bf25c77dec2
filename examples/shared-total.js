// @ts-check
/**
 * Read, change, write back: many processes change one znode, and no change is lost.
 *
 *   node examples/shared-total.js [HOSTS [AMOUNT [PATH]]]
 *
 * A write names the version that was read. If somebody else was faster it fails, and the whole is done again.
 */
import { BadVersionError, ForceRetryError, KazooClient, KazooRetry } from 'kazoo-ts'

const [hosts = '127.0.0.1:2181', amount = '1', path = '/totals/demo'] = process.argv.slice(2)

const zk = new KazooClient({ hosts })

/** @param {number} change */
async function add(change) {
  const { data, stat } = await zk.get(path)
  const total = Number(data.toString() || '0') + change
  try {
    await zk.set(path, String(total), { version: stat.version })
  } catch (error) {
    // Only a write that was surely not applied may be made again: after a ConnectionLossError that is not known.
    if (error instanceof BadVersionError) throw new ForceRetryError('somebody else was faster')
    throw error
  }
  return total
}

try {
  await zk.start()
  await zk.ensurePath(path)
  console.log(`total: ${await new KazooRetry({ maxTries: 20, delay: 10 }).run(() => add(Number(amount)))}`)
} finally {
  await zk.stop()
}
