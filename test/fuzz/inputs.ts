import { ConnectRequest } from '../../src/protocol/connect.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { encodeRequest } from '../differential/encode.ts'
import { generateOp } from '../differential/generate-op.ts'

/** What one client sends, in the pieces in which it arrives. */
export interface Input {
  readonly kind: string
  readonly chunks: readonly Buffer[]
}

/** The znode below which inputs do what they like. */
export const fuzzRoot = '/fuzz'

const names = { root: fuzzRoot, zxid: () => 0n }
const habits = { quota: false, acls: true, watches: true, oddities: true }
const words = 'ruok stat srvr mntr cons dump wchs wchc wchp envi conf gtmk stmk isro hash dirs crst srst xxxx'.split(
  ' ',
)

type Kind = (random: SeededRandom) => Buffer

/** The input of a number, under a seed: the same one every time. */
export function makeInput(seed: number, index: number): Input {
  const random = new SeededRandom(seed, `input ${index}`)
  const kind = random.pick(kindNames)
  return { kind, chunks: cut(random, kinds[kind]!(random)) }
}

const kinds: { readonly [name: string]: Kind } = {
  noise: (random) => random.bytes(random.integer(0, 300)),
  'noise in a frame': (random) => frame(random.bytes(random.integer(0, 120))),
  'announced and not sent': (random) => {
    const head = Buffer.alloc(4)
    head.writeInt32BE(random.pick([1_048_575, 1_048_576, 0x7fff_ffff, -1, -0x8000_0000, 100_000, 0, 3]))
    return Buffer.concat([head, random.bytes(random.integer(0, 64))])
  },
  'a four-letter word': (random) =>
    Buffer.concat([Buffer.from(random.pick(words)), random.bytes(random.integer(0, 12))]),
  'a damaged handshake': (random) => damage(random, handshake(random)),
  'noise behind the handshake': (random) => Buffer.concat([hello(), random.bytes(random.integer(1, 200))]),
  'frames of noise behind the handshake': (random) =>
    Buffer.concat([hello(), ...several(random, 4, () => frame(random.bytes(random.integer(0, 80))))]),
  'an opcode and noise': (random) => Buffer.concat([hello(), ...several(random, 5, () => opcodeAndNoise(random))]),
  'damaged requests': (random) =>
    Buffer.concat([hello(), damage(random, Buffer.concat(several(random, 6, () => request(random))))]),
  'requests, one damaged within its frame': (random) =>
    Buffer.concat([hello(), request(random), damageInside(random, request(random)), request(random)]),
  'requests cut short': (random) => {
    const bytes = Buffer.concat([hello(), ...several(random, 6, () => request(random))])
    return bytes.subarray(0, random.integer(0, bytes.length))
  },
  requests: (random) => Buffer.concat([handshake(random), ...several(random, 10, () => request(random))]),
}

const kindNames = Object.keys(kinds)

function several(random: SeededRandom, most: number, make: () => Buffer): Buffer[] {
  return Array.from({ length: random.integer(1, most) }, make)
}

function frame(body: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + body.length)
  bytes.writeInt32BE(body.length, 0)
  body.copy(bytes, 4)
  return bytes
}

/** The frame of a handshake; a new session for a moment, unless `values` say otherwise. */
export function connectRequest(values: Partial<ConnectRequest> = {}): Buffer {
  const writer = new Writer(64)
  ConnectRequest.write(writer, {
    protocolVersion: 0,
    lastZxidSeen: 0n,
    timeout: 1,
    sessionId: 0n,
    password: Buffer.alloc(16),
    readOnly: false,
    ...values,
  })
  return frame(writer.take())
}

const usualHello = connectRequest()

function hello(): Buffer {
  return Buffer.from(usualHello)
}

function handshake(random: SeededRandom): Buffer {
  return connectRequest({
    protocolVersion: random.pick([0, 0, 1, -1]),
    lastZxidSeen: random.pick([0n, 0n, 0n, 1n, -1n, 0x7fff_ffff_ffff_ffffn]),
    timeout: random.pick([0, 1, 10_000, -1, 0x7fff_ffff]),
    sessionId: random.chance(0.8) ? 0n : BigInt(random.uint32()) << 24n,
    password: random.pick([Buffer.alloc(16), Buffer.alloc(0), random.bytes(16), null]),
    readOnly: random.pick([false, true, null]),
  })
}

function request(random: SeededRandom): Buffer {
  return encodeRequest(generateOp(random, habits), random.integer(-10, 100), names)
}

function opcodeAndNoise(random: SeededRandom): Buffer {
  const body = random.bytes(8 + random.integer(0, 60))
  body.writeInt32BE(random.integer(-12, 110), 4)
  // Most lengths of noise are impossible; small ones lead further in.
  if (body.length >= 12) body.writeInt32BE(random.integer(-2, 20), 8)
  return frame(body)
}

function damage(random: SeededRandom, bytes: Buffer): Buffer {
  for (let times = random.integer(1, 6); times > 0 && bytes.length > 0; times--) {
    bytes[random.integer(0, bytes.length - 1)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.integer(0, 255)])
  }
  return bytes
}

function damageInside(random: SeededRandom, bytes: Buffer): Buffer {
  if (bytes.length > 12) damage(random, bytes.subarray(12))
  return bytes
}

/** In one piece, byte by byte, or anything between. */
function cut(random: SeededRandom, bytes: Buffer): Buffer[] {
  const most = random.pick([bytes.length, bytes.length, bytes.length, 1, 7, 40])
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const size = most === bytes.length ? most : random.integer(1, most)
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}
