// @ts-check
/**
 * Usage: deliveries.js HOST:PORT SESSIONS ZNODES
 *
 * Opens so many sessions, each with a watch on so many znodes, and changes all the znodes in one write. Prints
 * `{ watches, ms }`: the time from the write until the last event is there, the median of five. The sockets count bytes and
 * know no more of the protocol than they must.
 */
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'

import { KazooClient } from 'kazoo-ts'

import { median } from './support/statistics.js'
import { buffer, connectRequest, frame, int, opcodes, statSize } from './support/wire.js'

const [hosts = '', sessions = '', znodes = ''] = process.argv.slice(2)
const [host, port] = hosts.split(':')
const paths = Array.from({ length: Number(znodes) }, (_, index) => `/bench-watch-${String(index).padStart(5, '0')}`)
const requests = Buffer.concat(paths.map((path) => frame(int(1), int(opcodes.exists), buffer(path), Buffer.of(1))))
/** Of one handshake; of the answers to one session's requests; of the events that they lead to. */
const handshakeSize = 41
const answersSize = paths.length * (4 + 16 + statSize)
const eventsSize = paths.reduce((sum, path) => sum + 4 + 16 + 4 + 4 + 4 + path.length, 0)
const rounds = 5

const zk = await new KazooClient({ hosts, sessionTimeout: 30_000 }).start()
for (const path of paths) if ((await zk.exists(path)) === null) await zk.create(path)

let missing = 0
let done = () => {}
/** @param {number} bytes */
function arrived(bytes) {
  missing = bytes
  return new Promise((resolve) => {
    done = () => resolve(undefined)
  })
}

/** @type {import('node:net').Socket[]} */
const sockets = []
while (sockets.length < Number(sessions)) {
  const group = Array.from({ length: Math.min(100, Number(sessions) - sockets.length) }, () =>
    connect({ host, port: Number(port), noDelay: true }),
  )
  const shaken = arrived(group.length * handshakeSize)
  for (const socket of group) {
    socket.on('data', (chunk) => {
      missing -= chunk.length
      if (missing === 0) done()
    })
    socket.write(connectRequest)
  }
  await shaken
  sockets.push(...group)
}

/** @type {number[]} */
const times = []
for (let round = 0; round < rounds; round++) {
  const armed = arrived(sockets.length * answersSize)
  for (const socket of sockets) socket.write(requests)
  await armed
  const transaction = zk.transaction()
  for (const path of paths) transaction.set(path, 'x')
  const delivered = arrived(sockets.length * eventsSize)
  const start = performance.now()
  void transaction.commit()
  await delivered
  times.push(performance.now() - start)
}
console.log(JSON.stringify({ watches: sockets.length * paths.length, ms: median(times) }))
process.exit()
