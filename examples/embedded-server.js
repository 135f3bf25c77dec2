// @ts-check
/**
 * Tests with a ZooKeeper of their own, and what goes wrong with it on demand.
 *
 *   node --test examples/embedded-server.js
 */
/* oxlint-disable typescript/no-floating-promises -- the runner itself waits for its tests */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { ConnectionLossError, KazooClient, OperationTimeoutError } from 'kazoo-ts'
import { EmbeddedServer } from 'kazoo-ts/server'

const server = new EmbeddedServer()
const zk = new KazooClient()

before(async () => {
  await server.start()
  zk.setHosts(server.hosts)
  await zk.start()
})

after(async () => {
  await zk.stop()
  await server.stop()
})

/** Places an order once, even if the answer is lost. @param {string} id */
async function order(id) {
  try {
    await zk.create(`/orders/${id}`, 'one coffee', { makePath: true })
  } catch (error) {
    if (!(error instanceof ConnectionLossError && error.maybeApplied)) throw error
    // It may be there or not: look before you order again.
    if ((await zk.exists(`/orders/${id}`)) === null) await order(id)
  }
}

test('an order is placed', async () => {
  await order('a')
  assert.deepEqual(await zk.getChildren('/orders'), ['a'])
})

test('an order whose answer is lost is not placed twice', async () => {
  const cut = server.faults.closeBeforeAnswer({ op: 'create', path: '/orders/b' })
  await order('b')
  await cut
  assert.equal((await zk.get('/orders/b')).stat.version, 0)
})

test('an ephemeral goes with its session', async () => {
  await zk.create('/here', '', { ephemeral: true })
  /** @type {Promise<void>} */
  const lost = new Promise((resolve) => zk.addListener((state) => (state === 'LOST' ? resolve() : undefined)))
  server.expireSession(zk.session?.id ?? 0n)
  await lost
  assert.equal(await zk.exists('/here'), null)
})

test('a server that has stopped leaves a request without an answer', async () => {
  server.faults.pause()
  await assert.rejects(zk.exists('/orders', { timeout: 50 }), OperationTimeoutError)
  server.faults.resume()
  assert.notEqual(await zk.exists('/orders'), null)
})
