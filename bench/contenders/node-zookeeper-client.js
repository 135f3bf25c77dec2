// @ts-check
// @ts-expect-error: it has no types
import zookeeper from 'node-zookeeper-client'

import { benchPath } from '../support/wire.js'

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<import('../contender.js').Contender>}
 */
export async function open(host, port) {
  const client = zookeeper.createClient(`${host}:${port}`, { sessionTimeout: 30_000 })
  await new Promise((resolve) => {
    client.once('connected', resolve)
    client.connect()
  })
  return {
    name: 'node-zookeeper-client',
    // It calls back; as a promise it is what its users write.
    get: () =>
      new Promise((resolve, reject) => {
        client.getData(
          benchPath,
          (/** @type {Error | null} */ error, /** @type {Buffer} */ data, /** @type {object} */ stat) => {
            if (error) reject(error)
            else resolve({ data, stat })
          },
        )
      }),
    close: async () => client.close(),
  }
}
