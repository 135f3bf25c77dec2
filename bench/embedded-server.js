// @ts-check
/**
 * The embedded server in a process of its own, with a data directory if one is given. Prints its `host:port` when it listens; ends with its standard input.
 */
import { EmbeddedServer } from 'kazoo-ts/server'

const [dataDir] = process.argv.slice(2)
const server = await new EmbeddedServer(dataDir === undefined ? {} : { dataDir }).start()
console.log(server.hosts)
process.stdin.resume().on('end', () => process.exit())
