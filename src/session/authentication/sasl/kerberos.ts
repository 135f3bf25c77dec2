// Whoever compiles this file needs the declaration, which no import can bring.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./kerberos-module.d.ts" />

import { SaslError } from '../../../protocol/sasl-error.ts'

/** What is used of the package `kerberos`, version 7. */
export interface Kerberos {
  initializeClient(
    service: string,
    options: { readonly principal?: string; readonly flags: number; readonly mechOID: number },
  ): Promise<KerberosClient>
}

/** One exchange. Tokens are in base64. */
export interface KerberosClient {
  /** Whether both sides have proven themselves. */
  readonly contextComplete: boolean
  step(challenge: string): Promise<string | null>
  unwrap(challenge: string): Promise<string | null>
  wrap(challenge: string, options: { readonly user?: string; readonly protect?: boolean }): Promise<string | null>
}

/** Loads the package; a client without GSSAPI never asks for it. @throws SaslError */
export async function loadKerberos(): Promise<Kerberos> {
  try {
    const { default: loaded } = await import(/* webpackIgnore: true */ 'kerberos')
    if (typeof (loaded as Partial<Kerberos> | undefined)?.initializeClient !== 'function') {
      throw new TypeError('it has no function initializeClient')
    }
    return loaded as Kerberos
  } catch (error) {
    throw new SaslError('GSSAPI takes the optional package "kerberos", which cannot be loaded', { cause: error })
  }
}
