// @ts-check
import { KazooClient } from 'kazoo-ts'

import { benchPath } from '../support/wire.js'

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<import('../contender.js').Contender>}
 */
export async function open(host, port) {
  const zk = await new KazooClient({ hosts: `${host}:${port}`, sessionTimeout: 30_000 }).start()
  return {
    name: 'kazoo-ts',
    get: () => zk.get(benchPath),
    close: () => zk.stop(),
  }
}
