// @ts-check
/**
 * The limit: a socket that sends ready-made frames and counts replies by their length prefix. It knows no requests, only
 * how many are under way.
 */
import { connect } from 'node:net'

import { connectRequest, getRequest } from '../support/wire.js'

const ignore = () => {}

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<import('../contender.js').Contender>}
 */
export async function open(host, port) {
  const socket = connect({ host, port, noDelay: true })
  /** The part of a reply, or of its prefix, that is still to come. */
  let missing = 0
  let prefix = Buffer.alloc(0)
  /** @type {(replies: number) => void} */
  let counted = ignore

  socket.on('data', (chunk) => {
    const bytes = prefix.length > 0 ? Buffer.concat([prefix, chunk]) : chunk
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const length = bytes.length
    let replies = 0
    let offset = missing
    if (offset > 0 && offset <= length) replies++
    while (length - offset >= 4) {
      offset += 4 + view.getInt32(offset)
      if (offset <= length) replies++
    }
    missing = Math.max(0, offset - length)
    prefix = offset < length ? bytes.subarray(offset) : prefix.subarray(0, 0)
    counted(replies)
  })

  await new Promise((resolve) => {
    counted = resolve
    socket.write(connectRequest)
  })

  const one = getRequest(1)
  return {
    name: 'bare socket',
    get: undefined,
    pipeline: (count, window) =>
      new Promise((resolve) => {
        const frames = Buffer.alloc(one.length * window, one)
        let toSend = count
        let toCome = count
        /** @param {number} most */
        const send = (most) => {
          const number = Math.min(most, toSend)
          toSend -= number
          if (number > 0) socket.write(frames.subarray(0, number * one.length))
        }
        counted = (replies) => {
          toCome -= replies
          if (toCome === 0) resolve()
          else send(replies)
        }
        send(window)
      }),
    oneAtATime: (count) =>
      new Promise((resolve) => {
        let toCome = count
        counted = () => {
          if (--toCome === 0) resolve()
          else socket.write(one)
        }
        socket.write(one)
      }),
    close: async () => {
      socket.destroy()
    },
  }
}
