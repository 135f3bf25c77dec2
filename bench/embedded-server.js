// @ts-check
/**
 * The embedded server in a process of its own. Prints its `host:port` when it listens; ends with its standard input.
 */
import { EmbeddedServer } from 'kazoo-ts/server'

const server = await new EmbeddedServer().start()
console.log(server.hosts)
process.stdin.resume().on('end', () => process.exit())
