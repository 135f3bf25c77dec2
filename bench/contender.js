// @ts-check
/**
 * One contender, in a process of its own, so that none runs on code that another has shaped. Started by run.js with a
 * module and a server's host and port; does what each message asks for and answers with the wall time and processor time
 * it took.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {(() => Promise<unknown>) | undefined} get
 * @property {(count: number, window: number) => Promise<void>} [pipeline] - where there is no promise for each `get`
 * @property {(count: number) => Promise<void>} [oneAtATime]
 * @property {() => Promise<void>} close
 *
 * @typedef {{ count: number, window: number }} Order - window 1 is one at a time
 * @typedef {{ wall: number, cpu: number }} Result - microseconds for each `get`
 */
import { performance } from 'node:perf_hooks'

import { pipeline } from './support/pipeline.js'

const [module = '', host = '', port = ''] = process.argv.slice(2)

/** @type {Record<string, (() => Promise<{ open(host: string, port: number): Promise<Contender> }>) | undefined>} */
const modules = {
  bare: () => import('./contenders/bare.js'),
  floor: () => import('./contenders/floor.js'),
  'kazoo-ts': () => import('./contenders/kazoo-ts.js'),
  'node-zookeeper-client': () => import('./contenders/node-zookeeper-client.js'),
}
const load = modules[module]
if (load === undefined) throw new RangeError(`no contender ${module}`)
const contender = await (await load()).open(host, Number(port))

/** @param {Order} order */
function carryOut({ count, window }) {
  if (contender.get !== undefined) return pipeline(count, window, contender.get)
  return window === 1 ? contender.oneAtATime?.(count) : contender.pipeline?.(count, window)
}

/** @param {Order} order */
async function measure(order) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await carryOut(order)
  const wall = (performance.now() - start) * 1000
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({ wall: wall / order.count, cpu: (user + system) / order.count })
}

process.on('message', (order) => void measure(/** @type {Order} */ (order)))
process.once('disconnect', () => void contender.close().finally(() => process.exit()))
process.send?.('ready')
