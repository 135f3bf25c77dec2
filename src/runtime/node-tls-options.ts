import type { ConnectionOptions } from 'node:tls'

/** Options of `tls.connect`, less those that say where to connect. */
export type TlsOptions = Omit<ConnectionOptions, 'host' | 'port' | 'path' | 'socket'>
