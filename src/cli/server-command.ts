import { Command, InvalidArgumentError } from 'commander'

import { formatAddress } from './format-address.ts'

interface ServerFlags {
  readonly host: string
  readonly port: number
  readonly tickTime: number
}

/** `kazoo server`: the embedded server as a process of its own, until SIGINT or SIGTERM. */
export function serverCommand(): Command {
  return new Command('server')
    .description('Runs an embedded ZooKeeper server, for development and tests: in memory, one process.')
    .option('-p, --port <number>', 'port to listen on; 0 picks a free one', wholeNumber(0, 65_535), 2181)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--tick-time <ms>', "ZooKeeper's unit of time", wholeNumber(1, 0x7fff_ffff), 2_000)
    .action(serve)
}

async function serve(flags: ServerFlags): Promise<void> {
  // Loaded here, so that other commands start without it.
  const { EmbeddedServer } = await import('../server/index.ts')
  const server = new EmbeddedServer(flags)
  try {
    await server.start()
  } catch (error) {
    console.error(`kazoo server: ${explain(error as NodeJS.ErrnoException, flags)}`)
    process.exitCode = 1
    return
  }
  const stop = (): void => {
    // Nothing is left running then, so the process ends by itself.
    void server.stop()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  console.log(`kazoo server is ready at ${formatAddress(flags.host, server.port)}`)
}

function explain(error: NodeJS.ErrnoException, { host, port }: ServerFlags): string {
  const address = formatAddress(host, port)
  switch (error.code) {
    case 'EADDRINUSE':
      return `${address} is in use already`
    case 'EACCES':
      return `no permission to listen on ${address}`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine`
    default:
      return error.message
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    }
    return value
  }
}
