// @ts-check
/**
 * kazoo-ts as a contender of failover.js: reads one after the other on a client of its own, from `open` to `close`, and
 * answers `since` with the time at which the first read that was sent after that moment was answered. Times are those of
 * the machine's monotonic clock, in nanoseconds.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

import { KazooClient } from 'kazoo-ts'

import { Reads, rest } from './reads.js'

const reads = new Reads((answeredAt) => console.log(`answered ${answeredAt}`))
/** @type {{ zk: KazooClient | null }} */
const current = { zk: null }

/** @param {KazooClient} client */
async function read(client) {
  while (current.zk === client) {
    const sentAt = process.hrtime.bigint()
    try {
      await client.get('/zookeeper')
      reads.answered(sentAt)
    } catch {
      continue
    }
    await sleep(rest)
  }
}

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const [order, argument = ''] = line.split(' ')
  if (order === 'open') {
    const zk = await new KazooClient({ hosts: argument, sessionTimeout: 10_000, randomizeHosts: false }).start()
    current.zk = zk
    console.log('open')
    void read(zk)
  } else if (order === 'since') {
    reads.since(BigInt(argument))
  } else if (order === 'close') {
    const { zk } = current
    current.zk = null
    await zk?.stop()
    console.log('closed')
  }
}
