import { nodeRuntime } from '../runtime/node-runtime.ts'

/** The flags that name files for TLS. */
export interface TlsFlags {
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly tlsCa?: string | undefined
}

/** The options of `node:tls` for a server; null without a certificate. A client's certificate is optional, if it is good. */
export async function readTlsFiles({ tlsCert, tlsKey, tlsCa }: TlsFlags): Promise<Record<string, unknown> | null> {
  if (tlsCert === undefined || tlsKey === undefined) {
    if (tlsCert === tlsKey && tlsCa === undefined) return null
    throw new Error('--tls-cert and --tls-key go together')
  }
  const { files } = nodeRuntime
  const [cert, key] = [await files.readFile(tlsCert), await files.readFile(tlsKey)]
  if (tlsCa === undefined) return { cert, key }
  return { cert, key, ca: await files.readFile(tlsCa), requestCert: true, rejectUnauthorized: false }
}
