import { nodeRuntime } from '../../src/runtime/node-runtime.ts'
import type { TlsOptions } from '../../src/runtime/runtime.ts'
import { RawPeer } from './raw-peer.ts'

/** All that a server answers to these bytes, until it closes the connection. */
export async function command(port: number, word: string, tls?: TlsOptions): Promise<string> {
  const peer = new RawPeer()
  peer.socket = nodeRuntime.dial({ host: '127.0.0.1', port, tls }, peer.handler)
  await Promise.race([peer.opened, peer.closed])
  peer.write(word)
  await peer.closed
  return peer.text
}
