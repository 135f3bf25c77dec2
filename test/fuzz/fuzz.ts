import { FrameDecoder } from '../../src/protocol/framing.ts'
import { EmbeddedServer } from '../../src/server/index.ts'
import { fuzzRoot, type Input, makeInput } from './inputs.ts'
import { memoryRuntime, type MemorySocket } from './memory-runtime.ts'
import { Witness } from './witness.ts'

/** The only session timeout that the server grants, in milliseconds: what inputs leave behind is soon gone. */
const sessionTimeout = 200
/** After so many inputs the witness looks whether anything happened to it, and what they made is deleted. */
const round = 500

export interface FuzzOptions {
  readonly seed: number
  /** Inputs `first` up to, but not including, `first + count` of the seed. */
  readonly first?: number
  readonly count: number
  readonly progress?: (done: number) => void
}

/** An input that did what no input may do. */
export class FuzzError extends Error {
  constructor(seed: number, index: number, { kind, chunks }: Input, cause: unknown) {
    super(`input ${index} of seed ${seed} (${kind}): ${Buffer.concat(chunks).toString('hex')}`, { cause })
  }
}

export interface FuzzOutcome {
  readonly inputs: number
  readonly bytes: number
  readonly answers: number
  /** How much more memory is used than before, in bytes; null where garbage cannot be collected at will. */
  readonly growth: number | null
  /** How many connections the server believes to have, beside the witness's. */
  readonly connections: number
}

/** Sends inputs to an embedded server, while a witness watches from a session of its own. */
export async function fuzz({ seed, first = 0, count, progress }: FuzzOptions): Promise<FuzzOutcome> {
  const runtime = memoryRuntime()
  const server = await new EmbeddedServer({
    runtime,
    tickTime: 50,
    minSessionTimeout: sessionTimeout,
    maxSessionTimeout: sessionTimeout,
    superDigest: Witness.superDigest,
  }).start()
  const witness = await Witness.start(runtime, fuzzRoot)
  let bytes = 0
  let answers = 0
  let before: number | null = null
  for (let index = first; index < first + count; index++) {
    const input = makeInput(seed, index)
    try {
      const socket = runtime.connect()
      for (const chunk of input.chunks) {
        bytes += chunk.length
        socket.deliver(chunk)
      }
      await nextTick()
      answers += countFrames(socket, input)
      socket.destroy()
      if ((index - first) % round === round - 1 || index === first + count - 1) {
        await witness.look()
        before ??= await settledMemory(witness)
        progress?.(index - first + 1)
      }
    } catch (error) {
      throw new FuzzError(seed, index, input, error)
    }
  }
  const after = await settledMemory(witness)
  const growth = before === null || after === null ? null : after - before
  const connections = server.connectionCount - 1
  await server.stop()
  return { inputs: count, bytes, answers, growth, connections }
}

/** Whatever is asked, an answer is whole frames, or a four-letter word's text. */
function countFrames(socket: MemorySocket, { chunks }: Input): number {
  if (socket.sent.length === 0) return 0
  const head = Buffer.concat(chunks).toString('latin1', 0, 4)
  if (/^[a-z]{4}$/.test(head)) return 1
  let frames = 0
  const decoder = new FrameDecoder(16 * 1024 * 1024, () => void frames++)
  decoder.push(Buffer.concat(socket.sent))
  if (!decoder.idle) throw new Error('the server sent half a frame')
  return frames
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** Bytes in use once the sessions of the inputs are over; null without `--expose-gc`. */
async function settledMemory(witness: Witness): Promise<number | null> {
  const { gc } = globalThis
  if (gc === undefined) return null
  for (let i = 0; i < 8; i++) {
    await new Promise((resolve) => void setTimeout(resolve, sessionTimeout / 2))
    await witness.look()
  }
  await gc({ execution: 'async' })
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
