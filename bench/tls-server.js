// @ts-check
/**
 * The embedded server in a process of its own, for TLS and for plain connections on one port. Prints its `host:port` when it
 * listens; ends with its standard input.
 *
 * Usage: tls-server.js CERTIFICATE KEY, both files of PEM
 */
import { readFileSync } from 'node:fs'

import { EmbeddedServer } from 'kazoo-ts/server'

const [cert = '', key = ''] = process.argv.slice(2)
const server = await new EmbeddedServer({ tls: { cert: readFileSync(cert), key: readFileSync(key) } }).start()
console.log(server.hosts)
process.stdin.resume().on('end', () => process.exit())
