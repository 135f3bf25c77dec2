// @ts-check
/**
 * Configuration that follows a znode: JSON in, the latest version out, for as long as the process runs.
 *
 *   node examples/config-watch.js [HOSTS [PATH]]
 *
 * The znode may be missing, be deleted and be made again; the connection and the session may come and go.
 */
import { DataWatch, KazooClient } from 'kazoo-ts'

const [hosts = '127.0.0.1:2181', path = '/config/app'] = process.argv.slice(2)

/** @param {Buffer | null} data */
function apply(data) {
  if (data === null) {
    console.log(`${path} is missing: the defaults hold`)
    return
  }
  try {
    console.log(`configuration: ${JSON.stringify(JSON.parse(data.toString()))}`)
  } catch {
    // A slip in the configuration must not take the process down: what held before goes on holding.
    console.log(`${path} is no JSON: nothing changes`)
  }
}

const zk = new KazooClient({ hosts })
zk.addListener((state, { cause }) => console.log(cause === undefined ? state : `${state}: ${cause.message}`))
process.once('SIGINT', () => void zk.stop())

try {
  await zk.start()
  // One version at a time: while this one is applied newer ones may come, and only the last of them is seen.
  for await (const { data } of await new DataWatch(zk, path).start()) apply(data)
} finally {
  await zk.stop()
}
