import { SaslError } from '../../../protocol/sasl-error.ts'
import { loadKerberos, type KerberosClient } from './kerberos.ts'
import type { SaslMechanism } from './mechanism.ts'
import type { GssapiOptions } from './options.ts'

/** The package's numbers: GSS_C_MUTUAL_FLAG, GSS_C_SEQUENCE_FLAG, GSS_C_INTEG_FLAG; GSS_MECH_OID_KRB5. */
const flags = 2 | 8 | 32
const mechOID = 9

/** In the first byte of what the server offers: no protection of what follows. */
const noLayer = 1

/**
 * The client's side of SASL GSSAPI (RFC 4752): both sides prove themselves by Kerberos, then they agree on protecting
 * nothing of what follows, as ZooKeeper has nothing else. That is what TLS is for.
 */
export class GssapiClient implements SaslMechanism {
  readonly #client: KerberosClient
  #stage: 'new' | 'context' | 'layer' | 'last' | 'over' = 'new'

  private constructor(client: KerberosClient) {
    this.#client = client
  }

  /** @param host - the server's name, as the user gave it */
  static async create(options: GssapiOptions, host: string): Promise<GssapiClient> {
    const { service = 'zookeeper', principal, hostname = host } = options
    const name = typeof hostname === 'string' ? hostname : await hostname(host)
    if (typeof name !== 'string' || name === '') throw new TypeError('hostname must give a name')
    const kerberos = options.kerberos ?? (await loadKerberos())
    const whose = principal === undefined ? {} : { principal }
    return new GssapiClient(await told(kerberos.initializeClient(`${service}@${name}`, { ...whose, flags, mechOID })))
  }

  async next(token: Buffer | null): Promise<Buffer | null> {
    const stage = this.#stage
    this.#stage = 'over'
    switch (stage) {
      case 'new':
        return this.#establish('')
      case 'context':
        return this.#establish(needed(token))
      case 'layer':
        return this.#agree(needed(token))
      case 'last':
        if (token !== null && token.length > 0) throw new SaslError('the server does not end the exchange')
        return null
      case 'over':
        throw new SaslError('the exchange is over')
    }
  }

  async #establish(challenge: string): Promise<Buffer> {
    const answer = Buffer.from((await told(this.#client.step(challenge))) ?? '', 'base64')
    this.#stage = this.#client.contextComplete ? 'layer' : 'context'
    // The server speaks next, even where there is nothing left to tell it.
    return answer
  }

  async #agree(challenge: string): Promise<Buffer> {
    const offer = Buffer.from((await told(this.#client.unwrap(challenge))) ?? '', 'base64')
    if (offer.length !== 4) throw new SaslError('the server offers no layers')
    if ((offer[0]! & noLayer) === 0) throw new SaslError('the server asks for more than authentication')
    // The package writes the choice itself, over a copy of what it is given, of which it reads eight bytes: zeros, as
    // the size of the buffer has to be 0 without a layer. Who acts is whoever was authenticated.
    const answer = await told(this.#client.wrap(Buffer.alloc(8).toString('base64'), { user: '', protect: false }))
    this.#stage = 'last'
    return Buffer.from(answer ?? '', 'base64')
  }
}

/** A server that has no SASL answers nothing. */
function needed(token: Buffer | null): string {
  if (token === null || token.length === 0) throw new SaslError('the server does not take part in GSSAPI')
  return token.toString('base64')
}

/** What Kerberos says of its failures names principals and servers, and nothing that is secret. */
async function told<T>(step: Promise<T>): Promise<T> {
  try {
    return await step
  } catch (error) {
    throw new SaslError(error instanceof Error ? error.message : 'Kerberos failed', { cause: error })
  }
}
