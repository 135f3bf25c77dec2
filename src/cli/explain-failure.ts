import { formatAddress } from './format-address.ts'

/** Why a server did not start, in words for a terminal. */
export function explainFailure(
  error: NodeJS.ErrnoException,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  // A code alone may be that of a file, too: a data folder or a key that may not be read.
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return error.message
  const address = formatAddress(host, (error as { readonly port?: number }).port ?? port)
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
