// @ts-check
/**
 * Fail-over: from the death of the member that a client is connected to, until its first request is answered by another.
 * kazoo-ts beside Python's Kazoo and ZooKeeper's own Java client, all three on the same member of a real ensemble of
 * three, which is killed (SIGKILL): one death for all, so that none has an easier one.
 *
 * Usage: node bench/failover.js [TRIALS]: as many deaths of a follower, and as many of the leader. The jars of a real
 * ZooKeeper as for the tests; `python3` with kazoo (PYTHON names another), and a JDK. Who is missing is left out.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { findZooKeepers, RealZooKeeper } from 'kazoo-ts/testing'

import { median } from './support/statistics.js'
import { table } from './support/table.js'

const trials = Number(process.argv[2] ?? 50)
/** How long all of them read before the death, in milliseconds: longer than any client takes for granted. */
const steady = 1_500
/** Who has no answer after this time has failed the trial, in milliseconds: the session is over. */
const patience = 20_000

/** @param {string} name */
const pathOf = (name) => fileURLToPath(new URL(`failover/${name}`, import.meta.url))

/** A client in a process of its own. */
class Contender {
  /** @type {number[]} */
  times = []
  #child
  #lines

  /** @param {string} name @param {string} command @param {readonly string[]} args */
  constructor(name, command, args) {
    this.name = name
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#child.on('error', () => {})
    // Should it have ended, the missing answer says so.
    this.#child.stdin.on('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** The next line, which must begin with that word; the rest of it. @param {string} word */
  async hear(word) {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`${this.name} has ended`)
    if (!value.startsWith(word)) throw new Error(`${this.name} says "${value}" instead of "${word}"`)
    return value.slice(word.length).trim()
  }

  /** @param {string} order @param {string} word */
  async ask(order, word) {
    this.#child.stdin.write(`${order}\n`)
    return this.hear(word)
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.pid === undefined) return
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}

/** Those that can be had here. @param {string} classpath */
async function contenders(classpath) {
  const all = [
    new Contender('kazoo-ts', process.execPath, [pathOf('kazoo-ts.js')]),
    new Contender('Kazoo', process.env['PYTHON'] ?? 'python3', [pathOf('kazoo_reads.py')]),
    new Contender('Java', 'java', [
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
      '-Xmx256m',
      ...['-cp', classpath],
      pathOf('JavaReads.java'),
    ]),
  ]
  const present = []
  for (const contender of all) {
    try {
      await contender.hear('ready')
      present.push(contender)
    } catch {
      console.error(`${contender.name} is not to be had here`)
    }
  }
  return present
}

/**
 * @param {RealZooKeeper} ensemble
 * @param {import('kazoo-ts/testing').RealMember} victim
 * @param {readonly Contender[]} clients
 */
async function trial(ensemble, victim, clients) {
  const others = ensemble.members.filter((member) => member !== victim)
  const hosts = [victim, ...others].map(({ address }) => address).join(',')
  await Promise.all(clients.map((client) => client.ask(`open ${hosts}`, 'open')))
  const sessions = (await victim.command('cons')).match(/sid=/g)?.length ?? 0
  if (sessions !== clients.length) throw new Error(`${sessions} of ${clients.length} are connected to the victim`)
  await sleep(steady)
  const died = victim.kill()
  const at = process.hrtime.bigint()
  const answers = clients.map(async (client) => {
    const answeredAt = BigInt(await client.ask(`since ${at}`, 'answered'))
    client.times.push(Number(answeredAt - at) / 1e6)
  })
  const late = sleep(patience, undefined, { ref: false }).then(() => {
    throw new Error(`no answer within ${patience} ms of the death`)
  })
  await Promise.race([Promise.all(answers), late])
  await died
  await Promise.all(clients.map((client) => client.ask('close', 'closed')))
  await victim.start()
  await ensemble.waitForLeader()
}

/** @param {readonly number[]} times @param {number} part */
function quantile(times, part) {
  return Number(times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.ceil(times.length * part) - 1)])
}

const [found] = await findZooKeepers()
if (found === undefined) throw new Error('no Apache ZooKeeper found: see KAZOO_ZOOKEEPERS_DIR')
const ensemble = new RealZooKeeper({ size: 3, version: found.version, classpath: found.classpath })
const clients = await contenders(found.classpath)
try {
  await ensemble.start()
  const rows = [['death of', 'client', 'median', '99 %', 'most', 'later than kazoo-ts by', 'trials']]
  for (const role of ['follower', 'leader']) {
    for (const client of clients) client.times = []
    for (let round = 0; round < trials; round++) {
      const leader = await ensemble.waitForLeader()
      const followers = ensemble.members.filter((member) => member !== leader)
      const victim = role === 'leader' ? leader : followers[round % followers.length]
      if (victim === undefined) throw new Error('no member to kill')
      await trial(ensemble, victim, clients)
      console.error(
        `${role} ${round + 1}: ${clients.map(({ name, times }) => `${name} ${times.at(-1)?.toFixed(1)}`).join(', ')}`,
      )
    }
    for (const { name, times } of clients) {
      const later = median(times.map((time, index) => time - Number(clients[0]?.times[index])))
      const figures = [median(times), quantile(times, 0.99), Math.max(...times), later]
      rows.push([`the ${role}`, name, ...figures.map((value) => `${value.toFixed(1)} ms`), String(times.length)])
    }
  }
  console.log(`ZooKeeper ${found.version}, three members; all clients in the same trials, session timeout 10 s`)
  console.log(table(rows))
} finally {
  await Promise.all(clients.map((client) => client.stop()))
  await ensemble.stop()
}
