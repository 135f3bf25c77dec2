// @ts-check
/** The embedded server in a process that tells what processor time it has used. */
import { EmbeddedServer } from 'kazoo-ts/server'

const server = await new EmbeddedServer().start()
process.send?.({ hosts: server.hosts })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
process.on('disconnect', () => process.exit())
