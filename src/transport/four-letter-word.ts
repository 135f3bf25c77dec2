import { offAbort, onAbort } from '../common/abort-listeners.ts'
import { ConnectionLossError, OperationTimeoutError, ProtocolError } from '../common/errors.ts'
import type { DialOptions, Runtime } from '../runtime/runtime.ts'

/** Answers above this many bytes are refused: `wchp` of a very large server is some tens of mebibytes. */
const maxAnswer = 256 * 1024 * 1024

/** The same for what the client asks by itself, which takes a few lines: a server that lies gets no memory for it. */
const maxBrief = 64 * 1024

export interface CommandOptions {
  /** How long to wait for the whole answer, in milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** Asks a server one of ZooKeeper's four-letter words, over a connection of its own, and reads the answer to its end. */
export function fourLetterWord(
  runtime: Runtime,
  address: DialOptions,
  word: string,
  { timeout, signal }: CommandOptions,
): Promise<string> {
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const limit = word === 'srvr' || word === 'isro' ? maxBrief : maxAnswer
    let size = 0
    const aborted = (): void => settle(() => reject(signal?.reason))
    const timer = runtime.setTimer(timeout, () =>
      settle(() => reject(new OperationTimeoutError(`no answer to "${word}" within ${timeout} ms`, { op: 'command' }))),
    )
    let settled = false
    const settle = (outcome: () => void): void => {
      if (settled) return
      settled = true
      timer.cancel()
      offAbort(signal, aborted)
      socket.destroy()
      outcome()
    }
    const socket = runtime.dial(address, {
      opened: () => void socket.write(Buffer.from(word, 'latin1')),
      received: (chunk) => {
        size += chunk.length
        if (size > limit) settle(() => reject(new ProtocolError(`the answer to "${word}" is too large`)))
        else chunks.push(chunk)
      },
      closed: (error) =>
        settle(() => {
          // A server resets a connection that it closes with unread input, so an answer is an answer however it ends. It
          // has none for a word it does not know, and none reaches us over a connection that was cut.
          if (size > 0) resolve(Buffer.concat(chunks).toString('utf8'))
          else reject(new ConnectionLossError(`no answer to "${word}"`, { op: 'command', cause: error ?? undefined }))
        }),
    })
    onAbort(signal, aborted)
  })
}
