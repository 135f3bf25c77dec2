import type { ServerAddress } from '../client/index.ts'
import type { Runtime, TlsOptions } from '../runtime/runtime.ts'

/** Options of {@link sendFourLetterWord}. */
export interface FourLetterWordOptions {
  /** How long to wait for the whole answer, in milliseconds. @defaultValue 2,000 */
  readonly timeout?: number | undefined
  /** Speak TLS, with these options of `tls.connect`. @defaultValue none: without TLS */
  readonly tls?: TlsOptions | undefined
}

/**
 * Sends one of ZooKeeper's four-letter words (`srvr`, `mntr`, `ruok`…) and resolves to the whole answer.
 *
 * An answer may be empty: for a word that the server does not know.
 *
 * @param runtime - dials: `client.runtime`, or that of a `Simulation`
 * @param address - an IP address and a port; names are not resolved
 * @throws Error when the server cannot be reached, ends the connection with an error before it has answered, or takes
 * longer than `timeout`
 */
export function sendFourLetterWord(
  runtime: Runtime,
  address: ServerAddress,
  word: string,
  options: FourLetterWordOptions = {},
): Promise<string> {
  const { timeout = 2_000, tls } = options
  const where = `${address.host}:${address.port}`
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let timedOut = false
    const socket = runtime.dial(
      { host: address.host, port: address.port, tls },
      {
        opened: () => void socket.write(Buffer.from(word, 'latin1')),
        received: (chunk) => void chunks.push(chunk),
        closed: (error) => {
          timer.cancel()
          if (timedOut) reject(new Error(`${where} did not answer ${word} within ${timeout} ms`))
          // A server that closes with unread input resets the connection: an answer that came is an answer.
          else if (error !== null && chunks.length === 0) reject(error)
          else resolve(Buffer.concat(chunks).toString('utf8'))
        },
      },
    )
    const timer = runtime.setTimer(timeout, () => {
      timedOut = true
      socket.destroy()
    })
  })
}
