import type { Runtime } from '../../../runtime/runtime.ts'
import { DigestMd5Client } from './digest-md5.ts'
import { GssapiClient } from './gssapi.ts'
import type { SaslMechanism } from './mechanism.ts'
import type { SaslOptions } from './options.ts'

/** Begins an exchange with the server of that name. A client without SASL never loads this module. */
export function startExchange(
  options: SaslOptions,
  serverName: string,
  runtime: Runtime,
): SaslMechanism | Promise<SaslMechanism> {
  switch (options.mechanism) {
    case 'DIGEST-MD5':
      return new DigestMd5Client(options, runtime.randomBytes(30))
    case 'GSSAPI':
      return GssapiClient.create(options, serverName)
  }
}
